"""The person's own words on an audit's page, beside the finding that they are about."""

from dataclasses import replace

import pytest
from audited import audited

from seethrough.findings.statistics import Interval
from seethrough.findings.views import FEATURES, LOOKS
from seethrough.findings.words import ALIKE, NONE, TOLD, UNTELLABLE, Spoken, Word
from seethrough.report.audit_page import audit_page
from seethrough.show.audit_spoken import in_own_words

SNOW = Word("<b>snow</b>", Interval(0.83, 0.7, 0.9, 30), Interval(0.09, 0.03, 0.2, 30), Interval(0.74, 0.5, 0.85, 30))
SAND = Word("sand", Interval(0.04, 0.0, 0.1, 30), Interval(0.88, 0.7, 0.95, 30), Interval(-0.84, -0.9, -0.6, 30))


def spoken(outcome, by=FEATURES, words=()):
    return Spoken(outcome, by, words, 3, 8, 0.9)


def told(first, third=None, **audit):
    """An audit of which the background, and what stands at the top left, are spoken of."""
    return replace(audited(**audit), spoken=(first, None, third, None, None))


def test_each_card_says_its_own_words_once_and_others_nothing():
    page = audit_page(told(spoken(TOLD, words=(SNOW, SAND)), spoken(TOLD, words=(SNOW,)))).replace("\xa0", " ")
    assert page.count("In your words") == page.count("用您的词说") == 2 and "<b>snow" not in page
    assert (
        "In your words: around “Arabian leopard” 83 % of pictures look like “&lt;b&gt;snow&lt;/b&gt;”, around “&lt;i&gt;snow"
        "&lt;/i&gt; leopard” 9.0 %. For “sand” it is 4.0 % and 88 %."
    ) in page
    assert (
        "this part looks like “&lt;b&gt;snow&lt;/b&gt;” in 83 % of the pictures of “Arabian leopard”, in 9.0 %" in page
    )
    first = page[page.index('id="finding-1"') : page.index('id="finding-2"')]
    assert "83 %" in first and "“sand”" in first and "像“sand”的则分别占 4.0% 和 88%。" in first


def test_without_words_nothing_is_said():
    assert in_own_words(audited(), 0) is None and "In your words" not in audit_page(audited())


@pytest.mark.parametrize(
    ("outcome", "english", "chinese"),
    [
        (UNTELLABLE, "can't tell your words apart (of their own pictures, 3 of 8 were put", "8 张示例中，只有 3 张"),
        (NONE, "none of them; 90 % of these pictures look like none", "90% 不像"),
        (ALIKE, "none of them surely fits “Arabian leopard” more often", "没有哪个词"),
    ],
)
def test_where_no_word_is_said_the_reason_is(outcome, english, chinese):
    said = in_own_words(told(spoken(outcome)), 0)
    assert english in said.en.replace("\xa0", " ") and chinese in said.zh


def test_of_several_rivals_it_says_the_others_and_of_a_black_box_by_what():
    audit = told(spoken(TOLD, LOOKS, (SNOW,)), classes=3)
    first = audit.findings[0]
    several = replace(first, candidate=replace(first.candidate, rivals=(0, 2)))
    said = in_own_words(replace(audit, findings=(several, *audit.findings[1:])), 0)
    assert "around the others 9.0" in said.en and said.en.endswith("nothing is known of this network's inside.")
    assert "其他类别的占 9.0%" in said.zh and said.zh.endswith("看不到这个网络的内部。")
    assert "by colours and detail alone" in in_own_words(told(spoken(UNTELLABLE, LOOKS)), 0).en


def test_the_record_holds_the_words_with_their_finding():
    first, second = told(spoken(TOLD, words=(SNOW, SAND))).to_dict()["findings"][:2]
    assert first["words"]["words"][0]["own"]["value"] == 0.83 and "words" not in second
