"""Which output each picture belongs to, and what of the pictures can't be used."""

import numpy as np
import pytest
import torch.nn as nn

import seethrough as st
from seethrough.datasets.collection import collect
from seethrough.errors import InputRefused, UsageError
from seethrough.findings.belonging import Belonging, belonging, notes_of, refuse_too_few, refuse_too_few_left, unusable
from seethrough.findings.facts import Facts
from seethrough.findings.split import split

SIDE = 8


def net(outputs=3, classes=("snow leopard", "Arabian leopard", "cat")):
    module = nn.Sequential(nn.Flatten(), nn.Linear(3 * SIDE * SIDE, outputs)).eval()
    return st.open(module, input_size=(3, SIDE, SIDE), preprocessing="unit", classes=classes and list(classes))


def pictures(*truths):
    return collect([np.zeros((SIDE, SIDE, 3), np.uint8)] * len(truths), truth=list(truths))


def test_a_class_goes_by_the_networks_name_for_it():
    found = belonging(net(), pictures("cat", "snow_leopard", None, "cat"))
    assert found.outputs.tolist() == [2, 0, -1, 2] and found.called == {"cat": 2, "snow_leopard": 0} and not found.notes


def test_where_the_two_differ_it_is_said_which_is_which():
    found = belonging(net(), pictures("snow", "desert", "snow"), {"snow": "Snow leopard", "desert": 1})
    assert found.outputs.tolist() == [0, 1, 0] and found.called == {"snow": 0, "desert": 1}


def test_two_classes_of_the_pictures_may_be_one_of_the_network():
    found = belonging(net(), pictures("cub", "old", "cat"), {"cub": 0, "old": 0})
    assert found.outputs.tolist() == [0, 0, 2]


def test_what_the_network_does_not_know_is_left_out_and_said():
    found = belonging(net(), pictures("cat", "snow leopard", "dog", "dog", "cow"))
    assert found.outputs.tolist() == [2, 0, -1, -1, -1]
    assert [(n.name, n.numbers["count"], n.numbers["some"]) for n in found.notes] == [
        ("truth_unmatched", 2, "dog, cow")
    ]


@pytest.mark.parametrize(
    ("truths", "called", "message"),
    [(("snow", "desert"), None, "called={'snow': 'snow leopard'}"), ((None, None), None, "nothing says it"),
     (("cat", "cat"), None, "belong to one"), (("cat", "dog"), None, "'dog'"), (("cat", "dog"), {"cow": "cat"}, "called 'cow'"),
     (("cat", "dog"), {"dog": "wolf"}, "No output is called 'wolf'"), (("cat", "dog"), {"dog": 7}, "no output 7")],
)  # fmt: skip
def test_what_makes_no_sense_is_one_sentence(truths, called, message):
    with pytest.raises(UsageError) as refusal:
        belonging(net(), pictures(*truths), called)
    assert message in str(refusal.value) and "\n" not in str(refusal.value)


def test_of_a_network_without_names_indices_are_understood_as_far_as_there_are_outputs():
    assert belonging(net(classes=None), pictures("0", "2")).outputs.tolist() == [0, 2]
    with pytest.raises(UsageError, match="belong to one"):
        belonging(net(classes=None), pictures("0", "3"))
    assert belonging(net(outputs=1, classes=None), pictures("0", "1")).outputs.tolist() == [0, 1]
    with pytest.raises(UsageError, match=r"numbered 0, 1, ….*called=\{'cat': 0\}"):
        belonging(net(classes=None), pictures("cat", "dog"))


def facts(given, fore=None, answers=None, heat=1.0):
    """Of pictures that belong to these outputs; those whose mask tells nothing are lost, as when they are looked at."""
    given = np.array(given)
    count = len(given)
    answers = np.tile(np.array([0.7, 0.3], np.float32), (count, 1)) if answers is None else answers
    lost = np.zeros(count, bool) if fore is None else (fore.max((1, 2)) == 0) | (fore.min((1, 2)) == 255)
    classes = np.where(lost, -1, given)
    return Facts(
        classes=classes, labels=("dark", "light"), answers=answers, features=np.zeros((count, 2), np.float32), head=None,
        heat=np.full((count, 2, 2), heat, np.float32), looks={}, small=np.zeros((count, 4, 4, 3), np.uint8), fore=fore,
        split=split(classes, np.arange(count)),
    )  # fmt: skip


def masks(count, missing=(), whole=()):
    fore = np.zeros((count, 4, 4), np.uint8)
    fore[:, 1:3, 1:3] = 255
    fore[list(missing)], fore[list(whole)] = 0, 255
    return fore


def test_masks_that_tell_nothing_lose_their_pictures():
    given = np.arange(20) % 2
    found = facts(given, masks(20, missing=(3,), whole=(4, 5)))
    assert found.unmasked.nonzero()[0].tolist() == [3, 4, 5] and unusable(found, given) == 3
    assert (found.split.part[[3, 4, 5]] == -1).all()
    refuse_too_few_left(found, belongs(given))
    note = next(n for n in notes_of(found, given, found.split.of("judge"), 0) if n.name == "masks_miss")
    assert note.numbers == {"count": 3, "all": 20}


def test_masks_that_all_miss_are_refused_for_what_they_are():
    given = np.arange(20) % 2
    with pytest.raises(InputRefused, match="On 18 of 20 pictures the masks"):
        refuse_too_few_left(facts(given, masks(20, missing=range(18))), belongs(given))


def belongs(outputs, names=("dark", "light", "grey", "blue", "red")):
    """Pictures that are said to belong to these outputs."""
    given = np.array(outputs)
    return Belonging(given, {names[k]: int(k) for k in np.unique(given[given >= 0])})


def test_a_class_with_one_picture_is_named():
    given = np.array([0] * 8 + [1])
    said = r"^There are too few pictures of 'light' \(1\) to find, .*; give 4 of each of two classes at least\.$"
    with pytest.raises(InputRefused, match=said):
        refuse_too_few(belongs(np.append(given, -1)))
    with pytest.raises(InputRefused, match=said):
        refuse_too_few_left(facts(given), belongs(given))
    found = facts(given)
    note = next(n for n in notes_of(found, given, found.split.of("judge"), 0) if n.name == "classes_too_small")
    assert note.numbers == {"count": 1, "some": "light (1)", "least": 4}


def test_of_many_small_classes_those_that_are_nearly_enough_are_named():
    with pytest.raises(InputRefused, match=r"of 'dark' \(2\) and 'light' \(2\) to find"):
        refuse_too_few(belongs([0, 0, 1, 1]))
    few = belongs([0, 1, 1, 1, 2, 2, 2, 2, 3, 3, 4])
    with pytest.raises(InputRefused, match=r"of 'light' \(3\), 'blue' \(2\), 'dark' \(1\) and 1 more to find"):
        refuse_too_few(few)
    refuse_too_few(belongs([0, 1, 1, 1, 1, 2, 2, 2, 2]))


def test_of_a_class_whose_pictures_can_not_be_used_it_is_said_how_many_can():
    given = np.array([0] * 8 + [1] * 5)
    with pytest.raises(InputRefused, match=r"of 'light' \(5, of which 1 can be used\) to find"):
        refuse_too_few_left(facts(given, masks(13, missing=range(9, 13))), belongs(given))
    none_left = facts(given, masks(13, missing=range(8, 13)))
    with pytest.raises(InputRefused, match=r"of 'light' \(5, of which 0 can be used\) to find"):
        refuse_too_few_left(none_left, belongs(given))
    note = next(n for n in notes_of(none_left, given, np.arange(8), 0) if n.name == "classes_too_small")
    assert note.numbers == {"count": 1, "some": "light (0)", "least": 4}


def test_how_far_the_pictures_go_is_said():
    given = np.arange(40) % 2
    right = np.stack([1.0 - given, given], 1).astype(np.float32)
    names = {n.name for n in notes_of(facts(given, masks(40), right), given, np.arange(40), 40)}
    assert names == set()
    guess = facts(np.append(given, -1), heat=0.0)
    names = {n.name for n in notes_of(guess, np.append(given, -1), np.arange(40), 40)}
    assert names == {"no_foreground", "no_evidence", "pictures_without_class", "right_by_chance"}
    assert "few_judges" in {n.name for n in notes_of(guess, given, np.arange(39), 40)}
