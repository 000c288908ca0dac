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
            metavar="FOLDER/|FILE.csv|estimate",
            help="Where the things are: masks named like the pictures, a list of image and mask, or 'estimate' where there are none.",
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


@app.command()
def repair(
    model: o.Model,
    images: o.Folder,
    findings: Annotated[
        str | None,
        typer.Option(metavar="FOLDER/", help="The audit: the folder that audit -o wrote.", rich_help_panel=o.ASKING),
    ] = None,
    health: Annotated[
        bool,
        typer.Option(
            "--health",
            help="In place of findings: try what the verb health advises on a small training with and without it; -o takes .html "
            "or .json.",
            rich_help_panel=o.ASKING,
        ),
    ] = False,
    out: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--out",
            metavar="FILE",
            help="Write the repaired network there, in the format of its own: .keras, .safetensors, .pt, .onnx.",
            rich_help_panel=o.WRITING,
        ),
    ] = None,
    answer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="1=background",
            help="What only happens to be there and is to be mended, by its number or name; may be repeated.",
            rich_help_panel=o.ASKING,
        ),
    ] = None,
    answers: Annotated[
        str | None,
        typer.Option(metavar="FILE.json", help="The same, as the audit's page saves it.", rich_help_panel=o.ASKING),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(
            help="After so many no other way is tried; with --health for all of it.", rich_help_panel=o.ASKING
        ),
    ] = None,
    rungs: Annotated[
        list[str] | None,
        typer.Option(
            metavar="A,B",
            help="Ways to try, by default all in order: subtraction, reweighted, grouped, prototypes, exchanged, block, guided, whole.",
            rich_help_panel=o.ASKING,
        ),
    ] = None,
    allow_wrapper: Annotated[
        bool,
        typer.Option(
            "--allow-wrapper",
            help="Also ways that change no weight but how the answer is computed; they are written as a program (.pt2).",
            rich_help_panel=o.ASKING,
        ),
    ] = False,
    anyway: Annotated[
        bool,
        typer.Option(
            "--anyway", help="Write the best of what was tried even if it is worse.", rich_help_panel=o.WRITING
        ),
    ] = False,
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
            help="What the network calls a class of the pictures, by default as in the audit; may be repeated.",
            rich_help_panel=o.ASKING,
        ),
    ] = None,
    masks: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER/|FILE.csv|estimate",
            help="Where the things are, by default as in the audit: masks named like the pictures, a list of image and mask, or "
            "'estimate'.",
            rich_help_panel=o.ASKING,
        ),
    ] = None,
    boxes: Annotated[
        str | None,
        typer.Option(metavar="FILE.csv", help="Where the things are: image, x0, y0, x1, y1.", rich_help_panel=o.ASKING),
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
    """Mend a network of what its answers go by and shouldn't: from the least that is changed to the most, until it passes."""
    from seethrough.cli import repairing

    words = Words(
        model, weights, architecture, input_size, classes, preprocessing, device, seed, allow_code, output, task
    )
    if health:
        from seethrough.cli import rehearsing

        used = {
            "--findings": findings,
            "--answer": answer,
            "--answers": answers,
            "--rungs": rungs,
            "--masks": masks,
            "--boxes": boxes,
        }
        trial = rehearsing.Question(truth, tuple(called or ()), minutes, [name for name, said in used.items() if said])
        return rehearsing.rehearse(words, images, trial, out=out, language=lang, as_json=as_json)
    asked = repairing.Question(
        findings,
        tuple(answer or ()),
        answers,
        truth,
        tuple(called or ()),
        masks,
        boxes,
        o.listed(rungs),
        minutes,
        allow_wrapper,
        anyway,
    )
    return repairing.repair(words, images, asked, out=out, language=lang, as_json=as_json)


@app.command()
def prove(
    model: o.Model,
    repaired: Annotated[
        str,
        typer.Argument(
            metavar="REPAIRED", help="The repaired network, or the weights that a repair wrote for a network by name."
        ),
    ],
    images: o.Folder,
    findings: Annotated[
        str,
        typer.Option(metavar="FOLDER/", help="The audit: the folder that audit -o wrote.", rich_help_panel=o.ASKING),
    ],
    out: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--out",
            metavar="FILE",
            help="A page (.html), figure (.png, .svg) or record (.json).",
            rich_help_panel=o.WRITING,
        ),
    ] = None,
    answer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="1=background",
            help="What only happens to be there, by its number or name; by default as it was said for the repair, else all that "
            "was proven; may be repeated.",
            rich_help_panel=o.ASKING,
        ),
    ] = None,
    answers: Annotated[
        str | None,
        typer.Option(metavar="FILE.json", help="The same, as the audit's page saves it.", rich_help_panel=o.ASKING),
    ] = None,
    groups: Annotated[
        str | None,
        typer.Option(
            metavar="FILE.csv",
            help="Groups that were kept from everything until now: a line each with a picture's name and its group. The worst "
            "class in a group is then what counts.",
            rich_help_panel=o.ASKING,
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
            help="What the network calls a class of the pictures, by default as in the audit; may be repeated.",
            rich_help_panel=o.ASKING,
        ),
    ] = None,
    masks: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER/|FILE.csv|estimate",
            help="Where the things are: masks named like the pictures, a list of image and mask, or 'estimate' where there are none.",
            rich_help_panel=o.ASKING,
        ),
    ] = None,
    boxes: Annotated[
        str | None,
        typer.Option(metavar="FILE.csv", help="Where the things are: image, x0, y0, x1, y1.", rich_help_panel=o.ASKING),
    ] = None,
    controls: Annotated[
        bool,
        typer.Option(
            "--controls/--no-controls",
            help="Beside networks that were trained as long with another aim, where the repair left them.",
            rich_help_panel=o.ASKING,
        ),
    ] = True,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="With pictures that were used for a proof before, and say so.", rich_help_panel=o.ASKING
        ),
    ] = False,
    seed: o.Seed = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 where nothing improved.", rich_help_panel=o.WRITING)
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
    """Is a repaired network better? Both on the same fresh pictures: improved, no improvement, or worse, with the numbers."""
    from seethrough.cli import proving

    words = Words(
        model, weights, architecture, input_size, classes, preprocessing, device, seed, allow_code, output, task
    )
    asked = proving.Question(
        findings,
        tuple(answer or ()),
        answers,
        truth,
        tuple(called or ()),
        masks,
        boxes,
        groups,
        controls,
        force,
        strict,
    )
    return proving.prove(words, repaired, images, asked, out=out, language=lang, as_json=as_json)
