"""The page of an audit: what a person reads, the question that he answers, and what he can hand on."""

import base64
import io
import json
import re

import numpy as np
import pytest
from audited import GROUPS, N, audited
from chromium_pipe import CHROMIUM, Browser
from PIL import Image

from seethrough.errors import UsageError
from seethrough.findings.answers import answers_of
from seethrough.findings.judge import NOT_FOUND, PROVEN
from seethrough.findings.naming import Group, Part
from seethrough.findings.statistics import Interval
from seethrough.report.audit_page import CARDS, CLASSES, audit_page

in_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
READY = "document.documentElement?.dataset.ready === 'yes'"
JARGON = ("gradient", "logit", "p-value", "bootstrap", "permutation", "ROC", "梯度", "置换", "显著性")


@pytest.fixture(scope="module")
def audit():
    return audited()


@pytest.fixture(scope="module")
def page(audit):
    return audit_page(audit)


def picture(url):
    return Image.open(io.BytesIO(base64.b64decode(url.split(",", 1)[1])))


def test_it_opens_with_the_answer_in_both_languages(page):
    assert (
        "This network tells “Arabian leopard” from “&lt;i&gt;snow&lt;/i&gt; leopard” largely by the background." in page
    )
    assert "that changes 12 of 20 answers; taken from a picture of the same class, 1." in page
    assert "很大程度上看的是背景。" in page and "20 个回答中有 12 个改变" in page
    assert "Proven: 2 · suspected: 2 · not found: 1." in page


def test_each_finding_that_is_proven_or_suspected_has_a_card_with_nine_pairs_and_a_question(page):
    assert page.count('class="section finding"') == 4 and page.count('<figure class="pair">') == 36
    assert "97\u00a0%\u00a0→\u00a012\u00a0%" in page and "97%\u00a0→\u00a012%" in page
    assert page.count('class="question"') == 4 and "Is this part of “Arabian leopard” itself?" in page
    assert "97\u00a0%" in page and "12\u00a0%" in page and "这是“Arabian leopard”本身的一部分吗？" in page


def test_the_pair_that_changed_most_is_shown_under_its_evidence_as_well(page):
    """Of the second nothing spoke for the answer: it is as it was."""
    shown = re.findall(r'<figure class="pair evidence">.*?</figure>', page, re.DOTALL)
    assert len(shown) == 4 and "What spoke for “Arabian leopard” in both" in shown[0] and "热图" in shown[0]
    first, second = (np.asarray(picture(url)) for url in re.findall(r'src="([^"]+)"', shown[0]))
    pair = re.search(r'<figure class="pair">.*?</figure>', page, re.DOTALL)
    before, after = (np.asarray(picture(url)) for url in re.findall(r'src="([^"]+)"', pair[0]))
    assert (second == after).all() and (first != before).any((0, 1, 2)) and (first == before).all(2).any()


def test_what_differs_about_a_look_is_said(page):
    assert "pictures are usually yellower than around the others" in page or "usually redder" in page


def test_findings_that_are_one_habit_are_one_card_and_one_question():
    page = audit_page(audited(groups=GROUPS))
    assert page.count('class="section finding"') == 3 == page.count('class="question"')
    assert "largely by the background, above all by the colour of the surroundings." in page
    assert "很大程度上看的是背景，尤其是周围环境的色调。" in page
    assert (
        "as far as that was seen: the colour of the surroundings, 70 % (finding 2)." in page
        and "These overlap" not in page
    )
    card = page[page.index('id="finding-1"') : page.index('id="finding-3"')]
    assert "Told with it" in card and "2 · The colour of the surroundings" in card and 'id="finding-2"' not in page
    assert "其中起作用的，就目前所见：周围环境的色调，70%（第 2 项）。" in card


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (
            Part(1, carries=True, within=Interval(1.02, 0.9, 1.1, N)),
            "brings this along: with this left as it was, 100 %",
        ),
        (
            Part(1, through=Interval(0.1, -0.1, 0.2, N)),
            "this changes answers as well: the colour of the surroundings (finding 2).",
        ),
        (
            Part(1, within=Interval(0.6, 0.5, 0.7, N)),
            "mostly because it changes this as well: with this left as it was, 60 %",
        ),
        (Part(2), "This may count as well: what stands at the top left (finding 3)."),
    ],
)
def test_how_a_part_belongs_to_its_group_is_said(part, said):
    page = audit_page(audited(groups=(Group(0, (part,)),)))
    assert said in page and page.count('class="section finding"') == 1 and "above all" not in page


def test_what_was_not_found_has_its_n_and_what_could_have_stayed_hidden(page):
    row = page[page.index("Looked for, and not found") :]
    assert "The finest detail of the surroundings" in row and "5 percentage points" in row and ">20<" in row
    assert "clean" not in page
    rest = row[row.index("Looked at as well") : row.index("Right")]
    assert "the brightness of the surroundings" in rest and "the colour of" not in rest and "a fixed place" not in rest


def test_nobody_needs_to_know_a_word_of_the_trade(page):
    shown = page[page.index("<main") : page.index("<footer")]
    while "<details><summary" in shown:  # exact numbers are folded away, and may be exact
        start = shown.index("<details><summary")
        shown = shown[:start] + shown[shown.index("</details>", start) + 10 :]
    text = re.sub(r"<[^>]*>", " ", shown)
    assert [word for word in JARGON if re.search(rf"(?<![a-z]){word}(?![a-z])", text, re.IGNORECASE)] == []


def test_text_from_outside_is_text(page):
    assert (
        "<b>fog</b>" not in page[: page.index('id="payload"')]
        and "<i>snow</i>" not in page[: page.index('id="payload"')]
    )
    assert "http://" not in page.replace("http://www.w3.org", "") and "Content-Security-Policy" in page


def test_where_nothing_is_found_it_does_not_say_that_all_is_well():
    page = audit_page(audited((NOT_FOUND,) * 5))
    assert "no wrong reason was found. That doesn&#39;t mean there is none" in page and 'class="question"' not in page
    assert "what could have stayed hidden" in page and "这不等于没有" in page
    bare = audit_page(audited(()))
    assert "told the classes apart clearly enough to be tested" in bare
    assert "testing: the background; a fixed place of the picture, such as a corner; the brightness" in bare


def test_without_masks_a_look_is_the_whole_pictures():
    page = audit_page(audited(fore=False))
    assert "The colour of the picture" in page and "part of the background" not in page


def test_of_many_classes_those_least_right_are_listed(audit):
    page = audit_page(audited(classes=40))
    assert f"The {CLASSES} classes with the fewest right answers, of 40." in page and "class 39" in page
    assert '<th scope="row"><bdi>class 2</bdi>' not in page
    assert "The background, for “Arabian leopard”" in page and "背景（“Arabian leopard”）" in page
    assert "When this network says “Arabian leopard”, it goes largely by the background." in page


def test_many_findings_are_told_in_a_table_behind_the_first(monkeypatch):
    monkeypatch.setattr("seethrough.report.audit_page.CARDS", 2)
    page = audit_page(audited())
    assert page.count('class="section finding"') == 2 and "Further findings" in page and CARDS > 2


@pytest.mark.parametrize("suffix", [".html", ".json", ".png", ".svg"])
def test_every_kind_of_file_is_written(audit, tmp_path, suffix):
    assert audit.save(tmp_path / f"audit{suffix}", language="zh").stat().st_size > 1000


def test_the_record_has_what_a_repair_goes_on_from(audit, tmp_path):
    record = json.loads(audit.save(tmp_path / "findings.json").read_text("utf-8"))
    assert record["format"] == "seethrough audit 1"
    assert [f["verdict"] for f in record["findings"]] == ["proven", "proven", "suspected", "suspected", "not found"]
    assert record["findings"][2]["aspect"]["box"] == [0, 0.25, 0, 0.25] and len(record["split"]["proof"]) == 16
    assert answers_of("background=background", record) == {1: "background"}


def test_it_shows_itself_in_a_notebook(audit):
    html = audit._repr_html_()
    assert html.startswith("<img") and "largely by the background" in html


@in_browser
def test_a_question_is_answered_kept_and_handed_on(audit, tmp_path):
    path = audit.save(tmp_path / "audit.html")
    with Browser() as browser:
        browser.open(path)
        browser.wait(READY)
        assert browser.complaints() == []
        assert {url.split("#")[0] for url in browser.requests() if not url.startswith("data:")} == {path.as_uri()}
        for number, answer in ((1, "background"), (3, "class")):
            browser.js(f"document.querySelector('input[name=\"answer-{number}\"][value={answer}]').click()")
        written = browser.js("document.getElementById('written').value")
        assert browser.js("document.getElementById('answered').textContent") == "2 of 4 answered"
        assert browser.js("location.hash") == "#answers=1.background,3.class"
        saved = browser.js("decodeURIComponent(document.getElementById('download').href.split(',')[1])")
        browser.js("document.getElementById('speak-zh').click()")
        browser.wait("document.getElementById('answered').textContent.startsWith('已回答')")
        browser.call("Page.reload")
        browser.wait("document.querySelectorAll('.question input:checked').length === 2")
    (tmp_path / "answers.json").write_text(written, "utf-8")
    assert saved == written and answers_of(tmp_path / "answers.json", audit) == {1: "background", 3: "class"}
    with pytest.raises(UsageError, match="another audit"):
        answers_of(tmp_path / "answers.json", audited((PROVEN,)))
