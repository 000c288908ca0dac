"""A graph as plain data: who makes a value and who reads it, layers and operations by path, the output that is meant."""

import pytest
import torch
import torch.nn as nn
from small import Calls, residual, source_of, written_down

from seethrough.graph.graph import Value, moved
from seethrough.graph.operations import Place, Size


@pytest.fixture(scope="module")
def graph():
    return source_of(residual()).written(torch.zeros(1, 3, 8, 8))


def test_every_value_has_a_maker_but_the_input(graph):
    assert set(graph.values) - set(graph.producer) == {graph.input.value}
    assert all(v in graph.operations[k].outputs for v, k in graph.producer.items())


def test_readers_are_who_reads(graph):
    for v, readers in graph.consumers.items():
        assert all(v in graph.operations[k].inputs for k in readers)
        assert readers == sorted(readers) and (v == 0 or min(readers) > graph.producer[v])


def test_a_module_used_twice_and_functions_beside_modules_have_paths(graph):
    assert list(graph.layers) == ["a", "norm", "relu", "b", "relu:2", "pool", "fc"]
    assert [operation.path for operation in graph] == [
        "a/conv2d", "norm/batch_norm", "relu/relu", "b/conv2d", "relu:2/relu", "add", "pool/max_pool2d", "sub", "relu", "mean", "fc/linear",
    ]  # fmt: skip


def test_a_layers_value_is_what_its_caller_gets_whatever_hooks_did():
    network = residual()
    network.a.register_forward_pre_hook(lambda module, given: (given[0] * 2,))
    network.a.register_forward_hook(lambda module, given, returned: returned + 1)
    graph = written_down(network, 3, 8, 8)
    x = torch.randn(2, 3, 8, 8)
    from seethrough.graph.execute import execute

    place = graph.place("a")
    assert torch.equal(place.of(execute(graph, {0: x}, [place.value])[place.value]), network.a(x).detach())


def test_the_output_that_is_meant_is_the_one_called_logits():
    graph = written_down(Calls(lambda x: {"features": x * 2, "logits": x.sum(1)}), 4)
    assert graph.output == graph.outputs["logits"] and set(graph.outputs) == {"features", "logits"}


@pytest.mark.parametrize(
    ("last", "through"),
    [(nn.Softmax(1), True), (nn.Sigmoid(), True), (nn.Identity(), False), (nn.ReLU(), False)],
    ids=["softmax", "sigmoid", "none", "relu"],
)
def test_a_final_softmax_or_sigmoid_is_looked_through(last, through):
    graph = written_down(nn.Sequential(nn.Linear(4, 3), last), 4)
    assert (graph.logits != graph.output) == through
    assert graph.operations[graph.producer[graph.logits.value]].name in ("linear", "relu")


def test_a_softmax_in_the_middle_is_no_final_one():
    graph = written_down(nn.Sequential(nn.Softmax(1), nn.Linear(4, 3)), 4)
    assert graph.logits == graph.output


def test_shapes_at_a_batch_size():
    assert Value((Size(2, 1), 3), torch.float32).at(4) == (9, 3)


def test_permutations_add_up_and_cancel():
    place = moved(moved(Place(5), (0, 2, 3, 1)), (0, 3, 1, 2))
    assert place == Place(5)
    t = torch.randn(2, 3, 4, 5)
    twice = moved(moved(Place(5), (0, 2, 3, 1)), (1, 0, 2, 3))
    assert torch.equal(twice.of(t), t.permute(0, 2, 3, 1).permute(1, 0, 2, 3)) and twice.shape(t.shape) == (4, 2, 5, 3)


def test_no_such_place(graph):
    assert graph.place("nowhere") is None
