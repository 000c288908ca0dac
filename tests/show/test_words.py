"""What lower floors say as data has words in both languages, and what no table knows is shown all the same."""

import ast
import string
from pathlib import Path

import pytest

import seethrough
from seethrough.errors import UsageError
from seethrough.results import Note
from seethrough.show import words
from seethrough.show.language import Both, known_language, measured, percent, plain

TABLES = [
    *words.NOTES.values(),
    *words.REGIONS.values(),
    *words.QUANTITIES.values(),
    *(text for method in words.METHODS.values() for text in (method.name, method.line)),
]


@pytest.mark.parametrize("text", TABLES, ids=lambda text: text.en[:30])
def test_both_languages_say_something_and_speak_of_the_same_numbers(text):
    assert text.en.strip() and text.zh.strip()
    places = [sorted(name for _, name, _, _ in string.Formatter().parse(t) if name) for t in (text.en, text.zh)]
    assert places[0] == places[1]


def test_every_method_that_can_be_asked_has_words():
    from seethrough.attribution import METHODS

    assert set(words.METHODS) == set(METHODS)


def test_what_every_method_costs_has_words():
    from seethrough.attribution import METHODS
    from seethrough.show.vocabulary.costs import COSTS

    assert {m.cost for m in METHODS.values()} == set(COSTS)


def notes_in_the_source():
    """The identifier of every note that some room makes."""
    for path in Path(seethrough.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Note":
                name = node.args[0] if node.args else None
                if isinstance(name, ast.Constant):
                    yield name.value


def test_every_note_that_some_room_makes_has_words():
    assert set(notes_in_the_source()) - set(words.NOTES) == set()


def test_what_a_method_needs_has_words():
    from seethrough.attribution.method import Needs

    assert {needs.value for needs in Needs if needs is not Needs.NOTHING} == set(words.NEEDS)
    note = Note("left_out", "info", {"method": "gradcam", "needs": Needs.SPATIAL_LAYER.value})
    assert words.note_words(note) == Both(
        "Grad-CAM was left out: it needs a layer with height and width.", "未使用Grad-CAM：它需要有高和宽的层。"
    )


def test_an_unknown_note_is_shown_with_its_numbers():
    assert words.note_words(Note("odd_thing", "warning", {"share": 0.12345, "of": "x"})).en == (
        "odd thing (share: 0.123; of: x)"
    )


def test_a_known_note_without_the_numbers_its_text_needs_is_shown_plainly():
    assert words.note_words(Note("completeness", "info", {"other": 2.0})).zh == "completeness (other: 2.00)"


def test_a_known_note_says_its_numbers():
    text = words.note_words(
        Note("completeness", "info", {"image": 0, "sum": 1.5, "rise": 2, "gaps": 0.25, "steps": 32})
    )
    assert all(number in text.en and number in text.zh for number in ("1.50", "2.00", "25", "32"))


@pytest.mark.parametrize(
    ("share", "en", "zh"),
    [
        (0, "0 %", "0%"),
        (1, "100 %", "100%"),
        (0.613, "61 %", "61%"),
        (0.0999, "10 %", "10%"),
        (0.0042, "0.4 %", "0.4%"),
        (0.0001, "< 0.1 %", "<0.1%"),
        (0.9961, "99.6 %", "99.6%"),
        (0.99999, "> 99.9 %", ">99.9%"),
    ],
)
def test_percentages_are_written_as_each_language_does(share, en, zh):
    assert percent(share, "en").replace("\u00a0", " ") == en
    assert percent(share, "zh") == zh


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (1.23456, "1.23"),
        (-0.0123, "−0.0123"),
        (123.4, "123"),
        (9.996, "10.0"),
        (1.5e-7, "1.50\u00a0×\u00a010⁻⁷"),
        (-2e9, "−2.00\u00a0×\u00a010⁹"),
        (float("nan"), "NaN"),
        (float("-inf"), "−∞"),
    ],
)
def test_measured_numbers_keep_their_significant_digits(number, text):
    assert measured(number) == text


def test_text_from_outside_becomes_one_harmless_line():
    assert plain("a\r\nb\u202e\udcff\x1b[31m") == "a b\ufffd [31m"
    assert len(plain("y" * 1000)) == 120


def test_an_unknown_language_is_refused():
    with pytest.raises(UsageError, match="'fr'"):
        known_language("fr")


def test_filling_takes_each_language_its_own_words():
    template = Both("{a} of {n:count}", "{n:count} 之 {a}")
    assert template.fill(a=Both("x", "甲"), n=1234) == Both("x of 1,234", "1,234 之 甲")
