"""The verbs that judge explanations: a signature each, as in `verbs`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from seethrough.cli import options as o
from seethrough.cli.signature import Asked, Limited, verb

Target = Annotated[
    str | None,
    o.asking(
        metavar="LABEL|INDEX|truth",
        help="What is asked about; truth: each picture's own class. By default the first answer.",
    ),
]


@verb
def evaluate(
    *,
    images: o.Folder,
    out: Annotated[str | None, o.out(metavar="FILE", help="Write .html, .json or .csv.")] = None,
    methods: Annotated[
        list[str] | None, o.asking(metavar="A,B,C", help="Names or families that `seethrough methods` lists, or all.")
    ] = None,
    metrics: Annotated[
        list[str] | None,
        o.asking(
            metavar="A,B,C",
            help="Such as deletion, insertion, road, pointing_game, emprt; a family such as faithfulness; or all.",
        ),
    ] = None,
    target: Target = None,
    masks: Annotated[
        str | None,
        o.asking(
            metavar="FOLDER/|FILE.csv",
            help="Where the objects are: masks named like the pictures, or a list of image and mask.",
        ),
    ] = None,
    boxes: Annotated[
        str | None, o.asking(metavar="FILE.csv", help="Where the objects are: image, x0, y0, x1, y1.")
    ] = None,
    truth: o.Truth = None,
    layer: o.CamLayer = None,
    nulls: Annotated[bool, o.asking("--nulls/--no-nulls", help="Also maps that know nothing.")] = True,
    steps: Annotated[int | None, o.asking(help="Of methods and of curves.")] = None,
    tolerance: Annotated[float | None, o.asking(help="Pixels of the pointing game; by default 0.")] = None,
    words: Limited,
    lang: o.Language = "en",
    as_json: o.Json = False,
) -> int:
    """How good the maps of methods are, by the metrics of the field, over a folder of pictures."""
    from seethrough.cli import evaluating

    said: dict[str, Any] = {"steps": steps, "tolerance": tolerance}
    settings = {name: value for name, value in said.items() if value is not None}
    asked = evaluating.Question(
        o.listed(methods), o.listed(metrics), target, masks, boxes, truth, layer, nulls, settings
    )
    return evaluating.evaluate(words, images, asked, out=out, language=lang, as_json=as_json)


@verb
def recommend(
    *,
    images: o.Images,
    target: Annotated[
        str | None, o.asking(metavar="LABEL|INDEX", help="What is asked about; by default the first answer.")
    ] = None,
    check: Annotated[bool, o.asking("--check/--no-check", help="Also ask the checks on these pictures.")] = True,
    tries: Annotated[int, o.asking(help="Methods tried for each question.")] = 2,
    words: Asked,
    lang: o.Language = "en",
    as_json: o.Json = False,
) -> int:
    """Which three methods suit a network and its pictures, and why."""
    from seethrough.cli import recommending

    return recommending.recommend(words, images, target, check=check, tries=tries, language=lang, as_json=as_json)


@verb
def tune(
    *,
    method: Annotated[str, typer.Argument(metavar="METHOD", help="A name that `seethrough methods` lists.")],
    images: o.Folder,
    target: Target = None,
    tried: Annotated[
        list[str] | None,
        o.asking("--try", metavar="SETTING=A,B,C", help="Values to try; may be repeated. By default what is usual."),
    ] = None,
    metric: Annotated[str | None, o.asking(help="What judges; by default insertion less deletion.")] = None,
    budget: Annotated[str | None, o.asking(metavar="60s|2min", help="What choosing may take.")] = None,
    layer: o.CamLayer = None,
    words: Asked,
    lang: o.Language = "en",
    as_json: o.Json = False,
) -> int:
    """Which settings of a method the checks prefer: chosen on half of the pictures, proved on the other half."""
    from seethrough.cli import recommending

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
