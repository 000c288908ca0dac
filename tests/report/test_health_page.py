"""The page of a network's health."""

import numpy as np
import pytest
import torch
import torch.nn as nn

import seethrough as st


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(3, 12, 3, stride=4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 2)
    ).eval()
    with torch.no_grad():
        module[0].bias[:] = 0.5
        module[0].bias[3] = -1e9
    return st.open(module, input_size=(3, 64, 64), preprocessing="unit")


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (25, 64, 64, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def page(net, images, tmp_path_factory):
    return st.health(net, images).save(tmp_path_factory.mktemp("page") / "health.html").read_text("utf-8")


def test_it_has_every_finding_with_advice_and_doubt_in_both_languages(page):
    for text in (
        "Dead units: 0",
        "死单元：0",
        "Aliasing at the stride: 0",
        "Remove them",
        "Wrong if they serve",
        "以下情况例外",
    ):
        assert text in page, text
    assert "1 of 12 units never fire on any of the 25 pictures (unit 3)" in page


def test_it_asks_nothing_of_any_server_and_has_its_pictures_inside(page):
    assert "http://" not in page.replace("http://www.w3.org", "") and page.count("data:image/png;base64,") >= 3
    assert "Content-Security-Policy" in page


def test_a_comparison_has_its_section(net, images, tmp_path):
    page = st.health(net, images, other=net).save(tmp_path / "two.html").read_text("utf-8")
    assert "Beside Sequential" in page and "0 findings are gone, 0 are new" in page


@pytest.mark.parametrize("suffix", [".png", ".svg", ".json", ".npz"])
def test_every_kind_of_file_is_written(net, images, tmp_path, suffix):
    assert st.health(net, images[:4]).save(tmp_path / f"health{suffix}").stat().st_size > 1000


def test_hostile_names_are_text(images, tmp_path):
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.add_module("<script>alert(1)</script>", nn.Conv2d(3, 8, 3))

        def forward(self, x):
            return next(self.children())(x).relu().mean((2, 3))

    odd = st.open(Odd().eval(), input_size=(3, 64, 64), preprocessing="unit")
    assert "<script>alert(1)" not in st.health(odd, images).save(tmp_path / "odd.html").read_text("utf-8")
