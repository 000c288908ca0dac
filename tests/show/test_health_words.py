"""Health in words and pictures: every finding has a sentence, advice and how it could be wrong, in both languages."""

import dataclasses
import inspect
import re

import numpy as np
import pytest
import torch

import seethrough as st
from seethrough.condition import findings as found_in
from seethrough.condition.advice import ADVICE
from seethrough.condition.compare import compare
from seethrough.show import health_words as words
from seethrough.show.health_evidence import picture_of, spectrum_of
from seethrough.show.health_figure import CELLS, DEAD, column, draw


@pytest.fixture(scope="module")
def health():
    torch.manual_seed(0)
    nn = torch.nn
    net = nn.Sequential(
        nn.Conv2d(3, 16, 3, stride=4), nn.ReLU(), nn.Conv2d(16, 24, 3, padding=1), nn.Sigmoid(), nn.Conv2d(24, 20, 1),
        nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(20, 3),
    ).eval()  # fmt: skip
    with torch.no_grad():
        net[0].bias += 0.4
        net[0].bias[3] = -1e9
        net[0].weight[5], net[0].bias[5] = net[0].weight[6], net[0].bias[6]
        net[2].weight[4] *= 100
        net[2].bias[:8] = 60
    images = np.random.default_rng(0).integers(0, 256, (26, 64, 64, 3), dtype=np.uint8)
    return st.health(st.open(net, input_size=(3, 64, 64), preprocessing="unit"), images)


def identifiers():
    return set(re.findall(r'Finding\(\s*"(\w+)"', inspect.getsource(found_in))) | {
        "duplicates",
        "alike_weights",
        "alike_activations",
    }


def test_every_finding_has_its_words_and_advice():
    assert identifiers() == set(words.NAMES) == set(words.SENTENCES) == set(ADVICE)
    told = {a.name for each in ADVICE.values() for a in each}
    doubts = {a.wrong_if for each in ADVICE.values() for a in each}
    assert told == set(words.DO) and doubts == set(words.WRONG_IF)


def test_sentences_are_filled_and_whole_in_both_languages(health):
    assert {"dead", "duplicates", "aliasing", "saturation"} <= {f.name for f in health.findings}
    for finding in health.findings:
        for text in (words.sentence(finding), words.heading(finding), *words.advice(finding)):
            assert "{" not in text.en + text.zh and "  " not in text.en
        assert words.sentence(finding).en.endswith(".") and words.sentence(finding).zh.endswith("。")
    dead = next(f for f in health.findings if (f.name, f.layer) == ("dead", "0"))
    assert "unit 3" in words.sentence(dead).en and "1 of 16 units never fire" in words.sentence(dead).en


def test_the_column_of_a_layer_shows_every_unit_with_the_dead_below(health):
    colours = column(health["0"])
    assert colours.shape == (CELLS, 3) and tuple(colours[-1]) == DEAD and tuple(colours[0]) != DEAD
    assert (colours == DEAD).all(1).mean() == pytest.approx(1 / 16, abs=0.01)


def test_the_figure_is_drawn_in_both_languages(health):
    for language in ("en", "zh"):
        figure = draw(health, language=language)
        texts = " ".join(t.get_text() for t in figure.texts)
        assert words.name_of(health) in texts and len(figure.axes) >= 4
    assert words.heading(health.findings[0]).en in " ".join(t.get_text() for t in draw(health).texts)


def test_evidence_is_a_picture(health):
    kinds = {e.kind for each in health.evidence.values() for e in each}
    assert kinds == {"kernels", "maps", "aliasing"}
    for each in (e for several in health.evidence.values() for e in several):
        picture = picture_of(each)
        assert picture.dtype == np.uint8 and picture.ndim == 3 and picture.std() > 5
    assert spectrum_of(health.strides[0]).shape[2] == 3


def test_a_comparison_is_drawn_with_both_networks(health):
    beside = compare(health.layers, health.layers, health.findings, ())
    both = dataclasses.replace(health, other=health, comparison=beside)
    assert len(draw(both).axes) == len(draw(health).axes) + 1
    assert f"{len(health.findings)} findings are gone, 0 are new" in words.compared(both).en
