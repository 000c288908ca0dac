"""A finding in the person's words has sentences in both languages, whatever came of it."""

import string

import pytest

from seethrough.findings.words import ALIKE, NONE, UNTELLABLE
from seethrough.show import audit_spoken
from seethrough.show.audit_spoken import AND, BY_LOOKS, FITS, NOTHING, OTHERS, UNTELLABLE_BY_LOOKS
from seethrough.show.language import Both

TEXTS = [*FITS.values(), AND, *OTHERS.values(), *NOTHING.values(), UNTELLABLE_BY_LOOKS, BY_LOOKS]


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text.en[:30])
def test_both_languages_say_something_and_speak_of_the_same_numbers(text):
    assert isinstance(text, Both) and text.en.strip() and text.zh.strip()
    one, other = (sorted({(n, f) for _, n, f, _ in string.Formatter().parse(t) if n}) for t in (text.en, text.zh))
    assert one == other


def test_every_outcome_and_every_kind_that_lies_somewhere_has_a_sentence():
    assert set(NOTHING) == {ALIKE, NONE, UNTELLABLE} and set(FITS) == {"background", "region", "thing"}
    assert audit_spoken.__all__ == ["in_own_words"]
