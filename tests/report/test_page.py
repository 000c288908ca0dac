"""A page is composed of blocks, holds both languages, keeps to its budget, and can reach nothing outside itself."""

import base64
import hashlib
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from html_reader import Reader

from seethrough.errors import UsageError
from seethrough.report import Answer, Explained, Notes, Page, Paragraph, Section, Table, embed, explanation_page
from seethrough.report.page import BUDGET
from seethrough.results import Note
from seethrough.show.language import Both, share
from seethrough.show.sentences import sentence


@pytest.fixture
def composed(make_explanation):
    one, other = make_explanation(images=2, height=60, width=80), make_explanation(images=2, height=60, width=80)
    mask = np.zeros((60, 80), bool)
    mask[:, :40] = True
    table = Table(
        columns=("", Both("usual pictures", "普通图片"), Both("exchanged", "交换背景")),
        rows=((Both("correlated", "相关"), share(0.95), 1234), ("balanced", 0.123456, -0.5)),
        caption=Both("Right answers", "正确率"),
    )
    pictures = tuple(
        Explained((Answer(one, i, heading="A"), Answer(other, i, heading="B", methods=("occlusion",))), mask=mask,
                  mask_name=Both("the background", "背景"))
        for i in range(2)
    )  # fmt: skip
    return Page(
        title=Both("The leopards", "雪豹"),
        sections=(Section("", (Paragraph(Both("Hello", "你好"), lead=True), table)), Section("Pictures", pictures)),
    )  # fmt: skip


def test_a_composed_page_holds_its_words_numbers_and_pictures(composed):
    page = Reader(composed.html())
    for text in (
        "The leopards",
        "雪豹",
        "Hello",
        "你好",
        "95\u00a0%",
        "95%",
        "1,234",
        "0.123",
        "−0.500",
        "Right answers",
    ):
        assert text in page.text
    assert page.text.count("of all lies on the background") == 2 * (4 + 1)
    pictures = [attributes for tag, attributes in page.tags if tag == "img" and "data-picture" in attributes]
    assert len(pictures) == 2
    maps = json.loads(page.raw[("script", "application/json")])["maps"]
    assert len(maps) == 10 and {m["picture"] for m in maps} == {p["data-picture"] for p in pictures}


def test_nothing_in_the_page_can_reach_out_or_run_but_its_own_script(composed):
    page = Reader(composed.html())
    for tag, attributes in page.tags:
        assert not any(name.startswith("on") or name == "style" for name in attributes), (tag, attributes)
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            assert attributes.get(name, "#").startswith(("data:image/", "#")), (tag, name)
    policy = next(a["content"] for t, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; img-src data:;") and "unsafe" not in policy
    for directive, key in (("script-src", ("script", "module")), ("style-src", ("style", ""))):
        digest = base64.b64encode(hashlib.sha256(page.raw[key].encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy
    code = page.raw[("script", "module")]
    assert not re.search(r"\b(fetch|XMLHttpRequest|WebSocket|EventSource|importScripts|eval|sendBeacon)\b", code)
    assert not re.search(r"https?://", code + page.raw[("style", "")]) and "url(" not in page.raw[("style", "")]


def test_sixteen_answers_with_four_methods_stay_within_the_budget(make_explanation):
    explanation = make_explanation(images=8, height=128, width=128)
    blocks = tuple(Explained((Answer(explanation, i, "A"), Answer(explanation, i, "B"))) for i in range(8))
    text = Page(title="x", sections=(Section("y", blocks),)).html()
    assert len(text.encode()) <= BUDGET
    maps = json.loads(Reader(text).raw[("script", "application/json")])["maps"]
    assert len(maps) == 64 and all(m["columns"] >= 96 for m in maps)


def test_a_page_that_would_be_too_large_carries_its_maps_less_finely(make_explanation):
    explanation = make_explanation(images=2, height=224, width=224)
    blocks = tuple(Explained((Answer(explanation, i),)) for i in range(2))
    page = Page(title="x", sections=(Section("y", blocks),))
    whole, small = page.html(), page.html(budget=260_000)
    assert len(whole.encode()) > 260_000 >= len(small.encode())
    columns = [
        json.loads(Reader(text).raw[("script", "application/json")])["maps"][0]["columns"] for text in (whole, small)
    ]
    assert columns[0] == 224 > columns[1] >= 48


def test_a_small_page_is_carried_in_full_detail(make_explanation):
    page = Page(title="x", sections=(Section("", (Explained((Answer(make_explanation()),)),)),))
    maps = json.loads(Reader(page.html()).raw[("script", "application/json")])["maps"]
    assert {(m["rows"], m["columns"]) for m in maps} == {(168, 240)}


def test_the_answer_that_was_asked_about_is_shown_although_it_is_not_among_the_five(make_explanation):
    explanation = make_explanation()
    asked = replace(explanation.target[0], indices=((6, 1),), label="snow plough")
    text = Reader(Page("x", (Section("", (Explained((Answer(replace(explanation, target=(asked,))),)),)),)).html()).text
    assert "snow plough asked about" in " ".join(text.replace("所问", "").split())


def test_flat_maps_are_said_and_not_drawn(make_explanation):
    explanation = make_explanation()
    flat = {k: replace(a, map=np.full_like(a.map, np.nan)) for k, a in explanation.items()}
    page = Reader(Page("x", (Section("", (Explained((Answer(replace(explanation, attributions=flat)),)),)),)).html())
    assert "Nothing to draw" in page.text and "not numbers" in page.text
    assert not any(tag == "seethrough-map-v1" for tag, _ in page.tags)


def test_random_weights_stamp_every_map_of_that_network(make_explanation):
    random = make_explanation(notes=[Note("random_weights", "warning")])
    block = Explained((Answer(random, heading="A"), Answer(make_explanation(), heading="B")))
    page = Reader(Page("x", (Section("", (Notes(random.notes), block)),)).html())
    assert page.text.count("RANDOM WEIGHTS") == len(random)


def test_pictures_of_different_sizes_are_not_compared(make_explanation):
    block = Explained((Answer(make_explanation()), Answer(make_explanation(height=100))))
    with pytest.raises(UsageError, match="different sizes"):
        Page("x", (Section("", (block,)),)).html()


def test_a_page_is_only_saved_as_html(composed, tmp_path):
    with pytest.raises(UsageError, match=r"\.html"):
        composed.save(tmp_path / "x.pdf")
    assert composed.save(tmp_path / "x.html").read_text(encoding="utf-8") == composed.html()


def test_the_same_page_is_the_same_text(composed):
    assert composed.html() == composed.html()


def test_a_file_name_that_is_no_text_can_still_be_written(make_explanation, tmp_path):
    explanation = make_explanation(height=40, width=60)
    named = replace(explanation.pictures[0], name="bad\udcff\u202e.jpg")
    for suffix in (".html", ".json", ".npz", ".png", ".svg"):
        replace(explanation, pictures=(named,)).save(tmp_path / f"x{suffix}")


def test_a_notebook_gets_a_picture_words_and_a_table_but_no_script(make_explanation):
    explanation = make_explanation(images=2, height=60, width=80, label="<b>cat</b>")
    page = Reader(explanation._repr_html_())
    tags = {tag for tag, _ in page.tags}
    assert {"img", "table", "details"} <= tags and not tags & {"script", "style", "iframe", "link", "b"}
    for attribution in explanation.values():
        for image in range(2):
            assert sentence(attribution, image).en in page.text
    assert "支持" in embed(explanation, language="zh")
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)


def test_each_picture_has_its_own_checks_and_general_notes_stand_once(make_explanation):
    note = Note("softmax_looked_through")
    explanation = make_explanation(images=2, height=60, width=80, notes=[note])
    explanation = replace(explanation, prediction=replace(explanation.prediction, notes=(note,)))
    text = Reader(explanation_page(explanation).html()).text
    assert text.count("before the final softmax") == 1
    assert text.count("values sum to 8.10,") == text.count("values sum to 9.10,") == 1


def test_a_notebook_shows_the_first_of_many_images_and_says_so(make_explanation):
    html = make_explanation(images=40, height=12, width=16)._repr_html_()
    assert "8 of 40 images are shown here" in html and html.count("<table>") == 8


def test_answers_that_are_no_numbers_have_no_bar(make_explanation, tmp_path):
    explanation = make_explanation(height=40, width=60)
    broken = np.full_like(explanation.prediction.values, np.nan)
    explanation = replace(explanation, prediction=replace(explanation.prediction, values=broken, probabilities=broken))
    page = Reader(explanation_page(explanation).html())
    assert {a["width"] for t, a in page.tags if t == "rect" and a["class"] == "fill"} == {"0.00"}
    assert explanation.save(tmp_path / "x.png").exists() and "NaN" in page.text
