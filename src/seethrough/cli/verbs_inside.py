"""The verbs that look inside and over many images: a signature each, as in `verbs`."""

from __future__ import annotations

from typing import Annotated

import typer

from seethrough.cli import options as o
from seethrough.cli.app import app
from seethrough.cli.opening import Words


@app.command()
def filters(
    model: o.Model,
    layer: Annotated[
        str | None,
        typer.Argument(
            metavar="[LAYER]", help="A layer, or a pattern such as 'block1*'; by default the first convolution."
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--out",
            metavar="FILE",
            help="Write .html, .png, .svg, .npz or .json.",
            rich_help_panel=o.WRITING,
        ),
    ] = None,
    channels: o.Channels = None,
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
    """The kernels of convolutions as pictures, and what is to be noticed in them: dead, alike, dominating ones."""
    from seethrough.cli import drawing_filters

    words = Words(model, weights, architecture, input_size, allow_code=allow_code, output=output, task=task)
    return drawing_filters.filters(
        words, layer, channels=o.numbers(channels, "--channels"), out=out, language=lang, as_json=as_json
    )


@app.command()
def activations(
    model: o.Model,
    images: o.Images,
    out: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--out",
            metavar="FILE",
            help="Write .html, .png, .svg, .npz (raw arrays) or .json.",
            rich_help_panel=o.WRITING,
        ),
    ] = None,
    layers: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN", help="Layers such as 'block*_conv*'; may be repeated.", rich_help_panel=o.ASKING
        ),
    ] = None,
    scale: Annotated[
        str,
        typer.Option(metavar="unit|layer|network", help="What shares a scale of colours.", rich_help_panel=o.ASKING),
    ] = "layer",
    channels: o.Channels = None,
    seed: o.Seed = None,
    weights: o.Weights = None,
    architecture: o.Architecture = None,
    input_size: o.InputSize = None,
    classes: o.Classes = None,
    preprocessing: o.Preprocessing = None,
    device: o.Device = None,
    output: o.OutputName = None,
    task: o.Task = None,
    allow_code: o.AllowCode = False,
    lang: o.Language = "en",
    as_json: o.Json = False,
    debug: o.Debug = False,
) -> int:
    """What layers give for pictures, channel by channel: the strongest, the silent, the saturated."""
    from seethrough.cli import activating

    words = Words(
        model, weights, architecture, input_size, classes, preprocessing, device, seed, allow_code, output, task
    )
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


@app.command()
def maximize(
    model: o.Model,
    layer: Annotated[str | None, typer.Argument(metavar="[LAYER]", help="The layer whose units are asked for.")] = None,
    out: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--out",
            metavar="FILE",
            help="Write .png, .gif (the way there), .html, .npz or .json.",
            rich_help_panel=o.WRITING,
        ),
    ] = None,
    channels: Annotated[
        str | None,
        typer.Option(metavar="0-15,40", help="Which channels; by default the first 16.", rich_help_panel=o.ASKING),
    ] = None,
    neuron: Annotated[
        list[str] | None,
        typer.Option(metavar="C,H,W", help="One unit at one place; may be repeated.", rich_help_panel=o.ASKING),
    ] = None,
    direction: Annotated[
        str | None,
        typer.Option(metavar="FILE.npy", help="A direction in the layer's channels.", rich_help_panel=o.ASKING),
    ] = None,
    class_: Annotated[
        list[str] | None,
        typer.Option("--class", metavar="LABEL|INDEX", help="An output; may be repeated.", rich_help_panel=o.ASKING),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="IMAGE", help="Start from a picture, not noise.", rich_help_panel=o.ASKING),
    ] = None,
    how: Annotated[
        str | None,
        typer.Option(
            metavar="accentuate|invert|caricature|deepdream",
            help="What is done with the picture; by default accentuate.",
            rich_help_panel=o.ASKING,
        ),
    ] = None,
    parametrization: Annotated[
        str, typer.Option(metavar="fourier|pixel|maco", help="What is moved.", rich_help_panel=o.ASKING)
    ] = "fourier",
    transforms: Annotated[
        str, typer.Option(metavar="standard|none|…", help="How the picture is jittered.", rich_help_panel=o.ASKING)
    ] = "standard",
    size: Annotated[
        str | None,
        typer.Option(metavar="128|128x96", help="Of the picture; by default the network's.", rich_help_panel=o.ASKING),
    ] = None,
    steps: Annotated[int, typer.Option(help="Of the optimisation.", rich_help_panel=o.ASKING)] = 256,
    real: Annotated[
        str | None,
        typer.Option(
            metavar="IMAGES/", help="Real pictures whose best activation stands beside.", rich_help_panel=o.ASKING
        ),
    ] = None,
    seed: o.Seed = None,
    weights: o.Weights = None,
    architecture: o.Architecture = None,
    input_size: o.InputSize = None,
    classes: o.Classes = None,
    preprocessing: o.Preprocessing = None,
    device: o.Device = None,
    output: o.OutputName = None,
    task: o.Task = None,
    allow_code: o.AllowCode = False,
    lang: o.Language = "en",
    as_json: o.Json = False,
    debug: o.Debug = False,
) -> int:
    """A picture that excites a unit, a direction or a class most."""
    from seethrough.cli import maximizing

    words = Words(
        model, weights, architecture, input_size, classes, preprocessing, device, seed, allow_code, output, task
    )
    wanted = maximizing.Wanted(layer, o.numbers(channels, "--channels"), neuron or (), direction, class_ or ())
    way = maximizing.Way(start, how, parametrization, transforms, o.pair(size, "--size"), steps, seed or 0)
    return maximizing.maximize(words, wanted, way, real=real, out=out, language=lang, as_json=as_json)


@app.command()
def units(
    model: o.Model,
    images: o.Folder,
    out: Annotated[
        str,
        typer.Option(
            "-o",
            "--out",
            metavar="FOLDER/",
            help="The folder of the results, with units.html; an interrupted run goes on there.",
            rich_help_panel=o.WRITING,
        ),
    ],
    layer: Annotated[
        str | None, typer.Option(help="Whose units; by default the last with places.", rich_help_panel=o.ASKING)
    ] = None,
    top: Annotated[int, typer.Option(help="Best pictures of each unit.", rich_help_panel=o.ASKING)] = 9,
    relevance: Annotated[
        bool,
        typer.Option("--relevance/--no-relevance", help="Also the most relevant pictures.", rich_help_panel=o.ASKING),
    ] = True,
    target: Annotated[
        str | None,
        typer.Option(
            metavar="LABEL|INDEX", help="Relevant for what; by default each answer.", rich_help_panel=o.ASKING
        ),
    ] = None,
    truth: o.Truth = None,
    channels: o.Channels = None,
    maximized: Annotated[
        bool, typer.Option("--maximize", help="Also a maximized picture of each unit.", rich_help_panel=o.ASKING)
    ] = False,
    search: Annotated[
        str | None,
        typer.Option(metavar="IMAGE", help="Which units fire most unusually there.", rich_help_panel=o.ASKING),
    ] = None,
    batch: o.BatchSize = None,
    seed: o.Seed = None,
    weights: o.Weights = None,
    architecture: o.Architecture = None,
    input_size: o.InputSize = None,
    classes: o.Classes = None,
    preprocessing: o.Preprocessing = None,
    device: o.Device = None,
    output: o.OutputName = None,
    task: o.Task = None,
    allow_code: o.AllowCode = False,
    lang: o.Language = "en",
    as_json: o.Json = False,
    debug: o.Debug = False,
) -> int:
    """What each unit of a layer looks for: its best and most relevant pictures, its classes, a page a unit."""
    from seethrough.cli import surveying

    words = Words(
        model, weights, architecture, input_size, classes, preprocessing, device, seed, allow_code, output, task
    )
    asked = surveying.Question(
        layer, top, relevance, target, truth, o.numbers(channels, "--channels"), maximized, search, batch
    )
    return surveying.units(words, images, asked, out=out, language=lang, as_json=as_json)


@app.command()
def health(
    model: o.Model,
    images: Annotated[
        list[str],
        typer.Argument(metavar="[OTHER] IMAGES/", help="A folder of pictures; before it another network to compare."),
    ],
    out: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--out",
            metavar="FILE",
            help="Write .html, .png, .svg, .npz or .json.",
            rich_help_panel=o.WRITING,
        ),
    ] = None,
    layers: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN", help="Only layers such as 'block*'; may be repeated.", rich_help_panel=o.ASKING
        ),
    ] = None,
    truth: o.Truth = None,
    folder: Annotated[
        str | None,
        typer.Option("--run", metavar="FOLDER/", help="Keep the run there, to go on.", rich_help_panel=o.WRITING),
    ] = None,
    batch: o.BatchSize = None,
    seed: o.Seed = None,
    weights: o.Weights = None,
    architecture: o.Architecture = None,
    input_size: o.InputSize = None,
    classes: o.Classes = None,
    preprocessing: o.Preprocessing = None,
    device: o.Device = None,
    output: o.OutputName = None,
    task: o.Task = None,
    allow_code: o.AllowCode = False,
    lang: o.Language = "en",
    as_json: o.Json = False,
    debug: o.Debug = False,
) -> int:
    """Dead, always-on, duplicate and dominating units, rank, aliasing, saturation; with advice."""
    from seethrough.cli import examining

    words = Words(
        model, weights, architecture, input_size, classes, preprocessing, device, seed, allow_code, output, task
    )
    asked = examining.Question(o.listed(layers), truth, folder, batch)
    return examining.health(words, images, asked, out=out, language=lang, as_json=as_json)


@app.command()
def wall(
    model: o.Model,
    images: o.Folder,
    out: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--out",
            metavar="FILE",
            help="Write .html (the wall), .png, .npz (embeddings and places) or .json.",
            rich_help_panel=o.WRITING,
        ),
    ] = None,
    layer: Annotated[
        str | None,
        typer.Option(
            help="Whose values are the embedding; by default the one before the head.", rich_help_panel=o.ASKING
        ),
    ] = None,
    layout: Annotated[
        str, typer.Option(metavar="tsne|umap|pca", help="What brings it to two dimensions.", rich_help_panel=o.ASKING)
    ] = "tsne",
    maps: Annotated[
        bool, typer.Option("--maps", help="Also Grad-CAM over each picture.", rich_help_panel=o.ASKING)
    ] = False,
    truth: o.Truth = None,
    numbers: Annotated[
        str | None,
        typer.Option(metavar="FILE.csv", help="Numbers to colour the pictures by.", rich_help_panel=o.ASKING),
    ] = None,
    folder: Annotated[
        str | None,
        typer.Option("--run", metavar="FOLDER/", help="Keep the run there, to go on.", rich_help_panel=o.WRITING),
    ] = None,
    batch: o.BatchSize = None,
    seed: o.Seed = None,
    weights: o.Weights = None,
    architecture: o.Architecture = None,
    input_size: o.InputSize = None,
    classes: o.Classes = None,
    preprocessing: o.Preprocessing = None,
    device: o.Device = None,
    output: o.OutputName = None,
    task: o.Task = None,
    allow_code: o.AllowCode = False,
    lang: o.Language = "en",
    as_json: o.Json = False,
    debug: o.Debug = False,
) -> int:
    """Thousands of pictures on one zoomable sheet, laid out by what the network makes of them."""
    from seethrough.cli import hanging

    words = Words(
        model, weights, architecture, input_size, classes, preprocessing, device, seed, allow_code, output, task
    )
    asked = hanging.Question(layer, layout, maps, truth, numbers, folder, batch, seed or 0)
    return hanging.wall(words, images, asked, out=out, language=lang, as_json=as_json)


@app.command()
def verify(
    folder: Annotated[str, typer.Argument(metavar="FOLDER/", help="The folder of a run, such as that of units.")],
    as_json: o.Json = False,
    debug: o.Debug = False,
) -> int:
    """Whether the folder of a run is whole: every shard as it was written, every picture once."""
    from seethrough.cli import verifying

    return verifying.verify(folder, as_json=as_json)
