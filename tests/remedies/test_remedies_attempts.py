"""Attempts that were kept: taken up again by the code that made them, and by no other."""

import shutil
from importlib.resources import files
from pathlib import Path

import pytest
import torch
from planted_ward import COUNT, SIDE, Cells, drawn, ward_of

import seethrough as st
from seethrough.remedies import attempts
from seethrough.remedies.attempts import Attempts, code_mark, mark_of
from seethrough.remedies.rung import Attempt, Edit
from seethrough.remedies.rungs import RUNGS


@pytest.fixture(scope="module")
def ward():
    net = st.open(Cells().eval(), input_size=(3, SIDE, SIDE), preprocessing="unit")
    pictures, label, _ = drawn(COUNT, 0.85, False)
    return ward_of(net, pictures, label)


def made(ward, value):
    weight = torch.full_like(ward.canvas.net.module.read.weight, value)
    return lambda: Attempt(
        Edit({"read.weight": weight}), {"value": value}, {"plain": Edit({"read.weight": weight + 1})}
    )


def copied(to):
    shutil.copytree(Path(str(files("seethrough.remedies"))), to, ignore=shutil.ignore_patterns("__pycache__"))
    return to


def test_what_was_kept_is_taken_up_again(ward, tmp_path):
    kept = Attempts(tmp_path)
    kept.recall(ward, RUNGS["exchanged"], made(ward, 2.0))
    again = kept.recall(ward, RUNGS["exchanged"], made(ward, 5.0))
    assert again.settings == {"value": 2.0} and bool((again.edit.weights["read.weight"] == 2).all())
    assert bool((again.controls["plain"].weights["read.weight"] == 3).all())
    assert kept.recall(ward, RUNGS["grouped"], made(ward, 5.0)).settings == {"value": 5.0}


def test_what_other_code_kept_is_made_anew(ward, tmp_path, monkeypatch):
    kept = Attempts(tmp_path)
    kept.recall(ward, RUNGS["exchanged"], made(ward, 2.0))
    monkeypatch.setattr(attempts, "code_mark", lambda: "another")
    assert kept.recall(ward, RUNGS["exchanged"], made(ward, 5.0)).settings == {"value": 5.0}
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("name", ["rungs/whole.py", "pool.py", "groups.py"])
def test_code_that_makes_an_attempt_is_another_once_it_says_something_else(tmp_path, name):
    home = copied(tmp_path / "remedies")
    assert mark_of(home) == code_mark()
    (home / name).write_text((home / name).read_text("utf-8") + "\nMORE = 1\n", "utf-8")
    assert mark_of(home) != code_mark()


def test_code_that_makes_no_attempt_changes_nothing(tmp_path):
    home = copied(tmp_path / "remedies")
    (home / "rehearsal" / "runs.py").write_text("", "utf-8")
    (home / "notes.txt").write_text("", "utf-8")
    assert mark_of(home) == code_mark()
