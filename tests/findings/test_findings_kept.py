"""What was judged is kept and taken up again; what was seen with other masks isn't taken for it."""

import os

import numpy as np
import pytest

from seethrough.findings.aspect import Candidate
from seethrough.findings.aspects import Background, Look
from seethrough.findings.drawn import told_apart_by
from seethrough.findings.judge import Trials
from seethrough.findings.kept import KeptTrials


def trials(value):
    numbers, chances, flags = np.arange(3), np.full(3, value, np.float32), np.array([True, False, True])
    return Trials(numbers, numbers + 1, numbers + 2, flags, chances, chances, chances, flags, ~flags)


def candidate(aspect=None, answer=1):
    return Candidate(aspect or Background(), answer, (0,), ("test",), 0.9, 1.0, {})


def never():
    raise AssertionError("it was kept")


def test_what_was_kept_is_not_made_again(tmp_path):
    kept = KeptTrials(tmp_path / "judged", ["plan", [1, 2], 0])
    made = kept(candidate(), lambda: trials(0.25))
    again = KeptTrials(tmp_path / "judged", ["plan", [1, 2], 0])(candidate(), never)
    for name in vars(made):
        assert (getattr(made, name) == getattr(again, name)).all(), name
        assert getattr(made, name).dtype == getattr(again, name).dtype


@pytest.mark.parametrize(
    ("asked", "other"),
    [(["plan", 1], candidate()), (["plan", 0], candidate(Look("hue"))), (["plan", 0], candidate(answer=2))],
)
def test_anything_else_is_asked_anew(tmp_path, asked, other):
    KeptTrials(tmp_path, ["plan", 0])(candidate(), lambda: trials(0.25))
    assert KeptTrials(tmp_path, asked)(other, lambda: trials(0.5)).before[0] == 0.5


@pytest.mark.parametrize("left", [b"", b"PK\x03\x04 half", b"\x93NUMPY"])
def test_a_file_that_is_not_whole_is_made_again(tmp_path, left):
    kept = KeptTrials(tmp_path, 0)
    kept(candidate(), lambda: trials(0.25))
    next(tmp_path.glob("*.npz")).write_bytes(left)
    assert kept(candidate(), lambda: trials(0.5)).before[0] == 0.5
    assert kept(candidate(), never).before[0] == 0.5


def test_masks_are_told_from_others(tmp_path):
    assert told_apart_by(None, None) == ""
    (tmp_path / "a.png").write_bytes(b"1")
    first = told_apart_by(tmp_path, None)
    assert first == told_apart_by(str(tmp_path), None) and first.startswith("masks ")
    (tmp_path / "b.png").write_bytes(b"1")
    boxes = {"a.png": (1, 2, 3, 4)}, {"a.png": (1, 2, 3, 5)}, {"b.png": (1, 2, 3, 4)}, {"a.png": [(1, 2, 3, 4)]}
    arrays = [np.zeros((2, 2), bool), None], [None, np.zeros((2, 2), bool)], [np.ones((2, 2), bool), None]
    marks = [
        told_apart_by(tmp_path, None),
        first,
        *(told_apart_by(None, b) for b in boxes),
        *(told_apart_by(a, None) for a in arrays),
    ]
    assert len(set(marks)) == len(marks)
    assert told_apart_by(None, {"a.png": (1, 2, 3, 4)}) == told_apart_by(None, dict(boxes[0]))
    assert told_apart_by(tmp_path / "none.csv", None)  # who reads it says that it isn't there


@pytest.mark.parametrize("file", ["all/a.png", "named/dark/a.png", "beside/masks/a.png"])
def test_a_mask_that_changed_in_place_is_another_wherever_it_lies(tmp_path, file):
    """In the folder, in one within it, or where a CSV file names it."""
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).write_bytes(b"1")
    given = tmp_path / file.partition("/")[0]
    if given.name == "beside":
        given /= "masks.csv"
        given.write_text("image,mask\na.jpg,a.png\n")
    first = told_apart_by(given, None)
    assert first == told_apart_by(given, None)
    (tmp_path / file).write_bytes(b"22")
    second = told_apart_by(given, None)
    os.utime(tmp_path / file, ns=(1, 1))
    assert len({first, second, told_apart_by(given, None)}) == 3
