"""The page of the mended leopards, of a story made by hand; the story itself, run small, in the tests of its parts."""

import re
from dataclasses import replace

import pytest
from audited import audited
from chromium_pipe import CHROMIUM, Browser
from proved import proved

import seethrough as st
from seethrough.demo import mended_page
from seethrough.demo.mended import Mended
from seethrough.demo.mended_page import lead
from seethrough.errors import UsageError
from seethrough.remedies.measure import AFTER, BEFORE, Part, Row
from seethrough.remedies.repaired import NOTHING, PASSED, Repair, Tried
from seethrough.remedies.rung import BLOCK
from seethrough.remedies.score import Score

in_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
READY = "document.documentElement?.dataset.ready === 'yes'"
RIGHT = {
    (0, "snow"): (1.0, 0.98, 1.0),
    (0, "desert"): (0.35, 0.91, 0.97),
    (1, "snow"): (0.2, 0.93, 0.99),
    (1, "desert"): (1.0, 0.99, 1.0),
}


def repaired(network):
    score = Score(0.9, ())
    tried = (Tried("exchanged", "last layer", score=score, lacks=("usual",)), Tried("block", BLOCK, score=score))
    verdict, rung, changed = (PASSED, "block", {"head.weight": 192, "head.bias": 2}) if network else (NOTHING, "", {})
    return Repair(
        network,
        verdict,
        rung,
        score,
        score if network else None,
        tried,
        (),
        ("snow leopard", "Arabian leopard"),
        changed,
    )


def story(helped=True):
    rows = tuple(
        Row(Part("group", answer, ground), 40, {BEFORE: one, AFTER: other})
        for (answer, ground), (one, other, _) in RIGHT.items()
    )
    proof = proved(rows=rows)
    balanced = {place: shares[2] for place, shares in RIGHT.items()}
    network = st.open("demo:leopards-balanced") if helped else None
    return Mended(
        audited(), repaired(network), proof if helped else None, balanced, 187.4, {"audited": {"seed": 30000}}
    )


@pytest.fixture(scope="module")
def page():
    return mended_page(story()).html()


def test_it_opens_with_the_worst_ground_before_after_and_of_the_balanced_network(page):
    assert (
        "Where it did worst, it was right in 20\u00a0% of the pictures." in page and "最差的情况下，只答对 20%" in page
    )
    assert (
        "Repaired, it is right in 91\u00a0% where it does worst now." in page and "beginning reaches 97\u00a0%." in page
    )
    assert "counted here, in 3 min 7 s." in page and "用时3 分 7 秒" in page
    assert story().worst == (0.2, 0.91, 0.97)


def test_each_species_on_each_ground_has_three_bars(page):
    bars = page[page.index('class="versus"') : page.index("What else it goes by now")]
    assert bars.count("<svg") == 12 and "Snow leopard in the desert" in bars and "雪地里的阿拉伯豹" in bars
    assert 'class="before" width="20.0"' in bars and bars.count(">balanced<") == 4


def test_it_shows_what_was_found_changed_and_proved(page):
    assert "largely by the background" in page and "a snow leopard in the desert is still a snow leopard" in page
    assert "Ways that change less were tried first (1 of them)" in page and "194 of " in page
    assert page.count('<figure class="doubled">') == 3 + 6 and 'class="verdict-line improved"' in page
    first = page[page.index('class="doubles"') : page.index("Is that part of the animal?")]
    assert "repaired" not in re.sub(r"<img[^>]*>", "", first)  # then there was none


def test_where_nothing_helped_that_is_said():
    bare = story(helped=False)
    assert "nothing that was tried here made it better" in lead(bare).en
    page = mended_page(bare, "zh").html()
    assert "因此什么也没有改" in page and 'class="versus"' not in page


def test_it_is_written_whole_and_as_a_page_only(tmp_path):
    made = mended_page(story())
    with pytest.raises(UsageError, match=r"ends in \.html"):
        made.save(tmp_path / "story.png")
    assert made.save(tmp_path / "story.html").read_text("utf-8") == made.html()
    with pytest.raises(UsageError, match="'fr'"):
        mended_page(story(), "fr")


def test_what_came_instead_is_named(page):
    again = page[page.index("What else it goes by now") :]
    assert "What stands at the top left" in again and "Nothing counts for more" not in again
    whole = story()
    quiet = replace(whole, proof=replace(whole.proof, followed=whole.proof.followed[:2], pairs=whole.proof.pairs[:2]))
    assert "Nothing counts for more than before" in mended_page(quiet).html()


@in_browser
def test_it_opens_without_a_complaint(tmp_path):
    path = mended_page(story()).save(tmp_path / "story.html")
    with Browser() as browser:
        browser.open(path)
        browser.wait(READY)
        assert browser.complaints() == [] and browser.js("document.documentElement.scrollWidth <= innerWidth")
