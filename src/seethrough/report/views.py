"""From blocks to what the template prints: every number worked out, every text in both languages."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from PIL import Image

from seethrough.errors import UsageError
from seethrough.report.blocks import Answer, Cell, Explained
from seethrough.report.payload import Detail, data_url, map_payload, picture_url, still_url
from seethrough.results import Attribution, Explanation, Guess, Picture
from seethrough.show.language import Both, both, count, measured, plain, share
from seethrough.show.reading import Reading, bar_length, has_random_weights, leading, read
from seethrough.show.trust_words import COUNTED, family_words
from seethrough.show.trusting import Agreement, agreement_of
from seethrough.show.words import NUMBERS, QUANTITIES, family_of, note_words

ANSWERS_ALONE, ANSWERS_BESIDE = 5, 3

TOGETHER = 4
"""Up to so many maps are all shown at once; of more, `FIRST` are, and the others stand under their families."""

FIRST = 3

IN_NUMBERS = 6
"""Up to so many methods have a table of how they agree; more have a picture of it."""

SHADE = (47, 99, 166)
"""Of full agreement, RGB; less agreement is paler, on light and dark paper alike."""

OTHER_MAP, OTHER_STILL = 112, 160
"""The longest sides, in pixels, of maps and stills under a family."""


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
class FamilyView:
    """Maps of one family that aren't shown first; ``counts`` are its verdicts, each with words and a number."""

    name: Both
    cards: tuple[CardView, ...]
    counts: tuple[tuple[str, Both], ...]


@dataclass(frozen=True, slots=True)
class AgreementView:
    """How methods agree: as a table where they are few, else as a picture with their names beside it."""

    names: tuple[Both, ...]
    rows: tuple[tuple[tuple[float, str], ...], ...]
    table: bool
    drawn: str
    sentences: tuple[Both, ...]


@dataclass(frozen=True, slots=True)
class AnswerView:
    """One network's answer: its guesses, the maps that are shown first, the others by family; ``random`` puts the
    watermark over them.
    """

    heading: Both
    guesses: tuple[GuessView, ...]
    cards: tuple[CardView, ...]
    others: tuple[FamilyView, ...]
    agreement: AgreementView | None
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
        picture_id = self.new_picture()
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

    def new_picture(self) -> str:
        """An identifier for a picture that maps are drawn over."""
        return f"picture-{next(self._numbers)}"

    def _answer(self, block: Explained, answer: Answer, picture_id: str) -> AnswerView:
        explanation, image = answer.explanation, answer.image
        chosen = answer.methods if answer.methods is not None else tuple(explanation)
        first = chosen if len(chosen) <= TOGETHER else leading(explanation, image, FIRST, chosen)
        left = [method for method in chosen if method not in first]
        small = replace(
            self.detail, map=min(self.detail.map, OTHER_MAP), still=min(self.detail.still, OTHER_STILL)
        )  # fmt: skip

        def cards(methods: Iterable[str], detail: Detail) -> tuple[CardView, ...]:
            return tuple(self._card(block, answer, explanation[m], picture_id, detail) for m in methods)

        return AnswerView(
            heading=both(answer.heading),
            guesses=guesses(explanation, image, ANSWERS_ALONE if len(block.answers) == 1 else ANSWERS_BESIDE),
            cards=cards(first, self.detail),
            others=tuple(
                _family(family, cards((m for m in left if family_of(m) == family), small))
                for family in dict.fromkeys(map(family_of, left))
            ),
            agreement=_agreement(agreement_of(explanation, image, (*first, *left))),
            random=has_random_weights(explanation),
        )

    def _card(
        self, block: Explained, answer: Answer, attribution: Attribution, picture_id: str, detail: Detail
    ) -> CardView:
        picture = answer.explanation.pictures[answer.image]
        return self.card(
            self._reading(block, attribution, answer.image), attribution, answer.image, picture, picture_id, detail
        )

    def card(
        self,
        reading: Reading,
        attribution: Attribution | None,
        image: int,
        picture: Picture,
        picture_id: str,
        detail: Detail,
    ) -> CardView:
        """The view of one map, of an attribution or made from several; the map is added to ``maps``."""
        name = f"map-{next(self._numbers)}"
        payload = map_payload(reading, name, picture_id, detail)
        self.maps += [payload] if payload else []
        limit = measured(reading.scale.limit) if reading.scale else ""
        return CardView(
            id=name,
            reading=reading,
            still=still_url(picture.pixels, reading, detail),
            width=picture.size[1],
            height=picture.size[0],
            low=f"−{limit}" if reading.signed else "0",
            high=limit,
            drawn=payload is not None,
            shares=shares(reading),
            numbers=tuple(numbers(attribution, image, reading)) if attribution else (),
        )

    def _reading(self, block: Explained, attribution: Attribution, image: int) -> Reading:
        key = (id(attribution), image, id(block.mask), both(block.mask_name))
        if key not in self.readings:
            self.readings[key] = read(attribution, image, mask=block.mask, mask_name=block.mask_name)
        return self.readings[key]


def _family(family: str, cards: tuple[CardView, ...]) -> FamilyView:
    found = [card.reading.trust.verdict for card in cards if card.reading.trust]
    counts = tuple(
        (verdict, words.fill(count=found.count(verdict))) for verdict, words in COUNTED.items() if verdict in found
    )
    return FamilyView(family_words(family), cards, counts)


def _agreement(agreement: Agreement | None) -> AgreementView | None:
    """Correlations as opacities and as numbers; those below 0 have nothing in common, and so no colour."""
    if agreement is None:
        return None
    shades = np.clip(np.nan_to_num(agreement.matrix), 0, 1)
    rows = tuple(
        tuple((float(shade), _correlation(float(value))) for shade, value in zip(*pair))
        for pair in zip(shades, agreement.matrix)
    )
    squares = np.concatenate([np.broadcast_to(np.array(SHADE), (*shades.shape, 3)), 255 * shades[..., None]], -1)
    drawn = data_url(Image.fromarray(np.rint(squares).astype(np.uint8)), "PNG")
    return AgreementView(agreement.names, rows, len(rows) <= IN_NUMBERS, drawn, agreement.sentences)


def _correlation(value: float) -> str:
    return f"{value:.2f}".replace("-", "−") if np.isfinite(value) else "·"


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
