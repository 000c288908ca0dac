"""The verbs: a signature each, which is also what the help says; another file of this room does the work."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from seethrough.cli import options as o
from seethrough.cli.signature import Answering, Built, Named, Shaped, verb


@verb
def summary(
    *,
    depth: Annotated[int | None, typer.Option(help="How many levels of the tree.")] = None,
    layer: Annotated[str | None, typer.Option(metavar="PATTERN", help="Only layers such as 'block5*'.")] = None,
    out: Annotated[str | None, o.out(metavar="FILE.html|.json", help="Write a page with the whole tree.")] = None,
    words: Built,
    lang: o.Language = "en",
    as_json: o.Json = False,
) -> None:
    """Its layers with shapes, parameters, multiply-accumulates and receptive fields. Downloads nothing."""
    from seethrough.cli import looking

    looking.summary(words, depth=depth, pattern=layer, out=out, language=lang, as_json=as_json)


@verb
def layers(
    *,
    pattern: Annotated[
        str | None, typer.Argument(metavar="[LAYER]", help="A layer, or a pattern such as 'block5*'.")
    ] = None,
    weights: Annotated[str | None, o.writing(metavar="FILE.npz", help="Write the layer's weights there.")] = None,
    network_weights: Annotated[
        str | None, o.network(metavar="imagenet|none|FILE", help="Weights of a network by name; none: random.")
    ] = None,
    words: Shaped,
    as_json: o.Json = False,
) -> None:
    """Names of the layers; of one layer its configuration, shapes and weights. Downloads nothing unless asked to."""
    from seethrough.cli import looking

    looking.layers(replace(words, weights=network_weights), pattern=pattern, weights_to=weights, as_json=as_json)


@verb
def check(
    *,
    frozen: Annotated[
        list[str] | None, o.meant(metavar="PATTERN", help="Layers meant to be frozen; may be repeated.")
    ] = None,
    trainable: Annotated[
        list[str] | None, o.meant(metavar="PATTERN", help="Layers meant to be trained; may be repeated.")
    ] = None,
    meant_input: Annotated[
        str | None, o.meant("--input", metavar="224x224x3", help="Shape of one input as meant.")
    ] = None,
    outputs: Annotated[int | None, o.meant(help="How many outputs are meant.")] = None,
    strict: Annotated[bool, o.meant("--strict", help="Warnings count as faults too.")] = False,
    words: Named,
    lang: o.Language = "en",
    as_json: o.Json = False,
) -> int:
    """What was meant against what is: frozen layers, shapes, outputs, sound weights. Exit code 1 where it is not so."""
    from seethrough.cli import checking

    return checking.check(
        words,
        frozen=frozen or (),
        trainable=trainable or (),
        meant_input=meant_input,
        outputs=outputs,
        strict=strict,
        language=lang,
        as_json=as_json,
    )


@verb
def memory(
    *,
    batch: Annotated[int | None, o.asking(help="Images in a batch; by default 32.")] = None,
    optimizer: Annotated[str, o.asking(metavar="sgd|adam|…", help="What trains it.")] = "adam",
    precision: Annotated[str, o.asking(metavar="float32|bf16|fp16|…", help="Of the numbers.")] = "float32",
    fits: Annotated[str | None, o.asking(metavar="24GB", help="The largest batch that fits there.")] = None,
    checkpoint: Annotated[
        list[str] | None, o.asking(metavar="PATTERN", help="Layers whose inside is computed again on the way back.")
    ] = None,
    inference: Annotated[bool, o.asking("--inference", help="Only to run it, not to train it.")] = False,
    out: Annotated[str | None, o.out(metavar="FILE", help="Write the figure: .png, .svg, .html or .json.")] = None,
    words: Built,
    lang: o.Language = "en",
    as_json: o.Json = False,
) -> int:
    """What training takes of memory, layer by layer, and the largest batch that fits. Nothing is allocated."""
    from seethrough.cli import remembering

    return remembering.memory(
        words,
        batch=batch,
        optimizer=optimizer,
        precision=precision,
        fits=fits,
        checkpoint=o.listed(checkpoint),
        inference=inference,
        out=out,
        language=lang,
        as_json=as_json,
    )


@verb
def doctor(as_json: o.Json = False) -> int:
    """What is installed, which doors are open, what is missing and how to get it."""
    from seethrough.cli import doctoring

    return doctoring.doctor(as_json=as_json)


@verb
def predict(
    *,
    images: o.Images,
    top: Annotated[int, o.writing(help="How many answers.")] = 5,
    words: Answering,
    as_json: o.Json = False,
) -> int:
    """What it answers to pictures, with probabilities."""
    from seethrough.cli import predicting

    return predicting.predict(words, images, top=top, as_json=as_json)


@verb
def demo(
    name: Annotated[str, typer.Argument(metavar="NAME", help="leopards: has it learned the animal, or the snow?")],
    out: Annotated[
        str | None, o.out(metavar="FILE.html", help="The page; by default leopards.html, or leopards-repaired.html.")
    ] = None,
    repair: Annotated[
        bool, o.asking("--repair", help="Audit the network, repair it and prove it, in a few minutes.")
    ] = False,
    lang: o.Language = "en",
) -> None:
    """Two small networks that come with us, one of which has learned a shortcut; offline, in a minute or two."""
    from seethrough.cli import demonstrating

    demonstrating.demo(name, out=out, language=lang, repair=repair)
