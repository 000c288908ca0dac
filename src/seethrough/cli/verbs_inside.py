"""The verbs that look inside and over many images: a signature each, as in `verbs`."""

from __future__ import annotations

from typing import Annotated

import typer

from seethrough.cli import options as o
from seethrough.cli.signature import Asked, Built, verb

Run = Annotated[str | None, o.writing("--run", metavar="FOLDER/", help="Keep the run there, to go on.")]


@verb
def filters(
    *,
    layer: Annotated[
        str | None,
        typer.Argument(
            metavar="[LAYER]", help="A layer, or a pattern such as 'block1*'; by default the first convolution."
        ),
    ] = None,
    out: Annotated[str | None, o.out(metavar="FILE", help="Write .html, .png, .svg, .npz or .json.")] = None,
    channels: o.Channels = None,
    words: Built,
    lang: o.Language = "en",
    as_json: o.Json = False,
) -> int:
    """The kernels of convolutions as pictures, and what is to be noticed in them: dead, alike, dominating ones."""
    from seethrough.cli import drawing_filters

    return drawing_filters.filters(
        words, layer, channels=o.numbers(channels, "--channels"), out=out, language=lang, as_json=as_json
    )


@verb
def activations(
    *,
    images: o.Images,
    out: Annotated[
        str | None, o.out(metavar="FILE", help="Write .html, .png, .svg, .npz (raw arrays) or .json.")
    ] = None,
    layers: Annotated[
        list[str] | None, o.asking(metavar="PATTERN", help="Layers such as 'block*_conv*'; may be repeated.")
    ] = None,
    scale: Annotated[str, o.asking(metavar="unit|layer|network", help="What shares a scale of colours.")] = "layer",
    channels: o.Channels = None,
    words: Asked,
    lang: o.Language = "en",
    as_json: o.Json = False,
) -> int:
    """What layers give for pictures, channel by channel: the strongest, the silent, the saturated."""
    from seethrough.cli import activating

    return activating.activations(
        words,
        images,
        layers=o.listed(layers),
        scale=scale,
        channels=o.numbers(channels, "--channels"),
        out=out,
        language=lang,
        as_json=as_json,
    )


@verb
def maximize(
    *,
    layer: Annotated[str | None, typer.Argument(metavar="[LAYER]", help="The layer whose units are asked for.")] = None,
    out: Annotated[
        str | None, o.out(metavar="FILE", help="Write .png, .gif (the way there), .html, .npz or .json.")
    ] = None,
    channels: Annotated[
        str | None, o.asking(metavar="0-15,40", help="Which channels; by default the first 16.")
    ] = None,
    neuron: Annotated[
        list[str] | None, o.asking(metavar="C,H,W", help="One unit at one place; may be repeated.")
    ] = None,
    direction: Annotated[str | None, o.asking(metavar="FILE.npy", help="A direction in the layer's channels.")] = None,
    class_: Annotated[
        list[str] | None, o.asking("--class", metavar="LABEL|INDEX", help="An output; may be repeated.")
    ] = None,
    start: Annotated[str | None, o.asking("--from", metavar="IMAGE", help="Start from a picture, not noise.")] = None,
    how: Annotated[
        str | None,
        o.asking(
            metavar="accentuate|invert|caricature|deepdream",
            help="What is done with the picture; by default accentuate.",
        ),
    ] = None,
    parametrization: Annotated[str, o.asking(metavar="fourier|pixel|maco", help="What is moved.")] = "fourier",
    transforms: Annotated[str, o.asking(metavar="standard|none|…", help="How the picture is jittered.")] = "standard",
    size: Annotated[
        str | None, o.asking(metavar="128|128x96", help="Of the picture; by default the network's.")
    ] = None,
    steps: Annotated[int, o.asking(help="Of the optimisation.")] = 256,
    real: Annotated[
        str | None, o.asking(metavar="IMAGES/", help="Real pictures whose best activation stands beside.")
    ] = None,
    words: Asked,
    lang: o.Language = "en",
    as_json: o.Json = False,
) -> int:
    """A picture that excites a unit, a direction or a class most."""
    from seethrough.cli import maximizing

    wanted = maximizing.Wanted(layer, o.numbers(channels, "--channels"), neuron or (), direction, class_ or ())
    way = maximizing.Way(start, how, parametrization, transforms, o.pair(size, "--size"), steps, words.seed or 0)
    return maximizing.maximize(words, wanted, way, real=real, out=out, language=lang, as_json=as_json)


@verb
def units(
    *,
    images: o.Folder,
    out: Annotated[
        str,
        o.out(metavar="FOLDER/", help="The folder of the results, with units.html; an interrupted run goes on there."),
    ],
    layer: Annotated[str | None, o.asking(help="Whose units; by default the last with places.")] = None,
    top: Annotated[int, o.asking(help="Best pictures of each unit.")] = 9,
    relevance: Annotated[bool, o.asking("--relevance/--no-relevance", help="Also the most relevant pictures.")] = True,
    target: Annotated[
        str | None, o.asking(metavar="LABEL|INDEX", help="Relevant for what; by default each answer.")
    ] = None,
    truth: o.Truth = None,
    channels: o.Channels = None,
    maximized: Annotated[bool, o.asking("--maximize", help="Also a maximized picture of each unit.")] = False,
    search: Annotated[str | None, o.asking(metavar="IMAGE", help="Which units fire most unusually there.")] = None,
    batch: o.BatchSize = None,
    words: Asked,
    lang: o.Language = "en",
    as_json: o.Json = False,
) -> int:
    """What each unit of a layer looks for: its best and most relevant pictures, its classes, a page a unit."""
    from seethrough.cli import surveying

    asked = surveying.Question(
        layer, top, relevance, target, truth, o.numbers(channels, "--channels"), maximized, search, batch
    )
    return surveying.units(words, images, asked, out=out, language=lang, as_json=as_json)


@verb
def health(
    *,
    images: Annotated[
        list[str],
        typer.Argument(metavar="[OTHER] IMAGES/", help="A folder of pictures; before it another network to compare."),
    ],
    out: Annotated[str | None, o.out(metavar="FILE", help="Write .html, .png, .svg, .npz or .json.")] = None,
    layers: Annotated[
        list[str] | None, o.asking(metavar="PATTERN", help="Only layers such as 'block*'; may be repeated.")
    ] = None,
    truth: o.Truth = None,
    folder: Run = None,
    batch: o.BatchSize = None,
    words: Asked,
    lang: o.Language = "en",
    as_json: o.Json = False,
) -> int:
    """Dead, always-on, duplicate and dominating units, rank, aliasing, saturation; with advice."""
    from seethrough.cli import examining

    asked = examining.Question(o.listed(layers), truth, folder, batch)
    return examining.health(words, images, asked, out=out, language=lang, as_json=as_json)


@verb
def wall(
    *,
    images: o.Folder,
    out: Annotated[
        str | None, o.out(metavar="FILE", help="Write .html (the wall), .png, .npz (embeddings and places) or .json.")
    ] = None,
    layer: Annotated[
        str | None, o.asking(help="Whose values are the embedding; by default the one before the head.")
    ] = None,
    layout: Annotated[str, o.asking(metavar="tsne|umap|pca", help="What brings it to two dimensions.")] = "tsne",
    maps: Annotated[bool, o.asking("--maps", help="Also Grad-CAM over each picture.")] = False,
    truth: o.Truth = None,
    numbers: Annotated[str | None, o.asking(metavar="FILE.csv", help="Numbers to colour the pictures by.")] = None,
    folder: Run = None,
    batch: o.BatchSize = None,
    words: Asked,
    lang: o.Language = "en",
    as_json: o.Json = False,
) -> int:
    """Thousands of pictures on one zoomable sheet, laid out by what the network makes of them."""
    from seethrough.cli import hanging

    asked = hanging.Question(layer, layout, maps, truth, numbers, folder, batch, words.seed or 0)
    return hanging.wall(words, images, asked, out=out, language=lang, as_json=as_json)


@verb
def verify(
    folder: Annotated[str, typer.Argument(metavar="FOLDER/", help="The folder of a run, such as that of units.")],
    as_json: o.Json = False,
) -> int:
    """Whether the folder of a run is whole: every shard as it was written, every picture once."""
    from seethrough.cli import verifying

    return verifying.verify(folder, as_json=as_json)
