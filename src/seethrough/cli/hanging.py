"""``wall``: thousands of pictures on one sheet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from seethrough.cli.counting import say_passed
from seethrough.cli.destinations import result_file
from seethrough.cli.opening import Words, open_to_ask
from seethrough.cli.predicting import say_notes
from seethrough.cli.terminal import one_line, progress, say, say_json, show_table

if TYPE_CHECKING:
    from seethrough.gallery.wall import Wall

KINDS = (".html", ".png", ".svg", ".npz", ".json")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the wall; as typed."""

    layer: str | None
    layout: str
    maps: bool
    truth: str | None
    numbers: str | None
    folder: str | None
    batch: int | None
    seed: int


def wall(words: Words, images: str, asked: Question, *, out: str | None, language: str, as_json: bool) -> int:
    """Hang the pictures, write the sheet, print what it shows.

    Returns
    -------
    int
        1 where some pictures could not be read, else 0.
    """
    from seethrough.gallery.layout import known_layout
    from seethrough.show.language import known_language

    known_language(language)
    known_layout(asked.layout)
    file = None if out is None else result_file(out, KINDS)
    hung = _hung(words, images, asked)
    if file is not None:
        hung.save(file, language=language)
    if as_json:
        say_json({"file": None if file is None else str(file), **hung.to_dict()})
    else:
        _say(hung, language)
        if file is not None:
            say(f"written to {one_line(file)}")
    return say_passed(hung.passed)


def _hung(words: Words, images: str, asked: Question) -> Wall:
    from seethrough.gallery.wall import wall as hang

    net = open_to_ask(words)
    with progress() as step:
        return hang(
            net,
            images,
            layer=asked.layer,
            layout=asked.layout,
            truth=asked.truth,
            numbers=asked.numbers,
            maps=asked.maps,
            folder=asked.folder,
            batch=asked.batch,
            seed=asked.seed,
            progress=step,
        )


def _say(hung: Wall, language: str) -> None:
    from seethrough.show.language import both
    from seethrough.show.wall_words import facts, said

    say(one_line(said(hung).in_(language)))
    rows = [tuple(both(text).in_(language) for text in fact) for fact in facts(hung)]
    show_table(("", "", ""), [("", rows)])
    say_notes(list(hung.notes), language)
