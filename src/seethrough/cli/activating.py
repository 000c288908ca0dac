"""``activations``: what layers give for pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from seethrough.cli.destinations import result_file
from seethrough.cli.items import Items, each
from seethrough.cli.opening import Words, open_to_ask
from seethrough.cli.predicting import say_notes
from seethrough.cli.terminal import one_line, say, say_json, show_table
from seethrough.errors import UsageError

if TYPE_CHECKING:
    from seethrough.features.activations import Activations, LayerActivations

KINDS = (".html", ".png", ".svg", ".npz", ".json")


def activations(
    words: Words,
    images: Sequence[str],
    *,
    layers: Sequence[str],
    scale: str,
    channels: Sequence[int] | None,
    out: str | None,
    language: str,
    as_json: bool,
) -> int:
    """Print what layers give for pictures, a line a layer, and write what ``-o`` names.

    Returns
    -------
    int
        1 where some of the pictures couldn't be read, else 0.
    """
    from seethrough.show.language import known_language

    known_language(language)
    _refuse_scale(scale)
    file = None if out is None else _file(out, images)
    readable, items = _readable(images)
    if not readable:
        return items.exit_code
    found = _looked(words, readable, layers, scale, channels, whole=file is not None and file.suffix.lower() == ".npz")
    if file is not None:
        found.save(file, language=language)
    if as_json:
        say_json({**found.to_dict(), "failed": [failed.to_dict() for failed in items.failed]})
    else:
        _say(found, language)
        if file is not None:
            say(f"written to {one_line(file)}")
    return items.exit_code


def _looked(
    words: Words,
    images: list[str],
    layers: Sequence[str],
    scale: str,
    channels: Sequence[int] | None,
    *,
    whole: bool,
) -> Activations:
    from seethrough.features.activations import activations as look

    net = open_to_ask(words)
    return look(net, images, list(layers) or None, channels=channels, scale=scale, values=whole)


def _refuse_scale(scale: str) -> None:
    """Before a network is opened, which may take long."""
    if scale not in ("unit", "layer", "network"):
        raise UsageError(f"--scale is unit, layer or network, not {scale!r}.")


def _readable(images: Sequence[str]) -> tuple[list[str], Items]:
    """The pictures that can be read; the others are said and passed over."""
    from seethrough.images import load_picture

    readable: list[str] = []

    def look(i: int, image: str) -> None:
        load_picture(image)
        readable.append(image)

    return readable, each(images, look)


def _file(out: str, images: Sequence[str]) -> Path:
    """Where the result goes, refused before the work begins where it can't be written."""
    file = result_file(out, KINDS)
    if file.exists() and any(Path(image).exists() and file.samefile(image) for image in images):
        raise UsageError(f"The result would replace the picture {out!r} itself; name another file.")
    return file


def _say(found: Activations, language: str) -> None:
    from seethrough.show.activations_words import said

    say(one_line(said(found).in_(language)))
    say_notes(found.notes, language)
    columns = ("layer", "channels", "places", "strongest", "largest", "zeros", "silent", "at an end")
    show_table(columns, [("", [_row(layer) for layer in found.values()])])


def _row(layer: LayerActivations) -> tuple[str, ...]:
    from seethrough.show.activations_words import dead_of, saturated_of, zeros_of
    from seethrough.show.language import measured, percent

    strength = layer.measures.strength.mean(0)
    ended = "" if layer.measures.saturated is None else percent(saturated_of(layer), "en")
    return (
        layer.path or layer.kind,
        f"{layer.count:,}",
        "×".join(map(str, layer.places)),
        str(int(strength.argmax())),
        measured(float(layer.measures.max.max())),
        percent(zeros_of(layer), "en"),
        str(dead_of(layer)) if layer.spread_out else "",
        ended,
    )
