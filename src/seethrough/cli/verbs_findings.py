"""The verbs that ask whether a network is right for the right reason: a signature each, as in `verbs`."""

from __future__ import annotations

from typing import Annotated

import typer

from seethrough.cli import options as o
from seethrough.cli.app import app
from seethrough.cli.opening import Words


@app.command()
def audit(
    model: o.Model,
    images: o.Folder,
    out: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--out",
            metavar="FOLDER/",
            help="Write audit.html and findings.json there, and keep what was looked at, so that the same command goes on.",
            rich_help_panel=o.WRITING,
        ),
    ] = None,
    truth: Annotated[
        str | None,
        typer.Option(
            metavar="folder|FILE.csv",
            help="The class of each picture: the folder that it is in (the default), or a line each with its name and class.",
            rich_help_panel=o.ASKING,
        ),
    ] = None,
    called: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CLASS=LABEL",
            help="What the network calls a class of the pictures, where the two differ: a label or the output's number; may be "
            "repeated.",
            rich_help_panel=o.ASKING,
        ),
    ] = None,
    masks: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER/|FILE.csv",
            help="Where the things are: masks named like the pictures, or a list of image and mask.",
            rich_help_panel=o.ASKING,
        ),
    ] = None,
    boxes: Annotated[
        str | None,
        typer.Option(metavar="FILE.csv", help="Where the things are: image, x0, y0, x1, y1.", rich_help_panel=o.ASKING),
    ] = None,
    finders: Annotated[
        list[str] | None,
        typer.Option(metavar="A,B", help="Ways to find; by default all.", rich_help_panel=o.ASKING),
    ] = None,
    seed: o.Seed = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 where something is proven.", rich_help_panel=o.WRITING)
    ] = False,
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
    """Is a network right for the right reason? What its answers go by beside the thing itself, found and proven."""
    from seethrough.cli import auditing

    words = Words(
        model, weights, architecture, input_size, classes, preprocessing, device, seed, allow_code, output, task
    )
    asked = auditing.Question(truth, tuple(called or ()), masks, boxes, o.listed(finders), strict)
    return auditing.audit(words, images, asked, out=out, language=lang, as_json=as_json)
