"""The page of one explanation: one instance of `Page`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seethrough.report.blocks import Answer, Block, Explained, Notes, Paragraph, Section
from seethrough.report.page import Page
from seethrough.results import Explanation, Note
from seethrough.show.interface import PAGE
from seethrough.show.language import Both, Text, plain, share
from seethrough.show.reading import general_notes, left_out_words, was_checked, without_left_out
from seethrough.show.trust_words import NOT_ASKED


def explanation_page(explanation: Explanation, language: str = "en") -> Page:
    """Why a network answered so about each picture: its answers, and all methods side by side.

    Parameters
    ----------
    explanation
        What is shown; one picture or several.
    language
        ``"en"`` or ``"zh"``: the language that the page opens in.
    """
    count = len(explanation.pictures)
    opening = Section("", tuple(_opening(explanation)))
    pictures = tuple(Section(_heading(explanation, i), (Explained((Answer(explanation, i),)),)) for i in range(count))
    asking = () if was_checked(explanation) else (Section("", (Paragraph(NOT_ASKED, quiet=True),)),)
    return Page(
        title=_title(explanation),
        sections=(opening, *pictures, *asking),
        eyebrow=PAGE["eyebrow"],
        language=language,
        provenance=explanation.provenance,
    )


def _opening(explanation: Explanation) -> Iterator[Block]:
    """What must be known first (what makes the result mislead), the answer, and what else was assumed."""
    notes, left = without_left_out(general_notes(explanation))
    grave = tuple(note for note in notes if note.level != "info")
    if grave:
        yield Notes(grave)
    if len(explanation.pictures) == 1:
        yield _answered(explanation)
    yield from info_notes(notes, left)


def info_notes(notes: Sequence[Note], left: Sequence[Note]) -> Iterator[Notes]:
    """What was assumed; what was left out, folded away where it is much."""
    folded = len(left) > 1 or any("methods" in note.numbers for note in left)
    shown = tuple(note for note in (*notes, *(() if folded else left)) if note.level == "info")
    if shown:
        yield Notes(shown)
    if folded:
        yield Notes(tuple(left), folded=left_out_words(left))


def _title(explanation: Explanation) -> Text:
    labels = _labels(explanation)
    if len(labels) == 1:
        return PAGE["why"].fill(label=labels[0])
    return PAGE["why_many"].fill(count=len(explanation.pictures))


def _heading(explanation: Explanation, image: int) -> Text:
    """Above one of several pictures: its question, or its name where the page's title is the question already."""
    if len(explanation.pictures) == 1:
        return ""
    if len(_labels(explanation)) == 1:
        return plain(explanation.pictures[image].name)
    return PAGE["why"].fill(label=plain(explanation.target[image].label))


def _labels(explanation: Explanation) -> list[str]:
    return list(dict.fromkeys(plain(target.label) for target in explanation.target))


def _answered(explanation: Explanation) -> Paragraph:
    """One sentence: what the network answered."""
    top = explanation.prediction.top(1)
    name = plain(explanation.pictures[0].name)
    if not top:
        return Paragraph(PAGE["no_answers"].fill(name=name), lead=True)
    guess = top[0]
    template = PAGE["answered" if guess.probability is not None else "answered_value"]
    number: Text | float = share(guess.probability) if guess.probability is not None else guess.value
    text: Both = template.fill(name=name, label=plain(guess.label), number=number)
    return Paragraph(text, lead=True)
