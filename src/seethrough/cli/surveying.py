"""``units``: what each unit of a layer looks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seethrough.cli.counting import counting, say_passed
from seethrough.cli.opening import Words, open_to_ask
from seethrough.cli.options import target
from seethrough.cli.predicting import say_notes
from seethrough.cli.terminal import one_line, say, say_json
from seethrough.errors import EnvironmentLacks, UsageError

if TYPE_CHECKING:
    from seethrough.features.unit_search import UnitSearch
    from seethrough.features.units import Units

PAGE = "units.html"
"""The page's name in the folder of results."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the units; as typed."""

    layer: str | None
    top: int
    relevance: bool
    target: str | None
    truth: str | None
    channels: Sequence[int] | None
    maximized: bool
    search: str | None
    batch: int | None


def units(words: Words, images: str, asked: Question, *, out: str, language: str, as_json: bool) -> int:
    """Look at the units, write their page, print what is to be noticed; or search with a picture."""
    from seethrough.show.language import known_language

    known_language(language)
    folder = _folder(out)
    _refuse_conflicts(asked)
    found = _surveyed(words, images, asked, folder)
    searched = None if asked.search is None else found.search(asked.search)
    file = found.save(folder / PAGE, language=language)
    if as_json:
        record: dict[str, Any] = {"file": str(file), **found.to_dict()}
        say_json(record if searched is None else {**record, "search": searched.to_dict()})
    else:
        _say(found, language)
        if searched is not None:
            _say_search(found, searched, language)
        say(f"written to {one_line(file)}")
    return say_passed(found.passed)


def _folder(said: str) -> Path:
    """The folder of the results, as it may be made."""
    folder = Path(said)
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{said!r} is a file; name a folder for the results of the units.")
    if not folder.parent.is_dir():
        raise EnvironmentLacks(
            f"There is no folder {folder.parent} to make {folder.name} in; make it, or name another."
        )
    return folder


def _refuse_conflicts(asked: Question) -> None:
    if asked.target is not None and not asked.relevance:
        raise UsageError("--target says what the relevance is for, and --no-relevance leaves it out; say one of them.")
    if asked.search is not None:
        from seethrough.images import load_picture

        load_picture(asked.search)


def _surveyed(words: Words, images: str, asked: Question, folder: Path) -> Units:
    from seethrough.features.units import units as survey

    net = open_to_ask(words)
    with counting("units") as step:
        return survey(
            net,
            images,
            asked.layer,
            folder=folder,
            top=asked.top,
            relevance=asked.relevance,
            target=None if asked.target is None else target(asked.target),
            truth=asked.truth,
            channels=asked.channels,
            maximized=asked.maximized,
            seed=words.seed or 0,
            batch=asked.batch,
            progress=step,
        )


def _say(found: Units, language: str) -> None:
    from seethrough.show.units_words import layer_words

    for layer in found.values():
        say(one_line(layer_words(found, layer).in_(language)))
    say_notes([note for note in found.notes if note.name != "units_passed"], language)


def _say_search(found: Units, searched: UnitSearch, language: str) -> None:
    """A line a unit, the most unusual first, with what it fires on otherwise."""
    from seethrough.show.units_words import found_words, unit_words

    say()
    say(one_line(searched.picture.name))
    for each in searched.found:
        layer = found[each.layer]
        say(f"{one_line(each.layer)}/{each.channel}  {one_line(found_words(each).in_(language))}")
        say(f"    {one_line(unit_words(found, layer, layer.row(each.channel)).in_(language))}")
    say()


__all__ = ["Question", "units"]
