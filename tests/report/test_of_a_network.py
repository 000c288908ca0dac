"""From a live network to the page, the figure and the files: what `explain` gives is what they say."""

import json

import numpy as np
import pytest
import torch
from torch import nn

import seethrough as st
from seethrough.show.language import plain
from seethrough.show.sentences import sentence

METHODS = ["saliency", "input_x_gradient", "guided_backprop", "deconvnet", "smoothgrad", "integrated_gradients",
           "gradcam", "occlusion"]  # fmt: skip


@pytest.fixture(scope="module")
def explanation():
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 8, 3, padding=1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3),
    ).eval()  # fmt: skip
    net = st.open(module, input_size=(3, 24, 24), preprocessing="torch", classes=["雪豹", "snow <leopard>", "猞猁 $x$"])
    y, x = np.mgrid[:30, :44]
    pixels = np.stack([4 * x, 8 * y, (x * y) % 256], -1).astype(np.uint8)
    return st.explain(net, pixels, methods=METHODS, target=1, samples=3, steps=8)


@pytest.mark.parametrize("suffix", [".html", ".png", ".svg", ".npz", ".json"])
def test_it_is_saved_as_every_kind(explanation, tmp_path, suffix):
    assert explanation.save(tmp_path / f"why{suffix}", language="zh").stat().st_size > 1000


def test_every_map_has_its_own_sentence_in_the_record(explanation, tmp_path):
    record = json.loads(explanation.save(tmp_path / "why.json").read_text(encoding="utf-8"))
    maps = record["images"][0]["maps"]
    assert list(maps) == METHODS
    for name, attribution in explanation.items():
        assert maps[name]["sentence"]["en"] == sentence(attribution).en
        assert plain("snow <leopard>") in maps[name]["sentence"]["zh"]
        seen = attribution.seen[0]
        assert not seen.all() and not attribution.map[0][~seen].any()


def test_a_single_attribution_shows_itself(explanation):
    html = explanation["gradcam"]._repr_html_()
    assert "snow &lt;leopard&gt;" in html and "<leopard>" not in html
