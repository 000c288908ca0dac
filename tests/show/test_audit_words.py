"""Whatever an audit may find has words in both languages, for a person who doesn't know the trade."""

import string

import numpy as np
import pytest

from seethrough.findings.aspects import KINDS, Background, Touching
from seethrough.findings.aspects.detail import LEVELS, Detail
from seethrough.findings.aspects.layout import Layout
from seethrough.findings.aspects.look import LOOKS_EXCHANGED, Look
from seethrough.findings.finders import FINDERS
from seethrough.findings.finders.places import CORNERS, called
from seethrough.findings.finders.properties import LAYOUTS
from seethrough.show.audit_names import aspect_name, held_against, usual, whose
from seethrough.show.audit_words import points
from seethrough.show.language import Both
from seethrough.show.vocabulary import audit as words

TABLES = (words.KINDS, words.PLACES, words.NAMES, words.EXCHANGED, words.SAME, words.THAN, words.WAYS, words.PAGE)
TEXTS = [text for table in TABLES for text in table.values()]


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text.en[:30])
def test_both_languages_say_something_and_speak_of_the_same_numbers(text):
    assert text.en.strip() and text.zh.strip()
    places = [sorted({name for _, name, _, _ in string.Formatter().parse(t) if name}) for t in (text.en, text.zh)]
    # light has no owner in English, and a place has none but its own
    assert set(places[0]) <= set(places[1]) and set(places[1]) - set(places[0]) <= {"of"}


def test_every_kind_of_aspect_has_words():
    assert set(KINDS) <= set(words.EXCHANGED)
    assert set(KINDS) - {"look", "detail", "layout"} <= set(words.KINDS)
    assert {*LOOKS_EXCHANGED, *LEVELS, *LAYOUTS} <= set(words.NAMES)


@pytest.mark.parametrize(
    ("aspect", "anothers", "own"),
    [
        (Background(), "the background of another class", "its usual background"),
        (Look("hue"), "the colour of the surroundings of another class", "its usual colour of the surroundings"),
        (
            Layout("size"),
            "what another class has (how large the thing is in the picture)",
            "what it usually has (how large the thing is in the picture)",
        ),
        (
            Detail("fine detail"),
            "what another class has (the finest detail of the surroundings: grain, thin lines)",
            "what it usually has (the finest detail of the surroundings: grain, thin lines)",
        ),
        (
            Touching("", (), None),
            "what another class has (something that touches the thing or covers a part of it)",
            "what it usually has (something that touches the thing or covers a part of it)",
        ),
    ],
    ids=lambda value: value.kind if hasattr(value, "kind") else "",
)
def test_whose_something_is_is_a_sentence_of_names_and_of_what_is_more_than_a_name(aspect, anothers, own):
    what = aspect_name(aspect, beside=True)
    others, its = whose(what, Both("another class", "另一类")), usual(what)
    assert (others.en, its.en) == (anothers, own)
    assert (others.zh, its.zh) == (f"另一类的{what.zh}", f"平常的{what.zh}")


def test_what_an_exchange_is_held_against_is_said_as_it_is():
    """Most are held against a picture of the same class, what touches a thing against another piece of the same edge."""
    edge = Touching("", (), None)
    for table in (words.SAME, words.THAN):
        assert "same class" in held_against(table, Background()).en
        said = held_against(table, edge)
        assert "same edge" in said.en and "class" not in said.en and "类" not in said.zh


def test_every_way_of_finding_has_words():
    assert set(FINDERS) <= set(words.WAYS)


def test_every_place_has_words():
    at = np.linspace(0, 0.8, 9)
    places = {called((top, top + 0.2, left, left + 0.2)) for top in at for left in at} | {called((0.9, 0.1, 0.9, 0.1))}
    assert places | {CORNERS} == set(words.PLACES)


def test_a_tint_is_named_by_the_colour_that_changes_more():
    names = {tuple(key): [t.en for t in pair] for key, pair in words.TINTS.items()}
    assert names[True, False] == ["redder", "yellower"] and names[False, True] == ["greener", "bluer"]


@pytest.mark.parametrize(
    ("number", "text"),
    [(53.93, "54"), (-12.2, "−12"), (0.96, "1"), (0.36, "0.4"), (0.02, "0"), (-0.02, "0"), (0, "0"), (10, "10")],
)
def test_points_are_whole_from_one_on(number, text):
    assert points(number) == Both(text, text)
