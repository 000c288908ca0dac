"""The page of a proof: what a person reads of a repair that helped, that didn't, and that made it worse."""

import json
import re

import pytest
from chromium_pipe import CHROMIUM, Browser
from proved import proved

from seethrough.remedies.proof import NO_IMPROVEMENT, WORSE
from seethrough.report.proof_page import proof_page
from seethrough.results import Note
from seethrough.show import proof_words as words

in_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
READY = "document.documentElement?.dataset.ready === 'yes'"
JARGON = ("gradient", "logit", "p-value", "bootstrap", "permutation", "McNemar", "subgroup", "梯度", "置换", "显著性")


@pytest.fixture(scope="module")
def proof():
    return proved()


@pytest.fixture(scope="module")
def page(proof):
    return proof_page(proof)


def test_it_opens_with_the_verdict_in_both_languages(page):
    assert '<p class="verdict-line improved"><span lang="en" data-say="en">Improved</span>' in page
    assert (
        "The repair helped. In its weakest group the first network was right in 35\u00a0% of the pictures; the" in page
    )
    assert "修复有效。修复前，网络在最薄弱的分组答对 35%；修复后，在其最薄弱的分组答对 91%。" in page
    assert "Of all pictures: 93\u00a0% before, 95\u00a0% now." in page and "on 120 fresh pictures" in page
    assert "It is weakest here, before and now: “&lt;i&gt;snow&lt;/i&gt; leopard”, group “in the desert”." in page


def test_what_came_instead_is_said_at_the_top_and_has_a_card(page):
    lead = page[page.index('class="lead"') :][:1200]
    assert (
        "Careful: the repaired network goes more by something else now: what stands at the top left and weather" in lead
    )
    assert page.count('class="section finding"') == 4
    again = page[page.index("What else it goes by now") :]
    assert ">New<" in again and ">Stronger<" in again and "The audit of the first network had not found it." in again
    assert "Nothing counts for more than before" not in page


def test_each_wrong_reason_has_its_state_numbers_and_pictures_of_both_networks(page):
    card = page[page.index('id="finding-1"') : page.index('id="finding-2"')]
    assert ">Gone<" in card and ">已消失<" in card and card.count('<figure class="doubled">') == 6
    assert (
        "it turned 12 of 20 answers before, and 1 now" in card
        and "by 54 percentage points before, and by 2 now" in card
    )
    assert "<td>97\u00a0%" not in card and "97\u00a0%" in card and "12\u00a0%" in card and "95\u00a0%" in card
    assert card.count('class="fallen"') == 6  # before the repair, with the other's surroundings; and not after it
    assert "Shown are the 6 pictures that the first network was misled by most, of 20" in card


def test_the_figures_have_bars_for_both_networks_and_the_controls(page):
    bars = page[page.index('class="versus"') : page.index('class="folded"', page.index('class="versus"'))]
    assert (
        bars.count("<svg") == 4 * 4 and 'class="before" width="35.0"' in bars and 'class="after" width="91.0"' in bars
    )
    assert "Weakest group" in bars and "最薄弱处" in bars and "only trained longer" in bars
    assert "did not get there: at their weakest spots they are right in 37 % and 35 % of the pictures" in page


def test_every_part_is_listed_with_its_n_and_small_ones_are_quiet(page):
    table = page[page.index("Every part in numbers") :]
    assert "leopard”, given the background of another class" in table and "other classes, given" in table.replace(
        "“other classes”", "other classes"
    )
    assert 'class="small-part"' in table and 'class="worst"' in table
    assert "came with its usual colour of the surroundings" in table and "原图带有平常的周围环境的色调" in table


def test_nobody_needs_to_know_a_word_of_the_trade(page):
    shown = page[page.index("<main") : page.index("<footer")]
    shown = re.sub(r"<details>.*?</details>|<details class=\"folded\">.*?</details>", " ", shown, flags=re.DOTALL)
    text = re.sub(r"<[^>]*>", " ", shown)
    assert [word for word in JARGON if re.search(rf"(?<![a-z]){word}(?![a-z])", text, re.IGNORECASE)] == []


def test_text_from_outside_is_text(page):
    body = page[: page.index('id="payload"')]
    assert "<b>fog</b>" not in body and "<i>snow</i>" not in body and "<b>0</b>" not in body
    assert "http://" not in page.replace("http://www.w3.org", "") and "Content-Security-Policy" in page
    assert not re.search(r"\sstyle=", body)  # the policy would leave it out


@pytest.mark.parametrize(
    ("verdict", "reason", "en", "zh"),
    [
        (NO_IMPROVEMENT, "no gain", "No improvement can be shown", "看不出改善"),
        (NO_IMPROVEMENT, "moved", "but now it goes by something else as much: what stands at the top left", "没有改善"),
        (WORSE, "worst lost", "The repair made it worse. In its weakest group", "修复使它变差了"),
        (WORSE, "right lost", "of all pictures the first network answered 93\u00a0% rightly", "所得不足以弥补"),
        ("improved", "less effect", "hang much less on the background and the colour of the surroundings", "大为减少"),
    ],
)
def test_every_verdict_has_its_sentence(verdict, reason, en, zh):
    found = proved(verdict, reason)
    assert en in words.said(found).en and zh in words.said(found).zh
    assert f'class="verdict-line {verdict.replace(" ", "-")}"' in proof_page(found)
    assert words.beside_controls(found) is None  # of what gained nothing, nothing is owed


def test_a_gain_that_any_training_has_is_not_the_repairs(proof):
    figures = tuple(_as_good(figure) for figure in proof.figures)
    assert "can't be owed to the repair alone" in words.beside_controls(proved(figures=figures)).en


def _as_good(figure):
    from dataclasses import replace

    from seethrough.findings.statistics import Interval

    return replace(figure, beyond={name: Interval(0.01, -0.05, 0.07, 60) for name in figure.beyond})


def test_a_price_is_said(proof):
    from dataclasses import replace

    from seethrough.findings.statistics import Interval

    right = replace(proof.right, after=Interval(0.89, 0.85, 0.92, 60), change=Interval(-0.04, -0.07, -0.01, 60))
    found = proved(figures=(right, *proof.figures[1:]))
    assert (
        "That has a price: of all pictures the first network answered 93\u00a0% rightly, the repaired one 89\u00a0%."
        in words.said(found).en
    )


def test_without_anything_risen_that_is_said():
    calm = proved()
    quiet = proved(followed=calm.followed[:2], pairs=calm.pairs[:2])
    page = proof_page(quiet)
    assert (
        "Nothing counts for more than before. What stays small, or of another kind, could still be there unseen."
        in page
    )
    assert "Careful: the repaired" not in page and page.count('class="section finding"') == 2


def test_without_masks_a_look_is_the_whole_pictures():
    assert "The colour of the picture" in proof_page(proved(notes=(Note("no_foreground", "warning"),)))


@pytest.mark.parametrize("suffix", [".html", ".json", ".png", ".svg"])
def test_every_kind_of_file_is_written(proof, tmp_path, suffix):
    assert proof.save(tmp_path / f"proof{suffix}", language="zh").stat().st_size > 1000


def test_the_record_has_every_number(proof, tmp_path):
    record = json.loads(proof.save(tmp_path / "proof.json").read_text("utf-8"))
    assert record["format"] == "seethrough proof 1" and record["verdict"] == "improved"
    assert [f["state"] for f in record["findings"]] == ["gone", "less", "stronger", "new", "nothing"]
    assert record["figures"][3]["controls"]["plain"]["value"] == pytest.approx(0.37)


def test_it_shows_itself_in_a_notebook(proof):
    html = proof._repr_html_()
    assert html.startswith("<img") and "The repair helped" in html


@in_browser
def test_it_opens_speaks_both_languages_and_asks_nothing_of_anybody(proof, tmp_path):
    path = proof.save(tmp_path / "proof.html")
    with Browser() as browser:
        browser.open(path)
        browser.wait(READY)
        assert browser.complaints() == []
        assert {url.split("#")[0] for url in browser.requests() if not url.startswith("data:")} == {path.as_uri()}
        assert browser.js("document.title") == "Is the repaired network better?"
        browser.js("document.getElementById('speak-zh').click()")
        browser.wait("document.title === '修复后的网络更好吗？' && document.documentElement.lang === 'zh-Hans'")
        assert browser.js("document.documentElement.scrollWidth <= innerWidth")
