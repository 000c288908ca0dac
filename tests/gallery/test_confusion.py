"""Counts against scikit-learn's, and the part of a large table that is shown."""

import numpy as np
import pytest

from seethrough.gallery.confusion import confusion, most_confused

NAMES = tuple(f"class {i}" for i in range(40))


def counted(number=500, classes=40, seed=0, right=0.6):
    random = np.random.default_rng(seed)
    truth = random.integers(0, classes, number)
    predicted = np.where(random.random(number) < right, truth, random.integers(0, classes, number))
    return truth, predicted, confusion(tuple(NAMES[i] for i in truth), truth, predicted, NAMES)


def test_it_counts_as_scikit_learn_does():
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is of the extra data")
    truth, predicted, table = counted()
    wanted = metrics.confusion_matrix(truth, predicted, labels=range(40))
    assert np.array_equal(table.counts, wanted[table.own][:, table.predicted])
    assert table.counts.sum() == 500 and table.right == (truth == predicted).sum()


def test_images_whose_class_nobody_said_do_not_count():
    table = confusion(("class 1", None), np.array([1, -1]), np.array([1, 0]), NAMES)
    assert table.truth == ("class 1",) and table.counts.tolist() == [[1]]


def test_a_label_that_is_no_class_has_a_row_of_its_own():
    table = confusion(("class 1", "forest", "forest"), np.array([1, -1, -1]), np.array([1, 3, 1]), NAMES)
    assert table.truth == ("class 1", "forest") and table.predicted.tolist() == [1, 3]
    assert table.counts.tolist() == [[1, 0], [1, 1]] and table.right == 1


def test_two_spellings_of_one_class_are_one_row():
    table = confusion(("class 1", "Class 1"), np.array([1, 1]), np.array([1, 2]), NAMES)
    assert table.truth == ("class 1",) and table.counts.tolist() == [[1, 1]]


def test_of_a_large_table_the_classes_taken_for_each_other_are_shown():
    truth = np.array([5] * 9 + [6] * 4 + list(range(10, 40)))
    predicted = np.array([6] * 9 + [5] * 4 + list(range(10, 40)))
    table = confusion(tuple(NAMES[i] for i in truth), truth, predicted, NAMES)
    part = most_confused(table, 4)
    assert part.truth[:2] == ("class 5", "class 6") and len(part.truth) == 4
    assert part.predicted[:2].tolist() == [5, 6] and part.counts[:2, :2].tolist() == [[0, 9], [4, 0]]
    assert part.own.tolist() == part.predicted[:4].tolist()


def test_a_small_table_is_shown_whole():
    _, _, table = counted(classes=5)
    part = most_confused(table, 12)
    assert part.counts.sum() == table.counts.sum() and len(part.truth) == 5
