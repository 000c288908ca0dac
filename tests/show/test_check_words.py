"""Whatever a check can find has a sentence in both languages, with the same numbers in it."""

import ast
import string
from pathlib import Path

import pytest

import seethrough
from seethrough.anatomy.findings import Check, Claim, Finding
from seethrough.show import check_words as words
from seethrough.show.check_text import as_text, conclusion
from seethrough.show.language import Both

TABLES = [*words.FINDINGS.values(), *words.FOUND.values(), *words.CLAIMS.values(), *words.UNCHECKED.values()]


@pytest.mark.parametrize("text", TABLES, ids=lambda text: text.en[:30])
def test_both_languages_say_something_and_speak_of_the_same_numbers(text):
    assert text.en.strip() and text.zh.strip()
    places = [{name for _, name, _, _ in string.Formatter().parse(t) if name} for t in (text.en, text.zh)]
    assert places[0] == places[1]


def named_in_the_source():
    """The identifier of every finding that a check can make."""
    for path in (Path(seethrough.__file__).parent / "anatomy").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in words.FINDINGS:
                yield node.value
            call = getattr(getattr(node, "func", None), "id", "")
            if call in ("Finding", "_about", "_fewest"):
                first = [a.value for a in node.args[:2] if isinstance(a, ast.Constant)]
                yield from (name for name in first if isinstance(name, str) and "_" in name)


def test_every_finding_has_words_and_every_words_a_finding():
    assert set(named_in_the_source()) == set(words.FINDINGS)


def test_layers_are_named_first_and_then_counted():
    text = words.listed([f"layer{i}" for i in range(9)])
    assert text == Both("layer0, layer1, layer2, layer3 and 5 more", "layer0、layer1、layer2、layer3 等共 9 个")
    assert words.listed(["a", "b"]) == Both("a, b", "a、b")


def test_a_finding_that_nobody_worded_is_shown_with_its_numbers():
    assert words.sentence(Finding("odd_thing", "info", (), {"share": 0.12345})).en == "odd thing (share: 0.123)"


def checked(*claims):
    return Check("a", "Net", "torch", "live", claims)


def test_the_conclusion_counts_and_says_one_where_it_is_one():
    error, warning = Finding("softmax_of_one", "error", ("s",)), Finding("weights_random", "warning")
    assert conclusion(checked(Claim("weights"))).en == "All is as meant."
    assert conclusion(checked(Claim("weights", findings=(warning,)))).en == "All is as meant, with 1 warning."
    found = checked(Claim("ending", findings=(error, error)), Claim("wiring", unchecked="no_size"))
    assert conclusion(found).zh == "不符合期望：2 个错误、1 项未检查。"
    strict = conclusion(checked(Claim("weights", findings=(warning,))), strict=True)
    assert strict.en == "Not as meant: 1 warning."


def test_one_reason_that_leaves_several_claims_unchecked_is_told_once():
    text = as_text(checked(Claim("ending", unchecked="no_size"), Claim("wiring", unchecked="no_size")))
    assert text.count("Not checked") == 1 and text.count("? not checked") == 2


def test_text_from_outside_is_one_line_of_data():
    found = checked(Claim("frozen", ("a\x1b[31m\nb",), {}, (Finding("meant_both", "error", ("x\u202ey\nz",)),)))
    assert "\x1b" not in as_text(found) and "\u202e" not in as_text(found) and "xy z" in as_text(found)
