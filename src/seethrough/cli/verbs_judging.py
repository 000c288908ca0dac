"""The verbs that judge explanations: a signature each, as in `verbs`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from seethrough.cli import options as o
from seethrough.cli.app import app
from seethrough.cli.opening import Words


@app.command()
def evaluate(
    model: o.Model,
    images: o.Folder,
    out: Annotated[
        str | None,
        typer.Option("-o", "--out", metavar="FILE", help="Write .html, .json or .csv.", rich_help_panel=o.WRITING),
    ] = None,
    methods: Annotated[
        list[str] | None,
        typer.Option(
            metavar="A,B,C",
            help="Names or families that `seethrough methods` lists, or all.",
            rich_help_panel=o.ASKING,
        ),
    ] = None,
    metrics: Annotated[
        list[str] | None,
        typer.Option(
            metavar="A,B,C",
            help="Such as deletion, insertion, road, pointing_game, emprt; a family such as faithfulness; or all.",
            rich_help_panel=o.ASKING,
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            metavar="LABEL|INDEX|truth",
            help="What is asked about; truth: each picture's own class. By default the first answer.",
            rich_help_panel=o.ASKING,
        ),
    ] = None,
    masks: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER/|FILE.csv",
            help="Where the objects are: masks named like the pictures, or a list of image and mask.",
            rich_help_panel=o.ASKING,
        ),
    ] = None,
    boxes: Annotated[
        str | None,
        typer.Option(
            metavar="FILE.csv", help="Where the objects are: image, x0, y0, x1, y1.", rich_help_panel=o.ASKING
        ),
    ] = None,
    truth: o.Truth = None,
    layer: Annotated[
        str | None,
        typer.Option(help="Layer of class activation maps; by default the last one.", rich_help_panel=o.ASKING),
    ] = None,
    nulls: Annotated[
        bool,
        typer.Option("--nulls/--no-nulls", help="Also maps that know nothing.", rich_help_panel=o.ASKING),
    ] = True,
    steps: Annotated[int | None, typer.Option(help="Of methods and of curves.", rich_help_panel=o.ASKING)] = None,
    tolerance: Annotated[
        float | None, typer.Option(help="Pixels of the pointing game; by default 0.", rich_help_panel=o.ASKING)
    ] = None,
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
    """How good the maps of methods are, by the metrics of the field, over a folder of pictures."""
    from seethrough.cli import evaluating

    words = Words(
        model, weights, architecture, input_size, classes, preprocessing, device, seed, allow_code, output, task
    )
    said: dict[str, Any] = {"steps": steps, "tolerance": tolerance}
    settings = {name: value for name, value in said.items() if value is not None}
    asked = evaluating.Question(
        o.listed(methods), o.listed(metrics), target, masks, boxes, truth, layer, nulls, settings, memory_limit
    )
    return evaluating.evaluate(words, images, asked, out=out, language=lang, as_json=as_json)


@app.command()
def recommend(
    model: o.Model,
    images: o.Images,
    target: Annotated[
        str | None,
        typer.Option(
            metavar="LABEL|INDEX", help="What is asked about; by default the first answer.", rich_help_panel=o.ASKING
        ),
    ] = None,
    check: Annotated[
        bool,
        typer.Option("--check/--no-check", help="Also ask the checks on these pictures.", rich_help_panel=o.ASKING),
    ] = True,
    tries: Annotated[int, typer.Option(help="Methods tried for each question.", rich_help_panel=o.ASKING)] = 2,
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
    """Which three methods suit a network and its pictures, and why."""
    from seethrough.cli import recommending

    words = Words(
        model, weights, architecture, input_size, classes, preprocessing, device, seed, allow_code, output, task
    )
    return recommending.recommend(words, images, target, check=check, tries=tries, language=lang, as_json=as_json)


@app.command()
def tune(
    model: o.Model,
    method: Annotated[str, typer.Argument(metavar="METHOD", help="A name that `seethrough methods` lists.")],
    images: o.Folder,
    target: Annotated[
        str | None,
        typer.Option(
            metavar="LABEL|INDEX|truth",
            help="What is asked about; truth: each picture's own class. By default the first answer.",
            rich_help_panel=o.ASKING,
        ),
    ] = None,
    tried: Annotated[
        list[str] | None,
        typer.Option(
            "--try",
            metavar="SETTING=A,B,C",
            help="Values to try; may be repeated. By default what is usual.",
            rich_help_panel=o.ASKING,
        ),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(help="What judges; by default insertion less deletion.", rich_help_panel=o.ASKING),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(metavar="60s|2min", help="What choosing may take.", rich_help_panel=o.ASKING),
    ] = None,
    layer: Annotated[
        str | None,
        typer.Option(help="Layer of class activation maps; by default the last one.", rich_help_panel=o.ASKING),
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
    """Which settings of a method the checks prefer: chosen on half of the pictures, proved on the other half."""
    from seethrough.cli import recommending

    words = Words(
        model, weights, architecture, input_size, classes, preprocessing, device, seed, allow_code, output, task
    )
    return recommending.tune(
        words,
        method,
        images,
        target,
        tried=tried or (),
        metric=metric,
        budget=budget,
        layer=layer,
        language=lang,
        as_json=as_json,
    )
