"""Levels of outputs, where it is known by how much one is given too readily."""

import numpy as np
import pytest

from seethrough.remedies.pool import NOBODY, Pool
from seethrough.remedies.rungs.choosing import Exam
from seethrough.remedies.rungs.levels import MOST, level_of

COUNT = 4000


def exam_with(readier, classes=2, seed=0):
    """Outputs that tell classes apart with errors that are alike, but for the last, to which something is added."""
    chance = np.random.default_rng(seed)
    label = np.arange(COUNT) % classes
    donor = np.where(np.arange(COUNT) < COUNT // 2, NOBODY, (np.arange(COUNT) // classes) % classes)
    logits = chance.normal(0, 1, (COUNT, classes)) + 2.5 * (label[:, None] == np.arange(classes))
    logits[:, -1] += readier
    features = np.zeros((COUNT, 1), np.float32)
    pool = Pool(
        features,
        logits.astype(np.float32),
        np.arange(COUNT),
        label,
        donor[:, None],
        donor[:, None],
        np.zeros(COUNT, int),
    )
    groups = {("class", k): (donor == NOBODY) & (label == k) for k in range(classes)}
    groups |= {("given", 0, k, j): (label == k) & (donor == j) for k in range(classes) for j in range(classes)}
    return Exam(pool, groups, 0.9), logits


@pytest.mark.parametrize("readier", [-1.5, 1.5])
def test_an_answer_that_is_given_too_readily_is_brought_back(readier):
    exam, logits = exam_with(readier)
    found = level_of(exam, logits)
    assert found[0] == 0 and found[1] == pytest.approx(-readier, abs=0.6)
    assert exam.marks(logits + found).worst > exam.marks(logits).worst + 0.15


def test_of_three_answers_only_the_ready_one_moves_far():
    exam, logits = exam_with(1.5, classes=3)
    found = level_of(exam, logits)
    assert exam.marks(logits + found).value >= exam.marks(logits).value + 0.05
    assert found[2] - found[:2].mean() == pytest.approx(-1.5, abs=0.5)


def test_what_is_level_stays():
    exam, logits = exam_with(0.0)
    assert abs(level_of(exam, logits)[1]) < 0.3
    sure = 20.0 * np.eye(2)[exam.pool.classes]
    assert (level_of(exam, sure) == 0).all()


def test_pictures_that_are_all_answered_right_still_tell_which_answer_is_given_more_readily():
    exam, _ = exam_with(0.0)
    chance = np.random.default_rng(3)
    margin = np.where(exam.pool.classes == 0, 6.0, 2.0) + chance.uniform(-1, 1, COUNT)
    logits = np.zeros((COUNT, 2))
    logits[np.arange(COUNT), exam.pool.classes] = margin
    assert exam.marks(logits).worst == 1.0
    assert level_of(exam, logits)[1] == pytest.approx(2.0, abs=0.1)  # half of what one is surer


def test_of_many_classes_nothing_is_set():
    exam, logits = exam_with(3.0, classes=MOST + 1)
    assert (level_of(exam, logits) == 0).all()
