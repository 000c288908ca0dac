"""What is taken apart is put together again."""

from collections import OrderedDict, namedtuple

import torch
from hypothesis import given
from hypothesis import strategies as st

from seethrough.graph.tree import flatten, leaves_of, unflatten

Point = namedtuple("Point", ("x", "y"))
leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=3)
trees = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(st.text(max_size=2), inner, max_size=3)
    | st.builds(Point, inner, inner) | st.builds(OrderedDict, st.dictionaries(st.text(max_size=2), inner, max_size=2)),
    max_leaves=12,
)  # fmt: skip


@given(trees)
def test_a_tree_is_put_together_as_it_was(tree):
    found, spec = flatten(tree)
    again = unflatten(found, spec)
    assert again == tree and type(again) is type(tree)


@given(trees)
def test_other_leaves_stand_where_the_old_ones_stood(tree):
    found, spec = flatten(tree)
    assert leaves_of(unflatten(list(range(len(found))), spec)) == list(range(len(found)))


def test_slices_are_opened():
    found, spec = flatten((slice(1, None, 2), ...))
    assert found == [1, None, 2, ...]
    assert unflatten([4, 8, None, ...], spec) == (slice(4, 8, None), ...)


def test_sizes_and_results_with_names_are_tuples():
    assert flatten(torch.Size((2, 3)))[0] == [2, 3]
    values, spec = flatten(torch.tensor([[1.0, 3.0], [2.0, 0.0]]).max(1))
    assert [v.tolist() for v in values] == [[3, 2], [1, 0]]
    assert len(unflatten(values, spec)) == 2


def test_a_tensor_and_an_object_are_leaves():
    thing, tensor = object(), torch.zeros(3)
    found, spec = flatten({"a": [thing], "b": (tensor,)})
    assert found[0] is thing and found[1] is tensor
    assert unflatten(found, spec)["b"][0] is tensor
