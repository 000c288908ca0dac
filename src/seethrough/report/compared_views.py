"""From a comparison to what the template prints: rows of maps, method by method."""

from __future__ import annotations

from dataclasses import dataclass, replace

from seethrough.explanation.compare import NETWORKS, Comparison
from seethrough.report.blocks import Compared
from seethrough.report.payload import Detail, picture_url
from seethrough.report.views import FIRST, OTHER_MAP, OTHER_STILL, TOGETHER, CardView, GuessView, Views, guesses
from seethrough.results import Explanation
from seethrough.show.compare_words import PAGE
from seethrough.show.comparing import differ, difference_reading, side
from seethrough.show.language import Both, both, plain
from seethrough.show.reading import has_random_weights, leading, read
from seethrough.show.words import method_words, note_words

ANSWERS = 3


@dataclass(frozen=True, slots=True)
class SideView:
    """One of the two: its name, and what its network answered (nothing where that is the other's too)."""

    name: Both
    guesses: tuple[GuessView, ...]


@dataclass(frozen=True, slots=True)
class RowView:
    """One method: a sentence, and its maps each under a heading."""

    name: Both
    sentence: Both
    cards: tuple[tuple[Both, CardView], ...]


@dataclass(frozen=True, slots=True)
class ComparedView:
    """One picture, two answers."""

    picture_id: str
    url: str
    name: str
    width: int
    height: int
    notes: tuple[Both, ...]
    sides: tuple[SideView, ...]
    rows: tuple[RowView, ...]
    others: tuple[RowView, ...]
    random: bool


def compared_view(block: Compared, views: Views) -> ComparedView:
    """The view of one block; its maps are added to those of the page."""
    comparison, image = block.comparison, block.image
    picture = comparison.pictures[image]
    picture_id, detail = views.new_picture(), views.detail
    methods = tuple(comparison.differences)
    first = methods if len(methods) < TOGETHER else leading(comparison.first, image, FIRST, methods)
    small = replace(detail, map=min(detail.map, OTHER_MAP), still=min(detail.still, OTHER_STILL))
    height, width = picture.size
    return ComparedView(
        picture_id=picture_id,
        url=picture_url(picture.pixels, detail.picture, detail.quality),
        name=plain(picture.name),
        width=width,
        height=height,
        notes=tuple(note_words(note) for note in picture.notes),
        sides=tuple(_side(comparison, image, k) for k in (0, 1)),
        rows=tuple(_row(comparison, method, image, picture_id, views, detail) for method in first),
        others=tuple(
            _row(comparison, method, image, picture_id, views, small) for method in methods if method not in first
        ),
        random=has_random_weights(comparison.first) or has_random_weights(comparison.second),
    )


def _side(comparison: Comparison, image: int, k: int) -> SideView:
    explanation = (comparison.first, comparison.second)[k]
    own = comparison.of == NETWORKS
    shown = guesses(explanation, image, ANSWERS if own else 5) if own or k == 0 else ()
    return SideView(both(side(comparison.names[image][k])), shown)


def _row(comparison: Comparison, method: str, image: int, picture_id: str, views: Views, detail: Detail) -> RowView:
    names = [both(side(name)) for name in comparison.names[image]]
    picture = comparison.pictures[image]

    def card(explanation: Explanation) -> CardView:
        attribution = explanation[method]
        return views.card(read(attribution, image), attribution, image, picture, picture_id, detail)

    cards = [(names[0], card(comparison.first)), (names[1], card(comparison.second))]
    drawn = views.card(difference_reading(comparison, method, image), None, image, picture, picture_id, detail)
    cards.append((PAGE["difference"], drawn))
    if comparison.contrast is not None and method in comparison.contrast:
        cards.append((PAGE["contrast"], card(comparison.contrast)))
    return RowView(method_words(method).name, differ(comparison, method, image), tuple(cards))
