"""`repair --health`: what can't go together is said before any work, and what came of it is printed and written."""

import json

import numpy as np
import pytest
import torch
import torch.nn as nn
from PIL import Image

ARCHITECTURE = """
import torch.nn as nn
def made():
    return nn.Sequential(nn.Conv2d(3, 16, 2, 4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 2))
"""


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """The words of a command: a network of the person's own that steps over pixels, and pictures of two classes."""
    (tmp_path / "strided_net.py").write_text(ARCHITECTURE)
    monkeypatch.syspath_prepend(str(tmp_path))
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 16, 2, 4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 2))
    torch.save(module.state_dict(), tmp_path / "net.pt")
    (tmp_path / "names.txt").write_text("dark\nlight\n")
    chance = np.random.default_rng(0)
    for k in range(120):
        place = tmp_path / "pictures" / ("dark", "light")[k % 2]
        place.mkdir(parents=True, exist_ok=True)
        x = np.clip(chance.normal(90 + 60 * (k % 2), 30, (24, 24, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(x).save(place / f"{k}.png")
    said = ["repair", tmp_path / "net.pt", tmp_path / "pictures", "--architecture", "strided_net:made"]
    return [*said, "--input-size", "24", "--preprocessing", "unit", "--classes", tmp_path / "names.txt"]


def test_what_came_of_each_advice_is_printed_and_written_and_the_same_command_goes_on(asked, tmp_path, seethrough):
    told = seethrough(*asked, "--health", "--minutes", "0.02", "-o", tmp_path / "tried.json")
    assert told.code == 0, told.err
    assert "Aliasing at the stride" in told.out and "Trained from the beginning 3 times each" in told.out
    held = json.loads((tmp_path / "tried.json").read_text())
    assert {t["advice"] for t in held["tried"]} & {"smaller_stride", "blur_before"} and held["seeds"] == 3
    again = seethrough(*asked, "--health", "--minutes", "0.02", "-o", tmp_path / "tried.json")
    assert again.out == told.out and json.loads((tmp_path / "tried.json").read_text()) == held


def test_what_does_not_go_together_is_said(asked, seethrough):
    for more, about in (
        (["--health", "--answer", "1=background"], "--answer"),
        (["--health", "-o", "x.keras"], ".html"),
        ([], "--findings"),
    ):
        told = seethrough(*asked, *more)
        assert told.code != 0 and about in told.err and told.err.count("\n") == 1
