"""The verbs that ask whether a network is right for the right reason: a signature each, as in `verbs`."""

from __future__ import annotations

from typing import Annotated

import typer

from seethrough.cli import options as o
from seethrough.cli.signature import Asked, verb

AUDIT = o.asking(metavar="FOLDER/", help="The audit: the folder that audit -o wrote.")
Answers = Annotated[str | None, o.asking(metavar="FILE.json", help="The same, as the audit's page saves it.")]
Truth = Annotated[
    str | None,
    o.asking(
        metavar="folder|FILE.csv",
        help="The class of each picture: the folder that it is in (the default), or a line each with its name and class.",
    ),
]
Called = Annotated[
    list[str] | None,
    o.asking(
        metavar="CLASS=LABEL",
        help="What the network calls a class of the pictures, by default as in the audit; may be repeated.",
    ),
]
Masks = Annotated[
    str | None,
    o.asking(
        metavar="FOLDER/|FILE.csv|estimate",
        help="Where the things are: masks named like the pictures, a list of image and mask, or 'estimate' where there are none.",
    ),
]
Boxes = Annotated[str | None, o.asking(metavar="FILE.csv", help="Where the things are: image, x0, y0, x1, y1.")]


@verb
def audit(
    *,
    images: o.Folder,
    out: Annotated[
        str | None,
        o.out(
            metavar="FOLDER/",
            help="Write audit.html and findings.json there, and keep what was looked at, so that the same command goes on.",
        ),
    ] = None,
    truth: Truth = None,
    called: Annotated[
        list[str] | None,
        o.asking(
            metavar="CLASS=LABEL",
            help="What the network calls a class of the pictures, where the two differ: a label or the output's number; may be "
            "repeated.",
        ),
    ] = None,
    masks: Masks = None,
    boxes: Boxes = None,
    finders: Annotated[list[str] | None, o.asking(metavar="A,B", help="Ways to find; by default all.")] = None,
    own_words: Annotated[
        str | None,
        o.asking(
            "--words",
            metavar="FOLDER/",
            help="Words of yours to tell it with: a folder for each, such as snow/, with four pictures or more that show it.",
        ),
    ] = None,
    strict: Annotated[bool, o.writing("--strict", help="Exit with 1 where something is proven.")] = False,
    words: Asked,
    lang: o.Language = "en",
    as_json: o.Json = False,
) -> int:
    """Is a network right for the right reason? What its answers go by beside the thing itself, found and proven."""
    from seethrough.cli import auditing

    asked = auditing.Question(truth, tuple(called or ()), masks, boxes, o.listed(finders), strict, own_words)
    return auditing.audit(words, images, asked, out=out, language=lang, as_json=as_json)


@verb
def repair(
    *,
    images: o.Folder,
    findings: Annotated[str | None, AUDIT] = None,
    health: Annotated[
        bool,
        o.asking(
            "--health",
            help="In place of findings: try what the verb health advises on a small training with and without it; -o takes .html "
            "or .json.",
        ),
    ] = False,
    out: Annotated[
        str | None,
        o.out(
            metavar="FILE",
            help="Write the repaired network there, in the format of its own: .keras, .safetensors, .pt, .onnx.",
        ),
    ] = None,
    answer: Annotated[
        list[str] | None,
        o.asking(
            metavar="1=background",
            help="What only happens to be there and is to be mended, by its number or name; may be repeated.",
        ),
    ] = None,
    answers: Answers = None,
    minutes: Annotated[
        float | None, o.asking(help="After so many no other way is tried; with --health for all of it.")
    ] = None,
    rungs: Annotated[
        list[str] | None,
        o.asking(
            metavar="A,B",
            help="Ways to try, by default all in order: subtraction, reweighted, grouped, prototypes, exchanged, block, guided, whole.",
        ),
    ] = None,
    allow_wrapper: Annotated[
        bool,
        o.asking(
            "--allow-wrapper",
            help="Also ways that change no weight but how the answer is computed; they are written as a program (.pt2).",
        ),
    ] = False,
    anyway: Annotated[
        bool, o.writing("--anyway", help="Write the best of what was tried even if it is worse.")
    ] = False,
    truth: Truth = None,
    called: Called = None,
    masks: Annotated[
        str | None,
        o.asking(
            metavar="FOLDER/|FILE.csv|estimate",
            help="Where the things are, by default as in the audit: masks named like the pictures, a list of image and mask, or "
            "'estimate'.",
        ),
    ] = None,
    boxes: Boxes = None,
    words: Asked,
    lang: o.Language = "en",
    as_json: o.Json = False,
) -> int:
    """Mend a network of what its answers go by and shouldn't: from the least that is changed to the most, until it passes."""
    from seethrough.cli import repairing

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


@verb
def prove(
    *,
    repaired: Annotated[
        str,
        typer.Argument(
            metavar="REPAIRED", help="The repaired network, or the weights that a repair wrote for a network by name."
        ),
    ],
    images: o.Folder,
    findings: Annotated[str, AUDIT],
    out: Annotated[
        str | None, o.out(metavar="FILE", help="A page (.html), figure (.png, .svg) or record (.json).")
    ] = None,
    answer: Annotated[
        list[str] | None,
        o.asking(
            metavar="1=background",
            help="What only happens to be there, by its number or name; by default as it was said for the repair, else all that "
            "was proven; may be repeated.",
        ),
    ] = None,
    answers: Answers = None,
    groups: Annotated[
        str | None,
        o.asking(
            metavar="FILE.csv",
            help="Groups that were kept from everything until now: a line each with a picture's name and its group. The worst "
            "class in a group is then what counts.",
        ),
    ] = None,
    truth: Truth = None,
    called: Called = None,
    masks: Masks = None,
    boxes: Boxes = None,
    controls: Annotated[
        bool,
        o.asking(
            "--controls/--no-controls",
            help="Beside networks that were trained as long with another aim, where the repair left them.",
        ),
    ] = True,
    force: Annotated[
        bool, o.asking("--force", help="With pictures that were used for a proof before, and say so.")
    ] = False,
    strict: Annotated[bool, o.writing("--strict", help="Exit with 1 where nothing improved.")] = False,
    words: Asked,
    lang: o.Language = "en",
    as_json: o.Json = False,
) -> int:
    """Is a repaired network better? Both on the same fresh pictures: improved, no improvement, or worse, with the numbers."""
    from seethrough.cli import proving

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
