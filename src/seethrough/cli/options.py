"""Options that several verbs share, and what words of a shell mean."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from seethrough.errors import UsageError

NETWORK, ASKING, WRITING, MEANT = "Network", "Question", "Output", "As meant"
"""Headings in the help."""

network, asking, writing, meant = (
    partial(typer.Option, rich_help_panel=heading) for heading in (NETWORK, ASKING, WRITING, MEANT)
)
"""An option under each."""

out = partial(writing, "-o", "--out")
"""Where the results go; what is written there differs from verb to verb."""

LONGEST_NUMBER = 6
"""Digits of a channel's number; nobody has a million, and a range that long would take all memory."""

Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="keras:VGG16, torchvision:resnet50, timm:convnext_tiny, hf:vit, demo:leopards; a .keras, .h5, .onnx, "
        ".safetensors or .pt file, a Hugging Face folder, or file.py:function.",
    ),
]
Images = Annotated[list[str], typer.Argument(metavar="IMAGE…", help="Pictures: JPEG, PNG, WebP, TIFF…")]
Weights = Annotated[
    str | None, network(metavar="imagenet|none|FILE", help="Weights of a network by name; none: random ones.")
]
Architecture = Annotated[
    str | None,
    network(
        metavar="PACKAGE.MODULE:FUNCTION|timm:NAME",
        help="What builds the network that a .safetensors or .pt file has the weights of: a function of yours, whose "
        "code is run, or a name of timm, torchvision or Hugging Face.",
    ),
]
InputSize = Annotated[
    str | None,
    network(
        metavar="224x224x3", help="Shape of one input in the network's own layout, or the side of a square RGB picture."
    ),
]
Classes = Annotated[
    str | None, network(metavar="imagenet|FILE", help="Names of the outputs; a file has one name a line, or JSON.")
]
Preprocessing = Annotated[
    str | None,
    network(metavar="caffe|tf|torch|unit|raw", help="How pictures become inputs, where the source doesn't say."),
]
OutputName = Annotated[
    str | None,
    network(
        "--output",
        metavar="NAME",
        help="Which of several outputs is meant: its key, field or position; by default logits, or the first.",
    ),
]
Task = Annotated[
    str | None,
    network(
        metavar="classification|segmentation|…",
        help="What the outputs are, where the source doesn't say: also detection, embedding, regression.",
    ),
]
AllowCode = Annotated[
    bool,
    network(
        "--allow-code",
        help="Let the file run code when opened (pickled modules, Lambda layers). Only for files you trust.",
    ),
]
Device = Annotated[str | None, network(metavar="cpu|cuda|mps", help="Where to compute; by default the CPU.")]
MemoryLimit = Annotated[
    str | None,
    network(metavar="2GB", help="What a question may take of memory; by default nine tenths of what is free."),
]
Precision = Annotated[
    str,
    asking(
        metavar="float32|bf16",
        help="What answers to many changed pictures are computed in; it is said how far off bf16 is.",
    ),
]
Folder = Annotated[str, typer.Argument(metavar="IMAGES/", help="A folder of pictures; folders in it are classes.")]
Truth = Annotated[
    str | None,
    asking(
        metavar="FILE.csv",
        help="The class of each picture: a line each with its name and class; by default the folder that it is in.",
    ),
]
Seed = Annotated[int | None, asking(help="Of everything random.")]
Channels = Annotated[str | None, asking(metavar="0-15,40", help="Which channels; by default all.")]
CamLayer = Annotated[str | None, asking(help="Layer of class activation maps; by default the last one.")]
BatchSize = Annotated[int | None, asking("--batch", help="Images at once; by default measured.")]
Language = Annotated[str, writing(metavar="en|zh", help="Language of words.")]
Json = Annotated[bool, writing("--json", help="Print JSON for programs.")]
Debug = Annotated[bool, writing("--debug", help="Show where an error comes from.")]


def sides(said: str, option: str) -> tuple[int, ...]:
    """Whole numbers with ``x`` between them.

    >>> sides("224x224x3", "--input-size")
    (224, 224, 3)
    """
    parts = said.lower().replace("×", "x").replace(",", "x").split("x")
    if not all(part.strip().isdecimal() for part in parts):
        raise UsageError(f"{option} takes whole numbers with x between them, such as 224x224x3; this is {said!r}.")
    return tuple(int(part) for part in parts)


def input_size(said: str | None) -> int | tuple[int, ...] | None:
    """What `open` takes for ``--input-size``: one number is the side of a square."""
    if said is None:
        return None
    numbers = sides(said, "--input-size")
    return numbers[0] if len(numbers) == 1 else numbers


def pair(said: str | None, option: str) -> int | tuple[int, ...] | None:
    """A length in pixels, or height × width."""
    if said is None:
        return None
    numbers = sides(said, option)
    if len(numbers) > 2:
        raise UsageError(f"{option} is one whole number of pixels, or height x width; this is {said!r}.")
    return numbers[0] if len(numbers) == 1 else numbers


def numbers(said: str | None, option: str) -> tuple[int, ...] | None:
    """Whole numbers and ranges of them, in the order said.

    >>> numbers("0-3,40", "--channels")
    (0, 1, 2, 3, 40)
    """
    if said is None:
        return None
    found: list[int] = []
    for part in said.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()) or max(len(first), len(last)) > LONGEST_NUMBER:
            raise UsageError(f"{option} takes whole numbers and ranges, such as 0-15,40; this is {said!r}.")
        low, high = int(first), int(last if dash else first)
        if high < low:
            raise UsageError(
                f"{option} takes ranges from the smaller to the larger, such as 0-15; this is {part.strip()!r}."
            )
        found += range(low, high + 1)
    return tuple(dict.fromkeys(found))


def number_or_word(said: str | None) -> float | str | None:
    """``"0.5"`` as a number, ``"blur"`` as it is; which words there are is the method's affair."""
    if said is None:
        return None
    try:
        return float(said)
    except ValueError:
        return said


def listed(said: list[str] | None) -> list[str]:
    """Names given in one word with commas, in several, or both.

    >>> listed(["gradcam,saliency", "occlusion"])
    ['gradcam', 'saliency', 'occlusion']
    """
    return [name.strip() for word in said or () for name in word.split(",") if name.strip()]


def target(said: str) -> str | int:
    """An index where it is one."""
    return int(said) if said.strip().lstrip("-").isdecimal() else said
