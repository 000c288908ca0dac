"""From blocks to what the template prints: every number worked out, every text in both languages."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from seethrough.errors import UsageError
from seethrough.report.blocks import Answer, Cell, Explained
from seethrough.report.payload import Detail, map_payload, picture_url, still_url
from seethrough.results import Attribution, Explanation, Guess
from seethrough.show.language import Both, both, count, measured, plain, share
from seethrough.show.reading import Reading, bar_length, has_random_weights, read
from seethrough.show.words import NUMBERS, QUANTITIES, note_words

ANSWERS_ALONE, ANSWERS_BESIDE = 5, 3


@dataclass(frozen=True, slots=True)
class GuessView:
    """One answer of the top five: a chip with a bar."""

    label: str
    shown: Both
    fraction: float
    asked: bool


@dataclass(frozen=True, slots=True)
class CardView:
    """One map with all that stands around it. ``drawn`` is False where the map is flat and only said in words."""

    id: str
    reading: Reading
    still: str
    width: int
    height: int
    low: str
    high: str
    drawn: bool
    shares: tuple[tuple[Both, ...], ...]
    numbers: tuple[tuple[Both, Both], ...]


@dataclass(frozen=True, slots=True)
class AnswerView:
    """One network's answer: its guesses and its maps; ``random`` puts the watermark over them."""

    heading: Both
    guesses: tuple[GuessView, ...]
    cards: tuple[CardView, ...]
    random: bool


@dataclass(frozen=True, slots=True)
class ExplainedView:
    """One picture and its answers."""

    picture_id: str
    url: str
    name: str
    width: int
    height: int
    notes: tuple[Both, ...]
    heading: Both
    caption: Both
    answers: tuple[AnswerView, ...]


@dataclass(slots=True)
class Views:
    """Makes the views of one page at one level of detail, and gathers the maps that its script draws."""

    detail: Detail
    readings: dict[tuple[int, int, int, Both], Reading] = field(default_factory=dict)
    """What was read from each (attribution, image, mask, its name), by identity: a page tried at several details reads
    each map once."""
    maps: list[dict[str, Any]] = field(default_factory=list)
    tiles: list[dict[str, Any]] = field(default_factory=list)
    """Blocks of tiles, for the same script."""
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def explained(self, block: Explained) -> ExplainedView:
        """The view of one block; its maps are added to ``maps``."""
        if not block.answers:
            raise UsageError("An explained picture needs at least one answer.")
        first = block.answers[0]
        picture = first.explanation.pictures[first.image]
        if any(a.explanation.pictures[a.image].size != picture.size for a in block.answers):
            raise UsageError(f"The answers about {picture.name!r} are about pictures of different sizes.")
        picture_id = f"picture-{next(self._numbers)}"
        height, width = picture.size
        return ExplainedView(
            picture_id=picture_id,
            url=picture_url(picture.pixels, self.detail.picture, self.detail.quality),
            name=plain(picture.name),
            width=width,
            height=height,
            notes=tuple(note_words(note) for note in picture.notes),
            heading=both(block.heading),
            caption=both(block.caption),
            answers=tuple(self._answer(block, answer, picture_id) for answer in block.answers),
        )

    def _answer(self, block: Explained, answer: Answer, picture_id: str) -> AnswerView:
        explanation, image = answer.explanation, answer.image
        chosen = answer.methods if answer.methods is not None else tuple(explanation)
        return AnswerView(
            heading=both(answer.heading),
            guesses=guesses(explanation, image, ANSWERS_ALONE if len(block.answers) == 1 else ANSWERS_BESIDE),
            cards=tuple(self._card(block, answer, explanation[method], picture_id) for method in chosen),
            random=has_random_weights(explanation),
        )

    def _card(self, block: Explained, answer: Answer, attribution: Attribution, picture_id: str) -> CardView:
        picture = answer.explanation.pictures[answer.image]
        reading = self._reading(block, attribution, answer.image)
        name = f"map-{next(self._numbers)}"
        payload = map_payload(reading, name, picture_id, self.detail)
        self.maps += [payload] if payload else []
        limit = measured(reading.scale.limit) if reading.scale else ""
        return CardView(
            id=name,
            reading=reading,
            still=still_url(picture.pixels, reading, self.detail),
            width=picture.size[1],
            height=picture.size[0],
            low=f"−{limit}" if reading.signed else "0",
            high=limit,
            drawn=payload is not None,
            shares=shares(reading),
            numbers=tuple(numbers(attribution, answer.image, reading)),
        )

    def _reading(self, block: Explained, attribution: Attribution, image: int) -> Reading:
        key = (id(attribution), image, id(block.mask), both(block.mask_name))
        if key not in self.readings:
            self.readings[key] = read(attribution, image, mask=block.mask, mask_name=block.mask_name)
        return self.readings[key]


def guesses(explanation: Explanation, image: int, most: int) -> tuple[GuessView, ...]:
    """The strongest answers; those the question was about are marked, and shown even where they are not among them."""
    top = explanation.prediction.top(most, image)
    asked = {index for index, _ in explanation.target[image].indices}
    everything = explanation.prediction.top(len(explanation.prediction.labels), image)
    also = tuple(guess for guess in everything[most:] if guess.index in asked)
    return tuple(_guess(guess, guess.index in asked) for guess in top + also)


def _guess(guess: Guess, asked: bool) -> GuessView:
    number = measured(guess.value)
    shown = Both(number, number) if guess.probability is None else share(guess.probability)
    return GuessView(plain(guess.label), shown, bar_length(guess), asked)


def shares(reading: Reading) -> tuple[tuple[Both, ...], ...]:
    """Shares of the leading side's evidence in the 3×3 grid, as rows of percentages; empty for a flat map."""
    if reading.evidence.flat:
        return ()
    side = reading.evidence.support
    if not side.total and reading.evidence.against:
        side = reading.evidence.against
    return tuple(tuple(share(cell) for cell in side.cells[row : row + 3]) for row in (0, 3, 6))


def numbers(attribution: Attribution, image: int, reading: Reading) -> Iterator[tuple[Both, Both]]:
    """Names and values of the small table under a map."""
    evidence, target = reading.evidence, attribution.target[image]
    quantity = QUANTITIES.get(target.quantity, both(plain(target.quantity)))
    yield NUMBERS["score"].fill(quantity=quantity, label=target.label), _plain(float(attribution.scores[image]))
    if not evidence.flat:
        yield NUMBERS["for"], _plain(evidence.support.total)
        if evidence.against:
            yield NUMBERS["against"], _plain(-evidence.against.total)
        yield NUMBERS["limits"], reading.limits
    yield NUMBERS["unit"], reading.unit
    if attribution.layer is not None:
        yield NUMBERS["layer"], both(plain(attribution.layer) or "input")
    if not reading.seen.all():
        yield NUMBERS["seen"], share(float(reading.seen.mean()))
    passes = attribution.passes
    yield NUMBERS["passes"], NUMBERS["passes_value"].fill(forward=passes.forward, backward=passes.backward)
    for name, setting in attribution.settings.items():
        yield both(plain(name)), _setting(setting)
    for note in reading.notes:
        yield NUMBERS["check"], note_words(note)


def cell(content: Cell) -> Both:
    """A table cell in both languages."""
    if isinstance(content, bool):
        return both(str(content))
    if isinstance(content, int):
        return both(count(content))
    if isinstance(content, float):
        return _plain(content)
    return both(content)


def _plain(number: float) -> Both:
    return both(measured(number))


def _setting(setting: object) -> Both:
    return _plain(setting) if isinstance(setting, float) else both(plain(setting))
