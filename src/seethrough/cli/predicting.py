"""``predict``: what a network answers to pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from seethrough.cli.items import each
from seethrough.cli.opening import Words, open_to_ask
from seethrough.cli.terminal import one_line, say, say_json
from seethrough.errors import UsageError

if TYPE_CHECKING:
    from seethrough.network import Network
    from seethrough.results import Guess, Note, Prediction


def predict(words: Words, images: Sequence[str], *, top: int, as_json: bool) -> int:
    """Print the strongest answers about each picture."""
    if top < 1:
        raise UsageError(f"--top is at least 1, not {top}.")
    net = open_to_ask(words)
    records: list[dict[str, Any]] = []

    def work(i: int, image: str) -> None:
        prediction = net.predict(image)
        if as_json:
            records.append(_record(image, prediction, top))
        else:
            if i:
                say()
            say(one_line(image))
            say_answers(prediction.top(top))
            say_notes(prediction.notes)

    items = each(images, work)
    if as_json:
        say_json({"provenance": net.provenance, "images": records, "failed": [f.to_dict() for f in items.failed]})
    elif items.done:
        _say_preparation(net)
    return items.exit_code


def _say_preparation(net: Network) -> None:
    """How the pictures were prepared: the first thing to look at where the answers to a known picture are wrong."""
    from seethrough.show.preparation import preparation_words

    preprocessing, size = net.opened.preprocessing, net.input_size
    if preprocessing is not None and size is not None and len(size) == 3:
        grid = size[1:] if net.opened.layout == "channels_first" else size[:2]
        say()
        say(preparation_words(preprocessing, (grid[0], grid[1])).en)


def say_answers(guesses: Sequence[Guess]) -> None:
    """A line for each answer: probability (or value), name, index."""
    from seethrough.show.language import measured, percent

    for guess in guesses:
        number = measured(guess.value) if guess.probability is None else percent(guess.probability, "en")
        say(f"{number.replace(chr(0xA0), ' '):>9}  {one_line(guess.label)}  ({guess.index})")


def say_notes(notes: Sequence[Note], language: str = "en") -> None:
    """What may mislead, a line each."""
    from seethrough.show.words import note_words

    for note in dict.fromkeys(note_words(note).in_(language) for note in notes if note.level != "info"):
        say(f"! {one_line(note)}")


def _record(image: str, prediction: Prediction, top: int) -> dict[str, Any]:
    return {
        "image": image,
        "answers": [asdict(guess) for guess in prediction.top(top)],
        "notes": [{"name": note.name, "level": note.level, "numbers": note.numbers} for note in prediction.notes],
    }
