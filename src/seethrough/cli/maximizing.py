"""``maximize``: pictures that excite a unit, a direction or a class most; and what a network makes of one that is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seethrough.cli.destinations import result_file
from seethrough.cli.opening import Words, open_to_ask
from seethrough.cli.options import target
from seethrough.cli.predicting import say_notes
from seethrough.cli.terminal import one_line, progress, say, say_json, show_table
from seethrough.errors import InputRefused, UsageError

if TYPE_CHECKING:
    import numpy as np

    from seethrough.features.maximized import Maximized
    from seethrough.network import Network

KINDS = (".png", ".svg", ".gif", ".html", ".npz", ".json")
WAYS = ("accentuate", "invert", "caricature", "deepdream")
PARAMETRIZATIONS = ("fourier", "pixel", "maco")
LARGEST_DIRECTION = 64 << 20
"""Bytes of a file with a direction."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be excited, as typed."""

    layer: str | None
    channels: Sequence[int] | None
    neurons: Sequence[str]
    direction: str | None
    classes: Sequence[str]


@dataclass(frozen=True, slots=True)
class Way:
    """How pictures are made, as typed."""

    start: str | None
    how: str | None
    parametrization: str
    transforms: str
    size: int | tuple[int, ...] | None
    steps: int
    seed: int


def maximize(
    words: Words, wanted: Wanted, way: Way, *, real: str | None, out: str | None, language: str, as_json: bool
) -> int:
    """Make the pictures, print what they reach, and write what ``-o`` names."""
    from seethrough.show.language import known_language

    known_language(language)
    _refuse_conflicts(wanted, way, real)
    asked = _asked(wanted)
    file = None if out is None else result_file(out, KINDS)
    net = open_to_ask(words)
    with progress() as step:
        told = None if step is None else lambda done, total: step("maximize", done, total)
        result = _made(net, wanted, way, asked, real, told)
    if file is not None:
        result.save(file, language=language)
    if as_json:
        say_json(result.to_dict())
        return 0
    _say(result, language)
    if file is not None:
        say(f"written to {one_line(file)}")
    return 0


def _made(net: Network, wanted: Wanted, way: Way, asked: dict[str, Any], real: str | None, step: Any) -> Maximized:
    from seethrough.features import accentuate as of_a_picture
    from seethrough.features.maximize import maximize as from_noise

    options: dict[str, Any] = {"size": way.size, "steps": way.steps, "seed": way.seed, "progress": step}
    options["parametrization"] = way.parametrization
    if way.start is None:
        return from_noise(net, wanted.layer, **asked, transforms=way.transforms, real=real, **options)
    how = way.how or "accentuate"
    if way.transforms != "standard":
        options["transforms"] = way.transforms
    if how == "accentuate":
        return of_a_picture.accentuate(net, way.start, wanted.layer, **asked, real=real, **options)
    if how == "deepdream":
        del options["parametrization"]
        channel = asked.get("channel")
        options |= {"channel": None if channel is None else channel[0], "steps": max(1, way.steps // 8)}
        return of_a_picture.deepdream(net, way.start, wanted.layer or "", **options)
    return getattr(of_a_picture, how)(net, way.start, wanted.layer or "", **options)


def _asked(wanted: Wanted) -> dict[str, Any]:
    """What `seethrough.maximize` takes."""
    asked: dict[str, Any] = {}
    if wanted.channels is not None:
        asked["channel"] = list(wanted.channels)
    if wanted.neurons:
        asked["neuron"] = [_neuron(said) for said in wanted.neurons]
    if wanted.direction is not None:
        asked["direction"] = _direction(wanted.direction)
    if wanted.classes:
        asked["target"] = [target(said) for said in wanted.classes]
    return asked


def _neuron(said: str) -> tuple[int, ...]:
    parts = [part.strip() for part in said.split(",")]
    if len(parts) not in (1, 3) or not all(part.isdecimal() for part in parts):
        raise UsageError(
            f"--neuron takes a channel, a row and a column, such as 3,7,7, or the channel alone; this is {said!r}."
        )
    return tuple(int(part) for part in parts)


def _direction(said: str) -> np.ndarray:
    import numpy as np

    path = Path(said)
    try:
        if path.stat().st_size > LARGEST_DIRECTION:
            raise InputRefused(
                f"The direction {said!r} has more than {LARGEST_DIRECTION >> 20} MB; it has one number a channel."
            )
        found = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        if isinstance(error, InputRefused):
            raise
        raise InputRefused(f"The direction {said!r} can't be read as a NumPy file (.npy): {error}.") from error
    if not isinstance(found, np.ndarray) or found.dtype.kind not in "fiu":
        raise InputRefused(f"The direction {said!r} is no array of numbers; write one with numpy.save.")
    return found


def _refuse_conflicts(wanted: Wanted, way: Way, real: str | None) -> None:
    """Before a network is opened, which may take long."""
    from seethrough.features.transforms import NAMED

    if way.parametrization not in PARAMETRIZATIONS:
        raise UsageError(f"--parametrization is one of {', '.join(PARAMETRIZATIONS)}, not {way.parametrization!r}.")
    if way.transforms not in NAMED:
        raise UsageError(f"--transforms is one of {', '.join(NAMED)}, not {way.transforms!r}.")
    if way.steps < 1:
        raise UsageError(f"--steps is a whole number from 1, not {way.steps}.")
    if way.how is not None and way.how not in WAYS:
        raise UsageError(f"--how is one of {', '.join(WAYS)}, not {way.how!r}.")
    if way.how is not None and way.start is None:
        raise UsageError(f"--how {way.how} is done with a picture; name one with --from.")
    units = wanted.channels is not None or wanted.neurons or wanted.direction is not None or wanted.classes
    if wanted.layer is None and not wanted.classes and way.how in (None, "accentuate"):
        raise UsageError("Say what is to be excited: a layer, after the network, or an output with --class.")
    if way.how in ("invert", "caricature") and units:
        raise UsageError(
            f"--how {way.how} is of a whole layer; leave out --channels, --neuron, --direction and --class."
        )
    if way.how == "deepdream" and (
        wanted.neurons or wanted.direction or wanted.classes or len(wanted.channels or ()) > 1
    ):
        raise UsageError("--how deepdream is of a layer or of one channel; leave out the rest.")
    if way.how in ("invert", "caricature", "deepdream"):
        if wanted.layer is None:
            raise UsageError(f"--how {way.how} needs a layer; name one after the network.")
        if real is not None:
            raise UsageError(
                f"--real stands beside what is maximized or accentuated; leave it out with --how {way.how}."
            )


def _say(result: Maximized, language: str) -> None:
    from seethrough.show import maximized_words as w

    say(w.said(result).in_(language))
    heads = [w.PICTURE, w.REACHED, w.STRONGEST, *([w.BEST] if result.best_real is not None else [])]
    rows = []
    for k in range(len(result)):
        wrong = w.verdict(result, k)
        row = [result.names[k], w.number(float(result.reached[k])), w.number(float(result.strongest[k]))]
        if result.best_real is not None:
            row.append(w.number(float(result.best_real[k])))
        rows.append([*row, "" if wrong is None else wrong.in_(language)])
    show_table([*(h.in_(language) for h in heads), ""], [("", rows)])
    say_notes(result.notes, language)
