"""Maps of methods that cover little at a time are the same whether whole pictures or only changes are computed."""

import json

import numpy as np
import pytest
import torch
import torch.nn as nn
from masked_material import run_of

import seethrough as st
from seethrough.attribution.cam_ablated import reciprocam
from seethrough.attribution.masked import scores
from seethrough.attribution.masks import given
from seethrough.evaluation.additivity import infidelity
from seethrough.evaluation.axioms import non_sensitivity
from seethrough.graph.fast import local
from seethrough.show import words
from seethrough.trust.covered import answers, patches
from seethrough.trust.maps import Grid

SIZE = 40
X = torch.randn(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))


@pytest.fixture(autouse=True)
def boxes_pay(monkeypatch):
    """On networks as small as these it depends on the machine."""
    monkeypatch.setattr(local, "_pays", lambda engine, run, changes: bool(local._parts(run, changes, 0)))


def network(dtype=torch.float32):
    torch.manual_seed(0)
    layers = [
        nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4), nn.Softmax(1),
    ]  # fmt: skip
    return nn.Sequential(*layers).eval().to(dtype)


def keras_network():
    keras = pytest.importorskip("keras")
    keras.utils.set_random_seed(0)
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 3)), layers.Conv2D(6, 3, padding="same", use_bias=False), layers.BatchNormalization(),
            layers.ReLU(6.0), layers.ZeroPadding2D(((0, 1), (0, 1))), layers.DepthwiseConv2D(3, strides=2),
            layers.Conv2D(8, 1, activation="relu"), layers.GlobalAveragePooling2D(), layers.Dense(4, activation="softmax"),
        ]
    )  # fmt: skip


def both(monkeypatch, ask):
    """An answer had from changes, and from whole pictures."""
    changed = ask()
    with monkeypatch.context() as patch:
        patch.setattr(local, "_local", lambda *_: False)
        whole = ask()
    return changed, whole


def noted(attribution):
    return [n for n in attribution.checks if n.name == "only_changes_computed"]


def same(changed, whole, rise=1.0):
    """Drops are differences of answers: rounding is of these."""
    np.testing.assert_allclose(changed, whole, rtol=0, atol=3e-6 * rise)


DRAWN = torch.randn(3, SIZE, SIZE, generator=torch.Generator().manual_seed(4))


@pytest.mark.parametrize(
    "fill",
    ["mean", "blur", "noise", "zero", 0.4, DRAWN, "inpaint"],
    ids=lambda fill: "a tensor" if fill is DRAWN else str(fill),
)
def test_an_occlusion_is_the_same_under_every_fill(monkeypatch, fill):
    net = st.open(network(), input_size=(3, SIZE, SIZE))
    changed, whole = both(monkeypatch, lambda: st.occlusion(net, X, 1, window=5, stride=5, fill=fill))
    same(changed.values, whole.values)
    assert noted(changed) and not noted(whole) and changed.passes == whole.passes


def test_an_occlusion_of_a_keras_network_is_the_same(monkeypatch):
    net, x = st.open(keras_network()), X.movedim(1, -1).numpy()
    changed, whole = both(monkeypatch, lambda: st.occlusion(net, x, 1, window=(6, 4), stride=5))
    same(changed.values, whole.values)
    assert noted(changed) and not noted(whole)


def test_an_occlusion_in_double_precision_stays_so(monkeypatch):
    def ask():
        run = run_of(network(torch.float64), X.double(), lambda out, rows: out[:, 2])
        covers = torch.ones(30, SIZE, SIZE, dtype=torch.float64)
        for k in range(30):
            covers[k, k : k + 4, 3 : 3 + k // 3 + 1] = 0
        return scores(run, given(covers)), run.counter.spared

    (changed, spared), (whole, none) = both(monkeypatch, ask)
    assert changed.dtype == torch.float64 and spared and not none
    torch.testing.assert_close(changed, whole, rtol=1e-10, atol=0)


@pytest.mark.parametrize(
    "settings",
    [
        {"cells": 8},
        {"cells": (3, 9)},
        {"segments": "slic", "cells": 5},
        {"segments": np.arange(1600).reshape(40, 40) // 50},
    ],
    ids=["grid", "oblong", "slic", "own"],
)
def test_an_ablation_by_segments_is_the_same(monkeypatch, settings):
    if isinstance(settings.get("segments"), str):
        pytest.importorskip("skimage")
    net, along = st.open(network(), input_size=(3, SIZE, SIZE)), torch.arange(SIZE) / 6
    smooth = X / 20 + along.sin() * along.cos()[:, None]
    changed, whole = both(monkeypatch, lambda: st.feature_ablation(net, smooth, 1, **settings))
    same(changed.values, whole.values)
    assert noted(changed)


def test_soft_and_overlapping_masks_are_the_same_and_large_ones_go_as_whole_pictures(monkeypatch):
    y, x = np.mgrid[:SIZE, :SIZE]
    masks = np.stack([np.clip(1 - np.hypot(y - 2 * k, x - 20) / 6, 0, 1) for k in range(20)]).astype(np.float32)
    net = st.open(network(), input_size=(3, SIZE, SIZE))
    changed, whole = both(monkeypatch, lambda: st.feature_ablation(net, X, 0, masks=masks))
    same(changed.values, whole.values)
    assert noted(changed) and not noted(st.feature_ablation(net, X, 0, masks=1 - masks))


@pytest.mark.parametrize("asked", [{"probabilities": True}, {"target": "1 - 2"}, {"target": "6[3]"}], ids=str)
def test_probabilities_differences_and_units_are_asked_about_so(monkeypatch, asked):
    net = st.open(network(), input_size=(3, SIZE, SIZE))
    settings = {"target": 1, **asked}
    changed, whole = both(monkeypatch, lambda: st.occlusion(net, X, window=5, stride=5, **settings))
    same(changed.values, whole.values, max(1.0, float(np.abs(whole.scores).max())))
    assert noted(changed)


def test_what_was_spared_is_said_in_words_and_in_the_record(tmp_path):
    net = st.open(network(), input_size=(3, SIZE, SIZE))
    found = st.explain(net, X, methods=["occlusion"], target=1, window=5, stride=5, batch_size=1)
    (note,) = noted(found["occlusion"])  # of both pictures, though each was a batch of its own
    numbers = note.numbers
    assert numbers["positions"] == 2 * 64 and numbers["checked"] == 2 * 3 and numbers["difference"] < 1e-5
    assert numbers["fewer"] == pytest.approx(numbers["of"] / numbers["multiplications"], rel=1e-3)
    text = words.note_words(note)
    assert "times fewer" in text.en and "6 of 128 answers" in text.en and "128 个回答中有 6 个" in text.zh
    record = json.loads(found.save(tmp_path / "found.json").read_text(encoding="utf-8"))
    assert "only_changes_computed" in json.dumps(record)


def test_what_was_not_believed_is_said(monkeypatch):
    plain = local.Boxes.run
    monkeypatch.setattr(local.Boxes, "run", lambda *a: plain(*a) + 1)
    found = st.occlusion(st.open(network(), input_size=(3, SIZE, SIZE)), X, 1, window=5, stride=5)
    (note,) = [n for n in found.checks if n.name == "boxes_not_believed"]
    assert "whole pictures" in words.note_words(note).en and not noted(found)


@pytest.mark.parametrize("metric", [infidelity, non_sensitivity])
def test_patches_of_metrics_cost_the_same(monkeypatch, metric):
    values = torch.randn(2, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(1))

    def ask():
        run = run_of(network(torch.float64), X.double(), lambda out, rows: out[:, 2])
        return metric(run, values, patch=5), run.counter.spared

    (changed, spared), (whole, none) = both(monkeypatch, ask)
    torch.testing.assert_close(changed, whole, rtol=1e-6, atol=1e-9)
    assert spared and not none


def test_patches_that_trust_covers_cost_the_same(monkeypatch):
    grid = Grid.of(SIZE, SIZE)
    seen = torch.from_numpy(~patches(grid))[:, None]

    def ask():
        run = run_of(network(), X, lambda out, rows: out[:, 2])
        return answers(run, grid, seen, X.mean((2, 3), keepdim=True)), run.counter.spared

    (changed, spared), (whole, none) = both(monkeypatch, ask)
    same(changed, whole)
    assert spared and not none


def test_the_places_of_a_layer_alone_are_changes_of_an_empty_layer(monkeypatch):
    def ask():
        run = run_of(network(), X, lambda out, rows: out[:, 2])
        return reciprocam(run, "4"), run.counter.spared

    (changed, spared), (whole, none) = both(monkeypatch, ask)
    same(changed, whole)
    assert spared and not none
