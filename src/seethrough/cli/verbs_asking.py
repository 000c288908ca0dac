"""The verbs that ask why: a signature each, which is also what the help says; another file of this room does the work."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from seethrough.cli import options as o
from seethrough.cli.app import app
from seethrough.cli.opening import Words

Trust = Annotated[
    bool,
    typer.Option("--trust/--no-trust", help="Check how far to believe each map, and say so.", rich_help_panel=o.ASKING),
]
Budget = Annotated[
    str | None,
    typer.Option(
        metavar="60s|2min",
        help="Time for it all; methods are made as fine as it allows, and what it bought is said.",
        rich_help_panel=o.ASKING,
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="A setting of the methods that have it, or METHOD.NAME=VALUE of one; may be repeated. `seethrough methods NAME` "
        "lists them.",
        rich_help_panel=o.ASKING,
    ),
]


@app.command()
def explain(
    model: o.Model,
    images: o.Images,
    out: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--out",
            metavar="FILE|FOLDER/|PATTERN",
            help="Write .html, .png, .svg, .npz or .json; for several pictures a folder, or 'out/{name}.png'.",
            rich_help_panel=o.WRITING,
        ),
    ] = None,
    methods: Annotated[
        list[str] | None,
        typer.Option(
            metavar="A,B,C",
            help="Names that `seethrough methods` lists, families (relevance), all, or all,-occlusion; by default gradcam, "
            "integrated_gradients, occlusion.",
            rich_help_panel=o.ASKING,
        ),
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LABEL|INDEX|'A - B'",
            help="What is asked about; may be repeated. By default the first answer.",
            rich_help_panel=o.ASKING,
        ),
    ] = None,
    trust: Trust = False,
    budget: Budget = None,
    layer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LAYER",
            help="Layer of class activation maps; by default the last one; several are fused into one map.",
            rich_help_panel=o.ASKING,
        ),
    ] = None,
    probabilities: Annotated[
        bool,
        typer.Option("--probabilities", help="Ask about probabilities, not logits.", rich_help_panel=o.ASKING),
    ] = False,
    steps: Annotated[
        int | None, typer.Option(help="Of integrated gradients; by default 32.", rich_help_panel=o.ASKING)
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            metavar="black|zero|mean|blur|NUMBER",
            help="Where integrated gradients begin; by default black.",
            rich_help_panel=o.ASKING,
        ),
    ] = None,
    samples: Annotated[
        int | None, typer.Option(help="Noisy pictures of SmoothGrad; by default 25.", rich_help_panel=o.ASKING)
    ] = None,
    noise: Annotated[
        float | None,
        typer.Option(help="Of SmoothGrad, as a part of the range; by default 0.15.", rich_help_panel=o.ASKING),
    ] = None,
    window: Annotated[
        str | None,
        typer.Option(metavar="32|32x16", help="What occlusion covers, in input pixels.", rich_help_panel=o.ASKING),
    ] = None,
    stride: Annotated[
        str | None,
        typer.Option(metavar="16|16x8", help="Steps between windows, in input pixels.", rich_help_panel=o.ASKING),
    ] = None,
    fill: Annotated[
        str | None,
        typer.Option(
            metavar="mean|blur|black|zero|NUMBER", help="What covers; by default mean.", rich_help_panel=o.ASKING
        ),
    ] = None,
    settings: Settings = None,
    seed: o.Seed = None,
    weights: o.Weights = None,
    architecture: o.Architecture = None,
    input_size: o.InputSize = None,
    classes: o.Classes = None,
    preprocessing: o.Preprocessing = None,
    device: o.Device = None,
    memory_limit: o.MemoryLimit = None,
    precision: o.Precision = "float32",
    output: o.OutputName = None,
    task: o.Task = None,
    allow_code: o.AllowCode = False,
    lang: o.Language = "en",
    as_json: o.Json = False,
    debug: o.Debug = False,
) -> int:
    """Why it answered so: maps by several methods, each with a sentence in words."""
    from seethrough.cli import explaining

    words = Words(
        model, weights, architecture, input_size, classes, preprocessing, device, seed, allow_code, output, task
    )
    said: dict[str, Any] = {
        "steps": steps,
        "baseline": o.number_or_word(baseline),
        "samples": samples,
        "noise": noise,
        "window": o.pair(window, "--window"),
        "stride": o.pair(stride, "--stride"),
        "fill": o.number_or_word(fill),
    }
    options = {name: value for name, value in said.items() if value is not None}
    asked = explaining.Question(
        o.listed(methods),
        target or (),
        layer or (),
        probabilities,
        options,
        settings or (),
        memory_limit,
        trust,
        budget,
        precision,
    )
    return explaining.explain(words, images, asked, out=out, language=lang, as_json=as_json)


@app.command()
def maps(
    model: o.Model,
    images: o.Folder,
    out: Annotated[
        str,
        typer.Option(
            "-o",
            "--out",
            metavar="FOLDER/",
            help="The folder of the results: the maps over their pictures, a list, and the numbers; an interrupted run goes on "
            "there.",
            rich_help_panel=o.WRITING,
        ),
    ],
    method: Annotated[
        str, typer.Option(help="A name that `seethrough methods` lists.", rich_help_panel=o.ASKING)
    ] = "gradcam",
    target: Annotated[
        str | None,
        typer.Option(
            metavar="LABEL|INDEX|'A - B'",
            help="What is asked about; by default each picture's first answer.",
            rich_help_panel=o.ASKING,
        ),
    ] = None,
    layer: Annotated[
        str | None,
        typer.Option(help="Layer of class activation maps; by default the last one.", rich_help_panel=o.ASKING),
    ] = None,
    probabilities: Annotated[
        bool,
        typer.Option("--probabilities", help="Ask about probabilities, not logits.", rich_help_panel=o.ASKING),
    ] = False,
    settings: Settings = None,
    pictures: Annotated[
        bool,
        typer.Option("--pictures/--no-pictures", help="Also the maps over their pictures.", rich_help_panel=o.WRITING),
    ] = True,
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
    """A map of each picture of a folder, thousands of them, by one method."""
    from seethrough.cli import mapping

    words = Words(
        model, weights, architecture, input_size, classes, preprocessing, device, seed, allow_code, output, task
    )
    asked = mapping.Question(method, target, layer, probabilities, settings or (), pictures, batch)
    return mapping.maps(words, images, asked, out=out, language=lang, as_json=as_json)


@app.command()
def compare(
    model: o.Model,
    others: Annotated[
        list[str],
        typer.Argument(metavar="[MODEL] IMAGE…", help="A second network, where two are compared; then pictures."),
    ],
    target: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LABEL|INDEX",
            help="Twice: the two answers that are compared. Once: what both layers or networks are asked about.",
            rich_help_panel=o.ASKING,
        ),
    ] = None,
    layer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LAYER",
            help="Twice: the two layers that are compared. Once: where both maps are taken from.",
            rich_help_panel=o.ASKING,
        ),
    ] = None,
    methods: Annotated[
        list[str] | None,
        typer.Option(
            metavar="A,B,C",
            help="As for explain; by default those of explain, of two layers gradcam.",
            rich_help_panel=o.ASKING,
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--out",
            metavar="FILE|FOLDER/|PATTERN",
            help="Write .html, .png, .svg, .npz or .json; for several pictures a folder, or 'out/{name}.html'.",
            rich_help_panel=o.WRITING,
        ),
    ] = None,
    trust: Trust = False,
    budget: Budget = None,
    probabilities: Annotated[
        bool,
        typer.Option("--probabilities", help="Ask about probabilities, not logits.", rich_help_panel=o.ASKING),
    ] = False,
    settings: Settings = None,
    seed: o.Seed = None,
    weights: o.Weights = None,
    architecture: o.Architecture = None,
    input_size: o.InputSize = None,
    classes: o.Classes = None,
    preprocessing: o.Preprocessing = None,
    device: o.Device = None,
    memory_limit: o.MemoryLimit = None,
    output: o.OutputName = None,
    task: o.Task = None,
    allow_code: o.AllowCode = False,
    lang: o.Language = "en",
    as_json: o.Json = False,
    debug: o.Debug = False,
) -> int:
    """Two answers, two layers or two networks side by side: both maps, where they differ, and the contrast."""
    from seethrough.cli import comparing, explaining

    words = Words(
        model, weights, architecture, input_size, classes, preprocessing, device, seed, allow_code, output, task
    )
    asked = explaining.Question(
        o.listed(methods), target or (), layer or (), probabilities, {}, settings or (), memory_limit, trust, budget
    )
    return comparing.compare(words, others, asked, out=out, language=lang, as_json=as_json)


@app.command()
def methods(
    name: Annotated[
        str | None, typer.Argument(metavar="[METHOD]", help="One method, told in full.", show_default=False)
    ] = None,
    family: Annotated[
        str | None, typer.Option(metavar="FAMILY", help="Only of this family, such as relevance.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--for",
            metavar="MODEL",
            help="Which of them fit this network, and why others don't.",
            rich_help_panel=o.NETWORK,
        ),
    ] = None,
    weights: o.Weights = None,
    architecture: o.Architecture = None,
    input_size: o.InputSize = None,
    output: o.OutputName = None,
    task: o.Task = None,
    allow_code: o.AllowCode = False,
    as_json: o.Json = False,
    debug: o.Debug = False,
) -> None:
    """The methods of attribution: family, what they need and cost, what they are good for, source."""
    from seethrough.cli import listing

    words = (
        Words(model, weights, architecture, input_size, allow_code=allow_code, output=output, task=task)
        if model
        else None
    )
    listing.methods(name, family=family, words=words, as_json=as_json)
