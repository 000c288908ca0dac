"""How far to believe each map stands beside it, in words; what is more than that is a click away, and a page of sixty
methods stays small.
"""

import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from chromium_pipe import CHROMIUM, Browser
from html_reader import Reader

from seethrough.report import embed, explanation_page
from seethrough.report.page import BUDGET
from seethrough.results import Note, Trust
from seethrough.show.trust_words import NOT_ASKED, VERDICTS

READY = "document.documentElement?.dataset.ready === 'yes'"
VERDICT_OF = dict(zip(("gradcam", "integrated_gradients", "occlusion", "saliency"), (*VERDICTS, "carries_weight")))
FIGURES = {
    "faithfulness.insertion": 0.613, "faithfulness.gain": 0.417, "faithfulness.random": 0.011,
    "faithfulness.blurred": -0.052, "faithfulness.centre": 0.302, "faithfulness.edges": 0.123,
    "sanity.similarity": 0.181, "stability.shift": 0.884, "something.new": 0.777,
}  # fmt: skip


def reasons(number):
    return tuple(Note("completeness", "info", {"sum": 1 + number, "rise": 2, "gaps": 0.1 * k, "steps": k})
                 for k in (11, 12, 13))  # fmt: skip


@pytest.fixture(scope="session")
def make_trusted(make_explanation):
    """A function (images, size) → an explanation with verdicts, of which Grad-CAM and saliency are good and disagree."""

    def make(images=1, height=120, width=160):
        explanation = make_explanation(images=images, height=height, width=width)
        agreement = np.full((images, 4, 4), 0.8, np.float32)
        agreement[:, range(4), range(4)] = 1
        agreement[:, 0, 3] = agreement[:, 3, 0] = -0.25
        attributions = {
            name: replace(a, trust=tuple(Trust(VERDICT_OF[name], reasons(i), FIGURES) for i in range(images)))
            for name, a in explanation.items()
        }
        return replace(explanation, attributions=attributions, agreement=agreement)

    return make


@pytest.fixture(scope="session")
def make_many(make_trusted):
    """A function (count) → the same maps, grainier, under so many names."""

    def make(count, checked=True):
        one, random = make_trusted(), np.random.default_rng(0)
        names = [*one, *(f"way_{i}" for i in range(count - len(one)))]
        attributions = {}
        for i, name in enumerate(names):
            base = list(one.values())[i % len(one)]
            grain = random.standard_normal(base.map.shape).astype(np.float32)
            a = replace(base, method=name, map=base.map * (1 + 0.5 * grain))
            attributions[name] = a if checked else replace(a, trust=())
        return replace(one, attributions=attributions, agreement=np.eye(count, dtype=np.float32)[None])

    return make


def texts(html):
    return " ".join(Reader(html).text.split())


def test_every_map_has_its_verdict_in_words_and_by_a_sign(make_trusted):
    html = explanation_page(make_trusted()).html()
    said = texts(html)
    for verdict, words in VERDICTS.items():
        wanted = list(VERDICT_OF.values()).count(verdict)
        beside = re.findall(f'<p class="verdict {verdict}">(.*?)</p>', html)
        assert len(beside) == wanted
        assert all(words.en in one and words.zh in one and f'<svg class="sign {verdict}"' in one for one in beside)
    assert NOT_ASKED.en not in said


def test_two_reasons_stand_beside_the_map_and_all_of_them_a_click_away(make_trusted):
    html = explanation_page(make_trusted()).html()
    beside = re.findall(r'<p class="reasons">(.*?)</p>', html, re.S)
    assert len(beside) == 4
    assert all("after 11 steps" in b and "after 12 steps" in b and "after 13 steps" not in b for b in beside)
    grounds = re.findall(r'<ol class="grounds">(.*?)</ol>', html, re.S)
    assert len(grounds) == 4 and all(g.count("<li>") == 3 for g in grounds)


def test_every_figure_is_in_the_table_and_null_maps_stand_as_bars_beside_the_map(make_trusted):
    html = explanation_page(make_trusted()).html()
    judged = re.findall(r'<details class="judged">(.*?)</details>', html, re.S)
    assert len(judged) == 4
    for shown in ("0.613", "0.417", "0.0110", "−0.0520", "0.302", "0.123", "0.181", "0.884", "0.777"):
        assert shown in judged[0]
    bars = re.findall(r'class="fill" x="([\d.]+)" width="([\d.]+)"', judged[0])
    low, high = -0.052, 0.417
    for (x, width), value in zip(bars, (0.417, 0.011, -0.052, 0.302, 0.123), strict=True):
        ends = sorted(100 * (v - low) / (high - low) for v in (0.0, value))
        assert (float(x), float(x) + float(width)) == pytest.approx(tuple(ends), abs=0.02)


def test_where_two_good_methods_disagree_the_page_says_where(make_trusted):
    trusted = make_trusted()
    said = texts(explanation_page(trusted).html())
    found = re.search(r"Grad-CAM and Saliency both carry weight and disagree \(rank correlation −0.250\), most of all "
                      r"(in the [a-z ]+): Grad-CAM puts (\S+ %) of its evidence there, Saliency (\S+ %)", said)  # fmt: skip
    assert found
    assert found[2] != found[3]
    assert "都可以采信，却不一致" in said
    table = re.search(r'<table class="correlations">(.*?)</table>', explanation_page(trusted).html(), re.S)[1]
    assert [table.count(f"<span>{n}</span>") for n in ("−0.25", "0.80", "1.00")] == [2, 10, 4]


def test_what_was_not_asked_has_no_verdict_and_says_how_to_ask(make_explanation):
    html = explanation_page(make_explanation(images=2, height=40, width=60)).html()
    said = texts(html)
    assert said.count(NOT_ASKED.en) == said.count(NOT_ASKED.zh) == 1 and "--trust" in said
    assert '<p class="verdict' not in html and 'class="judged"' not in html and 'class="agreeing"' not in html


def test_sixty_methods_stay_within_the_budget_with_three_in_front_and_the_others_by_family(make_many):
    many = make_many(60)
    html = explanation_page(many).html()
    assert len(html.encode()) <= BUDGET
    assert html.count('<section class="card') == 3 and html.count('<details class="other') == 57
    front = re.findall(r'<h4 id="[^"]*">(.*?)</h4>', html, re.S)
    assert "Grad-CAM" in front[0] and all("verdict carries_weight" in part for part in html.split("<section class=\"card")[1:4])  # fmt: skip
    assert "<details open" not in html
    maps = json.loads(Reader(html).raw[("script", "application/json")])["maps"]
    assert len(maps) == 60 and maps[0]["columns"] == 160 and maps[-1]["columns"] <= 112


def test_families_count_their_verdicts(make_many):
    html = explanation_page(make_many(24)).html()
    said = re.findall(r'<details class="family">\s*<summary>(.*?)</summary>', html, re.S)
    numbers = [int(n) for one in said for n in re.findall(r'data-say="en">(\d+) (?:carry|with|say)', one)]
    assert sum(numbers) == 21


def test_flat_maps_are_never_in_front(make_many):
    many = make_many(12)
    flat = replace(many["gradcam"], map=np.zeros_like(many["gradcam"].map))
    html = explanation_page(replace(many, attributions={**many.attributions, "gradcam": flat})).html()
    assert not any("Grad-CAM" in h for h in re.findall(r'<h4 id="[^"]*">(.*?)</h4>', html, re.S))
    assert "Nothing to draw" in html


def test_the_notebook_and_the_figure_say_the_verdicts(make_trusted, make_explanation):
    trusted = make_trusted(images=2, height=60, width=80)
    said = texts(embed(trusted))
    drawn = "".join("".join(t.get_text() for t in trusted.plot().texts).split())
    for verdict, words in VERDICTS.items():
        assert said.count(f"● {words.en}" if verdict == "carries_weight" else words.en) >= 2
        wanted = 2 * list(VERDICT_OF.values()).count(verdict)
        assert drawn.count("".join(words.en.split())) == wanted
    assert "after 11 steps" in said and "after11steps" in drawn
    plain = make_explanation(height=60, width=80)
    assert NOT_ASKED.en in texts(embed(plain))
    assert "--trust" in "".join(t.get_text() for t in plain.plot().texts)


def test_a_figure_of_many_methods_draws_those_that_carry_most_weight_and_says_so(make_many):
    drawn = make_many(30).plot()
    said = " ".join(t.get_text() for t in drawn.texts)
    assert "14 of 30 methods are drawn here" in said
    assert said.count("● carries weight") == 14
    assert max(drawn.get_size_inches()) < 40


def test_the_records_carry_trust_and_agreement(make_trusted, tmp_path):
    trusted = make_trusted(images=2, height=30, width=40)
    told = json.loads(trusted.save(tmp_path / "x.json").read_text("utf-8"))
    for i, image in enumerate(told["images"]):
        assert {name: m["trust"]["verdict"] for name, m in image["maps"].items()} == VERDICT_OF
        assert image["maps"]["gradcam"]["trust"]["figures"] == pytest.approx(FIGURES)
        assert image["maps"]["gradcam"]["trust"]["reasons"][0]["numbers"]["sum"] == 1 + i
        assert image["agreement"]["methods"] == list(VERDICT_OF)
        assert np.allclose(image["agreement"]["correlations"], trusted.agreement[i])
    with np.load(io.BytesIO(trusted.save(tmp_path / "x.npz").read_bytes())) as arrays:
        assert list(arrays["gradcam.verdict"]) == ["carries_weight"] * 2
        assert list(arrays["methods"]) == list(VERDICT_OF) and np.array_equal(arrays["agreement"], trusted.agreement)


def test_what_was_not_asked_is_null_in_the_records(make_explanation, tmp_path):
    explanation = make_explanation(height=30, width=40)
    told = json.loads(explanation.save(tmp_path / "x.json").read_text("utf-8"))
    assert told["images"][0]["agreement"] is None and told["images"][0]["maps"]["gradcam"]["trust"] is None
    with np.load(explanation.save(tmp_path / "x.npz")) as arrays:
        assert "agreement" not in arrays and "gradcam.verdict" not in arrays


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
def test_a_folded_map_is_drawn_when_it_is_opened_and_nothing_runs_over_the_side(make_many, tmp_path):
    path = make_many(60).save(tmp_path / "many.html")
    drawn = "[...document.querySelectorAll('seethrough-map-v1')].filter(m => m.shadowRoot).length"
    with Browser() as page:
        page.open(path)
        page.wait(READY)
        assert page.js(drawn) == 3
        page.js("document.querySelector('.family').open = true")
        page.frame()
        assert page.js(drawn) == 3
        page.js("document.querySelector('.other').open = true")
        page.wait(f"{drawn} === 4")
        assert page.js("!!document.querySelector('.other[open] .whole-map seethrough-map-v1').shadowRoot.querySelector('canvas')")  # fmt: skip
        page.js("document.querySelectorAll('details').forEach(d => d.open = true)")
        page.wait(f"{drawn} === 60")
        for width in (390, 1280):
            page.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
            assert page.js("document.documentElement.scrollWidth") <= width
        assert page.complaints() == []


def test_what_was_left_out_is_folded_away_and_said_together(make_explanation):
    needs = "attention among the picture's places"
    notes = [Note("left_out", "info", {"method": m, "needs": needs}) for m in ("gradcam", "occlusion")]
    notes += [Note("over_budget", "info", {"method": m, "seconds": 5.0}) for m in ("saliency", "smoothgrad", "cam")]
    explanation = make_explanation(height=40, width=60, notes=notes)
    html = explanation_page(explanation).html()
    folded = " ".join(re.search(r'<details class="folded">(.*?)</details>', html, re.S)[1].split())
    assert "5 methods were left out" in folded and "未使用的方法：5 种" in folded
    assert "Grad-CAM, Occlusion were left out: they need attention" in folded
    assert "Saliency, SmoothGrad, CAM were left out: even at their cheapest" in folded
    assert html.count("were left out: ") == 2
    assert "5 methods were left out." in [t.get_text() for t in explanation.plot().texts]
    one = make_explanation(height=40, width=60, notes=notes[:1])
    assert 'class="folded"' not in explanation_page(one).html()
