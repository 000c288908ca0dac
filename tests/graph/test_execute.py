"""A graph runs from any of its values to any other, and keeps no value longer than it is read."""

import weakref

import pytest
import torch
from small import Calls, residual, source_of, written_down

from seethrough.graph.canonical import canonical
from seethrough.graph.execute import execute, plan
from seethrough.graph.fast.fused import fused


@pytest.fixture(scope="module")
def network():
    return residual()


@pytest.fixture(scope="module", params=["as recorded", "canonical"])
def graph(request, network):
    graph = written_down(network, 3, 8, 8)
    return canonical(graph) if request.param == "canonical" else graph


@pytest.fixture(scope="module")
def everything(graph):
    x = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    return execute(graph, {0: x}, graph.values)


def test_it_gives_what_the_network_gives(network, graph, everything):
    assert torch.equal(everything[graph.output.value], network(everything[0]).detach())


def test_from_any_value_to_any_later_one(graph, everything):
    values = [operation.outputs[0] for operation in graph]
    for k, start in enumerate(values):
        for end in values[k:]:
            given = {v: everything[v] for v in [start, *(values[:k] if _goes_round(graph, start, end) else [])]}
            assert torch.equal(execute(graph, given, [end])[end], everything[end])


def _goes_round(graph, start, end):
    """Whether the way to ``end`` reads something that ``start`` doesn't lead to."""
    return any(0 in operation.inputs for operation in plan(graph, [end], [start]).steps)


def test_only_what_is_needed_runs(graph):
    middle = graph.layers["b"].output.value
    names = [
        operation.path
        for operation in plan(graph, [graph.output.value], [middle, graph.layers["relu"].output.value]).steps
    ]
    assert not any(name.startswith(("a/", "norm", "b/")) for name in names) and names[-1] == "fc/linear"
    assert plan(graph, [middle], [middle]).steps == ()


def test_a_replaced_value_goes_on_in_place_of_the_computed_one(network, graph, everything):
    place = graph.layers["a"].output
    other = torch.randn(4, 6, 8, 8)
    y = network.relu(network.norm(other))
    z = network.relu(network.b(y)) + y
    expected = network.fc(torch.relu(network.pool(z) - 0.2).mean((2, 3)))
    assert torch.equal(execute(graph, {place.value: other}, [graph.output.value])[graph.output.value], expected)
    assert torch.equal(
        execute(graph, {0: everything[0], place.value: other}, [graph.output.value])[graph.output.value], expected
    )


def test_values_end_with_their_last_reader(graph):
    steps = plan(graph, [graph.output.value], [0])
    ended = [v for ends in steps.ends for v in ends]
    assert len(ended) == len(set(ended)) and graph.output.value not in ended
    for k, operation in enumerate(steps.steps):
        assert not set(operation.inputs) & {v for ends in steps.ends[:k] for v in ends}
    assert set(ended) == {0, *(v for o in steps.steps for v in o.outputs if v is not None)} - {graph.output.value}


def test_memory_of_a_value_is_free_once_it_was_read(graph, monkeypatch):
    alive, most = {}, 0  # by identity, since an operation may hand back the very tensor it wrote into
    original = type(graph.operations[0]).call

    def watched(self, values, batch):
        nonlocal most
        result = original(self, values, batch)
        if isinstance(result, torch.Tensor):
            alive[id(result)] = weakref.ref(result)
        most = max(most, sum(tensor() is not None for tensor in alive.values()))
        return result

    monkeypatch.setattr(type(graph.operations[0]), "call", watched)
    execute(graph, {0: torch.randn(2, 3, 8, 8)}, [graph.output.value])
    assert most <= 3, "the sum of two needs two, and gives one"


def test_a_write_into_a_part_leaves_the_rest_alone():
    """It has the name of an operation on the whole, and may not be run as that."""

    def halved(x, a, b):
        y = a(x)
        y[:, :2].relu_()
        z = b(y)
        z[:, 1:] += y[:, 1:]
        return z

    torch.manual_seed(0)
    network = Calls(halved, torch.nn.Conv2d(3, 4, 3), torch.nn.Conv2d(4, 4, 1)).eval().requires_grad_(False)
    x = torch.randn(2, 3, 8, 8)
    graph = source_of(network).proved(x)
    expected = network(x)
    for way in (graph, fused(graph, [graph.output.value])):
        found = execute(way, {graph.input.value: x}, [graph.output.value])[graph.output.value]
        torch.testing.assert_close(found, expected)
    assert graph.source == "fake"
