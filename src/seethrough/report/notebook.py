"""A result in a notebook: static HTML (a figure, the sentences, a small table), no script, so that it shows anywhere."""

from __future__ import annotations

import base64
import io
from html import escape

from seethrough.report.frame import templates
from seethrough.report.views import guesses
from seethrough.show.figures import drawing, figure
from seethrough.show.interface import PAGE
from seethrough.show.language import plain
from seethrough.show.reading import Reading, as_explanation, first_images, read, was_checked
from seethrough.show.trust_words import NOT_ASKED, TRUST
from seethrough.show.trusting import agreement_of

MOST_IMAGES = 8
"""Images shown in a notebook: its file holds every picture that it shows."""

RESOLUTION = 96
"""Dots per inch of the figure in a notebook."""


def embed(result: object, *, language: str = "en") -> str:
    """A result as a piece of HTML without scripts, styles or requests."""
    own = drawing(result)
    if own is not None:
        alt = escape(own.said(result).in_(language))
        return f'<img src="data:image/png;base64,{_drawn(result, language)}" alt="{alt}">'
    whole = as_explanation(result)
    explanation = first_images(whole, MOST_IMAGES)
    images = [
        {
            "title": PAGE["why"].say(language, label=plain(explanation.target[i].label)),
            "name": plain(picture.name),
            "guesses": [(guess.label, guess.shown.in_(language)) for guess in guesses(explanation, i, 5)],
            "maps": [_row(read(attribution, i), language) for attribution in explanation.values()],
            "agreement": [text.in_(language) for text in (agreed.sentences if agreed else ())],
        }
        for i, picture in enumerate(explanation.pictures)
        for agreed in [agreement_of(explanation, i)]
    ]
    return (
        templates()
        .get_template("notebook.html")
        .render(
            png=_drawn(explanation, language),
            images=images,
            more=PAGE["more"].say(language, shown=len(images), all=len(whole.pictures))
            if whole is not explanation
            else "",
            checked=was_checked(explanation),
            not_asked=NOT_ASKED.in_(language),
            words={name: text.in_(language) for name, text in {**PAGE, **TRUST}.items()},
        )
    )


def _row(reading: Reading, language: str) -> tuple[str, str, str, str]:
    """A method's name, what its map says, its verdict, and the weightiest reasons."""
    judged = reading.trust
    return (
        reading.words.name.in_(language),
        reading.sentence.in_(language),
        f"{judged.mark} {judged.words.in_(language)}" if judged else "",
        judged.said.in_(language) if judged else "",
    )


def _drawn(result: object, language: str) -> str:
    """The figure as base64 of a PNG."""
    out = io.BytesIO()
    figure(result, language=language).savefig(out, format="png", dpi=RESOLUTION)
    return base64.b64encode(out.getvalue()).decode("ascii")
