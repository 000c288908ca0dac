"""The real command, in this process; a small network on disk; a folder that is compared before and after."""

import importlib
import sys
from dataclasses import dataclass

import pytest
from cli_material import contents, picture

ARCHITECTURE = """
from torch import nn

def net():
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3),
    )

def wider():
    return nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4500, 3))
"""


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


@pytest.fixture
def seethrough(capsys):
    """A function (*arguments) → Outcome."""
    from seethrough.cli import run

    def command(*arguments):
        capsys.readouterr()
        code = run([str(a) for a in arguments])
        return Outcome(code, *capsys.readouterr())

    return command


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working folder, with a network's weights, the code that builds it, and a picture."""
    import torch
    from safetensors.torch import save_file

    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny_cli_network.py").write_text(ARCHITECTURE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "tiny_cli_network", raising=False)
    torch.manual_seed(0)
    save_file(importlib.import_module("tiny_cli_network").net().state_dict(), tmp_path / "tiny.safetensors")
    picture().save(tmp_path / "cat.png")
    return tmp_path


@pytest.fixture
def tiny(folder):
    """What opens that network."""
    return (
        "tiny.safetensors", "--architecture", "tiny_cli_network:net", "--input-size", "3x32x32",
        "--preprocessing", "unit",
    )  # fmt: skip


@pytest.fixture
def refused(seethrough, folder):
    """A function (code, *arguments) → the message: refused in a few lines, and the folder left alone."""

    def command(code, *arguments):
        before = contents(folder)
        outcome = seethrough(*arguments)
        assert outcome.code == code, outcome
        assert outcome.err.startswith("seethrough: ") and outcome.err.count("\n") <= 3, outcome.err
        assert "Traceback" not in outcome.err + outcome.out
        assert outcome.out == ""
        assert contents(folder) == before
        return outcome.err

    return command
