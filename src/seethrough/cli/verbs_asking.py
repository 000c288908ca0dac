"""The verbs that ask why: a signature each, which is also what the help says; another file of this room does the work."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from seethrough.cli import options as o
from seethrough.cli.opening import Words
from seethrough.cli.signature import Asked, Explained, Limited, verb

Probabilities = Annotated[bool, o.asking("--probabilities", help="Ask about probabilities, not logits.")]
Trust = Annotated[bool, o.asking("--trust/--no-trust", help="Check how far to believe each map, and say so.")]
Budget = Annotated[
    str | None,
    o.asking(
        metavar="60s|2min", help="Time for it all; methods are made as fine as it allows, and what it bought is said."
    ),
]
Settings = Annotated[
    list[str] | None,
    o.asking(
        "--set",
        metavar="NAME=VALUE",
        help="A setting of the methods that have it, or METHOD.NAME=VALUE of one; may be repeated. `seethrough methods NAME` "
        "lists them.",
    ),
]


@verb
def explain(
    *,
    images: o.Images,
    out: Annotated[
        str | None,
        o.out(
            metavar="FILE|FOLDER/|PATTERN",
            help="Write .html, .png, .svg, .npz or .json; for several pictures a folder, or 'out/{name}.png'.",
        ),
    ] = None,
    methods: Annotated[
        list[str] | None,
        o.asking(
            metavar="A,B,C",
            help="Names that `seethrough methods` lists, families (relevance), all, or all,-occlusion; by default gradcam, "
            "integrated_gradients, occlusion.",
        ),
    ] = None,
    target: Annotated[
        list[str] | None,
        o.asking(
            metavar="LABEL|INDEX|'A - B'", help="What is asked about; may be repeated. By default the first answer."
        ),
    ] = None,
    trust: Trust = False,
    budget: Budget = None,
    layer: Annotated[
        list[str] | None,
        o.asking(
            metavar="LAYER",
            help="Layer of class activation maps; by default the last one; several are fused into one map.",
        ),
    ] = None,
    probabilities: Probabilities = False,
    steps: Annotated[int | None, o.asking(help="Of integrated gradients; by default 32.")] = None,
    baseline: Annotated[
        str | None,
        o.asking(metavar="black|zero|mean|blur|NUMBER", help="Where integrated gradients begin; by default black."),
    ] = None,
    samples: Annotated[int | None, o.asking(help="Noisy pictures of SmoothGrad; by default 25.")] = None,
    noise: Annotated[float | None, o.asking(help="Of SmoothGrad, as a part of the range; by default 0.15.")] = None,
    window: Annotated[str | None, o.asking(metavar="32|32x16", help="What occlusion covers, in input pixels.")] = None,
    stride: Annotated[str | None, o.asking(metavar="16|16x8", help="Steps between windows, in input pixels.")] = None,
    fill: Annotated[
        str | None, o.asking(metavar="mean|blur|black|zero|NUMBER", help="What covers; by default mean.")
    ] = None,
    settings: Settings = None,
    words: Explained,
    lang: o.Language = "en",
    as_json: o.Json = False,
) -> int:
    """Why it answered so: maps by several methods, each with a sentence in words."""
    from seethrough.cli import explaining

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
        trust,
        budget,
    )
    return explaining.explain(words, images, asked, out=out, language=lang, as_json=as_json)


@verb
def maps(
    *,
    images: o.Folder,
    out: Annotated[
        str,
        o.out(
            metavar="FOLDER/",
            help="The folder of the results: the maps over their pictures, a list, and the numbers; an interrupted run goes on "
            "there.",
        ),
    ],
    method: Annotated[str, o.asking(help="A name that `seethrough methods` lists.")] = "gradcam",
    target: Annotated[
        str | None,
        o.asking(metavar="LABEL|INDEX|'A - B'", help="What is asked about; by default each picture's first answer."),
    ] = None,
    layer: o.CamLayer = None,
    probabilities: Probabilities = False,
    settings: Settings = None,
    pictures: Annotated[bool, o.writing("--pictures/--no-pictures", help="Also the maps over their pictures.")] = True,
    batch: o.BatchSize = None,
    words: Asked,
    lang: o.Language = "en",
    as_json: o.Json = False,
) -> int:
    """A map of each picture of a folder, thousands of them, by one method."""
    from seethrough.cli import mapping

    asked = mapping.Question(method, target, layer, probabilities, settings or (), pictures, batch)
    return mapping.maps(words, images, asked, out=out, language=lang, as_json=as_json)


@verb
def compare(
    *,
    others: Annotated[
        list[str],
        typer.Argument(metavar="[MODEL] IMAGE…", help="A second network, where two are compared; then pictures."),
    ],
    target: Annotated[
        list[str] | None,
        o.asking(
            metavar="LABEL|INDEX",
            help="Twice: the two answers that are compared. Once: what both layers or networks are asked about.",
        ),
    ] = None,
    layer: Annotated[
        list[str] | None,
        o.asking(
            metavar="LAYER", help="Twice: the two layers that are compared. Once: where both maps are taken from."
        ),
    ] = None,
    methods: Annotated[
        list[str] | None,
        o.asking(metavar="A,B,C", help="As for explain; by default those of explain, of two layers gradcam."),
    ] = None,
    out: Annotated[
        str | None,
        o.out(
            metavar="FILE|FOLDER/|PATTERN",
            help="Write .html, .png, .svg, .npz or .json; for several pictures a folder, or 'out/{name}.html'.",
        ),
    ] = None,
    trust: Trust = False,
    budget: Budget = None,
    probabilities: Probabilities = False,
    settings: Settings = None,
    words: Limited,
    lang: o.Language = "en",
    as_json: o.Json = False,
) -> int:
    """Two answers, two layers or two networks side by side: both maps, where they differ, and the contrast."""
    from seethrough.cli import comparing, explaining

    asked = explaining.Question(
        o.listed(methods), target or (), layer or (), probabilities, {}, settings or (), trust, budget
    )
    return comparing.compare(words, others, asked, out=out, language=lang, as_json=as_json)


@verb
def methods(
    name: Annotated[
        str | None, typer.Argument(metavar="[METHOD]", help="One method, told in full.", show_default=False)
    ] = None,
    family: Annotated[
        str | None, typer.Option(metavar="FAMILY", help="Only of this family, such as relevance.")
    ] = None,
    model: Annotated[
        str | None, o.network("--for", metavar="MODEL", help="Which of them fit this network, and why others don't.")
    ] = None,
    weights: o.Weights = None,
    architecture: o.Architecture = None,
    input_size: o.InputSize = None,
    output: o.OutputName = None,
    task: o.Task = None,
    allow_code: o.AllowCode = False,
    as_json: o.Json = False,
) -> None:
    """The methods of attribution: family, what they need and cost, what they are good for, source."""
    from seethrough.cli import listing

    words = (
        Words(
            model,
            weights=weights,
            architecture=architecture,
            input_size=input_size,
            output=output,
            task=task,
            allow_code=allow_code,
        )
        if model
        else None
    )
    listing.methods(name, family=family, words=words, as_json=as_json)
