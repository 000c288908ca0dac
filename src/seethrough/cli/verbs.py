"""The verbs: a signature each, which is also what the help says; another file of this room does the work."""

from __future__ import annotations

from typing import Annotated

import typer

from seethrough.cli import options as o
from seethrough.cli.app import app
from seethrough.cli.opening import Words


@app.command()
def summary(
    model: o.Model,
    depth: Annotated[int | None, typer.Option(help="How many levels of the tree.")] = None,
    layer: Annotated[str | None, typer.Option(metavar="PATTERN", help="Only layers such as 'block5*'.")] = None,
    out: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--out",
            metavar="FILE.html|.json",
            help="Write a page with the whole tree.",
            rich_help_panel=o.WRITING,
        ),
    ] = None,
    weights: o.Weights = None,
    architecture: o.Architecture = None,
    input_size: o.InputSize = None,
    output: o.OutputName = None,
    task: o.Task = None,
    allow_code: o.AllowCode = False,
    lang: o.Language = "en",
    as_json: o.Json = False,
    debug: o.Debug = False,
) -> None:
    """Its layers with shapes, parameters, multiply-accumulates and receptive fields. Downloads nothing."""
    from seethrough.cli import looking

    words = Words(model, weights, architecture, input_size, allow_code=allow_code, output=output, task=task)
    looking.summary(words, depth=depth, pattern=layer, out=out, language=lang, as_json=as_json)


@app.command()
def layers(
    model: o.Model,
    pattern: Annotated[
        str | None, typer.Argument(metavar="[LAYER]", help="A layer, or a pattern such as 'block5*'.")
    ] = None,
    weights: Annotated[
        str | None, typer.Option(metavar="FILE.npz", help="Write the layer's weights there.", rich_help_panel=o.WRITING)
    ] = None,
    network_weights: Annotated[
        str | None,
        typer.Option(
            metavar="imagenet|none|FILE", help="Weights of a network by name; none: random.", rich_help_panel=o.NETWORK
        ),
    ] = None,
    architecture: o.Architecture = None,
    input_size: o.InputSize = None,
    output: o.OutputName = None,
    task: o.Task = None,
    allow_code: o.AllowCode = False,
    as_json: o.Json = False,
    debug: o.Debug = False,
) -> None:
    """Names of the layers; of one layer its configuration, shapes and weights. Downloads nothing unless asked to."""
    from seethrough.cli import looking

    words = Words(model, network_weights, architecture, input_size, allow_code=allow_code, output=output, task=task)
    looking.layers(words, pattern=pattern, weights_to=weights, as_json=as_json)


@app.command()
def check(
    model: o.Model,
    frozen: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="Layers meant to be frozen; may be repeated.", rich_help_panel=o.MEANT),
    ] = None,
    trainable: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="Layers meant to be trained; may be repeated.", rich_help_panel=o.MEANT),
    ] = None,
    meant_input: Annotated[
        str | None,
        typer.Option("--input", metavar="224x224x3", help="Shape of one input as meant.", rich_help_panel=o.MEANT),
    ] = None,
    outputs: Annotated[int | None, typer.Option(help="How many outputs are meant.", rich_help_panel=o.MEANT)] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Warnings count as faults too.", rich_help_panel=o.MEANT)
    ] = False,
    weights: o.Weights = None,
    architecture: o.Architecture = None,
    input_size: o.InputSize = None,
    classes: o.Classes = None,
    output: o.OutputName = None,
    task: o.Task = None,
    allow_code: o.AllowCode = False,
    lang: o.Language = "en",
    as_json: o.Json = False,
    debug: o.Debug = False,
) -> int:
    """What was meant against what is: frozen layers, shapes, outputs, sound weights. Exit code 1 where it is not so."""
    from seethrough.cli import checking

    words = Words(model, weights, architecture, input_size, classes, allow_code=allow_code, output=output, task=task)
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


@app.command()
def memory(
    model: o.Model,
    batch: Annotated[
        int | None, typer.Option(help="Images in a batch; by default 32.", rich_help_panel=o.ASKING)
    ] = None,
    optimizer: Annotated[
        str, typer.Option(metavar="sgd|adam|…", help="What trains it.", rich_help_panel=o.ASKING)
    ] = "adam",
    precision: Annotated[
        str, typer.Option(metavar="float32|bf16|fp16|…", help="Of the numbers.", rich_help_panel=o.ASKING)
    ] = "float32",
    fits: Annotated[
        str | None,
        typer.Option(metavar="24GB", help="The largest batch that fits there.", rich_help_panel=o.ASKING),
    ] = None,
    checkpoint: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN", help="Layers whose inside is computed again on the way back.", rich_help_panel=o.ASKING
        ),
    ] = None,
    inference: Annotated[
        bool, typer.Option("--inference", help="Only to run it, not to train it.", rich_help_panel=o.ASKING)
    ] = False,
    out: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--out",
            metavar="FILE",
            help="Write the figure: .png, .svg, .html or .json.",
            rich_help_panel=o.WRITING,
        ),
    ] = None,
    weights: o.Weights = None,
    architecture: o.Architecture = None,
    input_size: o.InputSize = None,
    output: o.OutputName = None,
    task: o.Task = None,
    allow_code: o.AllowCode = False,
    lang: o.Language = "en",
    as_json: o.Json = False,
    debug: o.Debug = False,
) -> int:
    """What training takes of memory, layer by layer, and the largest batch that fits. Nothing is allocated."""
    from seethrough.cli import remembering

    words = Words(model, weights, architecture, input_size, allow_code=allow_code, output=output, task=task)
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


@app.command()
def doctor(as_json: o.Json = False, debug: o.Debug = False) -> int:
    """What is installed, which doors are open, what is missing and how to get it."""
    from seethrough.cli import doctoring

    return doctoring.doctor(as_json=as_json)


@app.command()
def predict(
    model: o.Model,
    images: o.Images,
    top: Annotated[int, typer.Option(help="How many answers.", rich_help_panel=o.WRITING)] = 5,
    weights: o.Weights = None,
    architecture: o.Architecture = None,
    input_size: o.InputSize = None,
    classes: o.Classes = None,
    preprocessing: o.Preprocessing = None,
    device: o.Device = None,
    output: o.OutputName = None,
    task: o.Task = None,
    allow_code: o.AllowCode = False,
    as_json: o.Json = False,
    debug: o.Debug = False,
) -> int:
    """What it answers to pictures, with probabilities."""
    from seethrough.cli import predicting

    words = Words(
        model,
        weights,
        architecture,
        input_size,
        classes,
        preprocessing,
        device,
        allow_code=allow_code,
        output=output,
        task=task,
    )
    return predicting.predict(words, images, top=top, as_json=as_json)


@app.command()
def demo(
    name: Annotated[str, typer.Argument(metavar="NAME", help="leopards: has it learned the animal, or the snow?")],
    out: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--out",
            metavar="FILE.html",
            help="The page; by default leopards.html, or leopards-repaired.html.",
            rich_help_panel=o.WRITING,
        ),
    ] = None,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair", help="Audit the network, repair it and prove it, in a few minutes.", rich_help_panel=o.ASKING
        ),
    ] = False,
    lang: o.Language = "en",
    debug: o.Debug = False,
) -> None:
    """Two small networks that come with us, one of which has learned a shortcut; offline, in a minute or two."""
    from seethrough.cli import demonstrating

    demonstrating.demo(name, out=out, language=lang, repair=repair)
