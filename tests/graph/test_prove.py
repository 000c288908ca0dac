"""A graph that is wrong, in its output or in its gradient alone, is found out."""

from dataclasses import replace

import pytest
import torch
from small import Calls, residual, source_of

from seethrough.graph.canonical import canonical
from seethrough.graph.operations import Ref
from seethrough.graph.prove import disagreement
from seethrough.graph.tree import flatten

X = torch.randn(3, 3, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def network():
    return residual()


@pytest.fixture
def graph(network):
    return source_of(network).written(X)


def judged(graph, network, gradient=True, images=X):
    return disagreement(graph, network, network, {graph.input.value: images}, lambda x: x, gradient=gradient)


@pytest.mark.parametrize("gradient", [False, True])
def test_a_right_graph_is_believed(graph, network, gradient):
    assert judged(graph, network, gradient) is None


@pytest.mark.parametrize("gradient", [False, True])
def test_a_wrong_constant_is_found(graph, network, gradient):
    operation = next(o for o in graph if o.name == "linear")
    operation.arguments = [a * 1.001 if isinstance(a, torch.Tensor) else a for a in operation.arguments]
    assert "output is off by" in judged(graph, network, gradient)


def test_a_wrong_setting_is_found_by_its_shape(graph, network):
    operation = next(o for o in graph if o.name == "linear")
    operation.arguments = [a[:3] if isinstance(a, torch.Tensor) else a for a in operation.arguments]
    assert judged(graph, network) == "its output has shape (3, 3), the network's (3, 4)"


def test_a_right_output_with_a_wrong_gradient_is_found(graph, network):
    k = next(k for k, o in enumerate(graph.operations) if o.name == "conv2d")
    operation = graph.operations[k]

    def half_detached(x, *rest):
        return operation.function((x + x.detach()) / 2, *rest)

    graph.operations[k] = replace(operation, function=half_detached)
    assert judged(graph, network, gradient=False) is None
    assert "gradient is off by" in judged(graph, network)


@pytest.mark.parametrize("gradient", [False, True])
def test_a_wrong_output_is_found_where_there_is_no_gradient(gradient):
    network = Calls(lambda x: (x.detach() * torch.tensor(3.0)).sum((2, 3)))
    graph = source_of(network).written(X)
    assert judged(graph, network, gradient) is None
    operation = next(o for o in graph if o.name == "mul")
    operation.arguments = [a * 1.001 if isinstance(a, torch.Tensor) else a for a in operation.arguments]
    assert "output is off by" in judged(graph, network, gradient)


@pytest.mark.parametrize("final", ["softmax", "sigmoid"])
def test_rounding_is_no_disagreement_where_a_network_is_sure_but_a_wrong_weight_is(final):
    """Of a saturated answer hardly anything arrives at the image, so that rounding would be most of it."""
    inside = residual()
    sure = Calls(
        lambda x, net: torch.softmax(60 * net(x), 1) if final == "softmax" else (25 * net(x)).sigmoid(), inside
    )
    right = source_of(sure).written(X)
    answer = sure(X).detach()
    spread = answer.amax(1) - answer.amin(1) if final == "softmax" else (answer - 0.5).abs().amax(1) * 2
    assert spread.max() > 0.999

    def turned(factor):
        graph = source_of(sure).written(X)
        operation = next(o for o in graph if o.name == "linear")
        operation.arguments = [a * factor if isinstance(a, torch.Tensor) else a for a in operation.arguments]
        return graph

    assert judged(right, sure) is None and judged(turned(1 + 2e-7), sure) is None
    assert "is off by" in judged(turned(1.01), sure)


def test_a_graph_that_stumbles_is_told_in_words(graph, network):
    operation = next(o for o in graph if o.name == "linear")
    operation.arguments, operation.spec = flatten(((Ref(999),), {}))
    assert judged(graph, network).startswith("it can't be run: KeyError")


def test_what_the_network_itself_raises_is_the_persons(graph, network):
    with pytest.raises(RuntimeError, match="channels"):
        judged(graph, network, images=torch.randn(2, 4, 8, 8))


def test_numbers_that_are_none_in_both_agree(network):
    with torch.no_grad():
        network.fc.bias[0] = float("nan")
    graph = source_of(network).written(X)
    assert judged(graph, network) is None


def test_it_is_canonical_form_that_is_proved(network, graph):
    assert len(canonical(graph)) == len(graph)
