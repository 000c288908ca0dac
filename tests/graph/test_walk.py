"""The walk back under `plain` is autograd: at every layer, through operations of several outputs, from one forward for
any number of walks.
"""

import pytest
import torch
from small import Calls, residual, source_of, written_down

from seethrough.graph.rules import EACH, GUIDED, PLAIN
from seethrough.graph.walk import Forward

X = torch.randn(3, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def by_autograd(network, x):
    """Output, and the gradient of its weighted sum at the input and at what every module returns (at its first call)."""
    kept, hooks = {}, []

    def keep(name):
        def hook(module, given, returned):
            if name not in kept:
                kept[name] = returned.clone()
                kept[name].retain_grad()
                return kept[name]
            return returned

        return hook

    for name, module in network.named_modules():
        if name:
            hooks.append(module.register_forward_hook(keep(name)))
    leaf = x.clone().requires_grad_()
    out = network(leaf)
    (out * torch.arange(1, 5)).sum().backward()
    for hook in hooks:
        hook.remove()
    network.zero_grad()
    return out.detach(), {"": leaf.grad, **{name: t.grad for name, t in kept.items()}}


@pytest.mark.parametrize("settings", [{}, {"inplace": False, "bias": False}], ids=["with biases", "without"])
def test_gradient_at_every_layer_is_bit_equal_to_autograds(settings):
    network = residual(**settings)
    out, expected = by_autograd(network, X)
    graph = source_of(network).proved(X, gradient=True)
    places = {name: graph.place(name) if name else graph.input for name in expected}
    run = Forward(graph, {0: X}, [graph.output.value])
    assert torch.equal(run.values[graph.output.value], out)
    found = run.walk({graph.output.value: torch.arange(1.0, 5).expand(3, 4)}, {p.value for p in places.values()})
    for name, place in places.items():
        assert torch.equal(place.of(found[place.value]), expected[name]), name


def walked(forward, *size):
    graph = written_down(Calls(forward), *size)
    x = torch.randn(2, *size, generator=torch.Generator().manual_seed(2))
    leaf = x.clone().requires_grad_()
    (expected,) = torch.autograd.grad(forward(leaf).sum(), leaf)
    run = Forward(graph, {0: x}, [graph.output.value])
    return run.walk({graph.output.value: torch.ones_like(run.values[graph.output.value])}, [0])[0], expected


@pytest.mark.parametrize(
    "forward",
    [
        lambda x: sum((i + 1) * p.square() for i, p in enumerate(x.chunk(3, 1))),
        lambda x: x.max(1).values * x.min(1).values,
        lambda x: x.topk(2, 1).values.prod(1),
        lambda x: torch.cat(x.split([1, 2, 3], 1)[1:], 1),
        lambda x: x.unbind(1)[0] * x.unbind(1)[3],
        lambda x: torch.var_mean(x, 1)[0] + torch.var_mean(x, 1)[1],
    ],
    ids=["chunk", "max and min", "topk", "split", "unbind", "var_mean"],
)
def test_operations_of_several_outputs(forward):
    found, expected = walked(forward, 6)
    assert torch.allclose(found, expected)


def test_a_value_used_twice_gets_the_sum():
    found, expected = walked(lambda x: x.sin() * x + x.matmul(x.t()).sum(1, keepdim=True), 4)
    assert torch.allclose(found, expected)


def test_a_value_that_leads_to_another_input_of_the_same_operation_is_not_counted_twice():
    found, expected = walked(lambda x: x.exp() * x, 4)
    assert torch.allclose(found, expected)


def test_one_forward_serves_any_number_of_walks():
    graph = source_of(residual()).proved(X, gradient=True)
    run = Forward(graph, {0: X}, [graph.output.value])
    seed = {graph.output.value: torch.ones(3, 4)}
    first = run.walk(seed, [0])[0]
    guided = run.walk(seed, [0], GUIDED)[0]
    assert torch.equal(run.walk(seed, [0], PLAIN)[0], first) and not torch.equal(guided, first)


def test_a_walk_ends_where_all_that_was_wanted_has_arrived(monkeypatch):
    from seethrough.graph.walk import Piece

    visited, original = [], Piece.vjp
    monkeypatch.setattr(
        Piece, "vjp", lambda self, arrived: visited.append(self.operation.path) or original(self, arrived)
    )
    graph = source_of(residual()).proved(X, gradient=True)
    run = Forward(graph, {0: X}, [graph.output.value])
    visited.clear()
    run.walk({graph.output.value: torch.ones(3, 4)}, [graph.place("pool").value], EACH)
    assert visited[0] == "fc/linear" and not any(path.startswith(("a/", "b/", "norm/", "pool/")) for path in visited)


def test_what_nothing_reaches_is_absent():
    graph = written_down(Calls(lambda x: (x * 2).detach() + x), 4)
    run = Forward(graph, {0: torch.randn(2, 4)}, [graph.output.value])
    dead = graph.operations[0].outputs[0]
    found = run.walk({graph.output.value: torch.ones(2, 4)}, [dead, 0])
    assert dead not in found and torch.equal(found[0], torch.ones(2, 4))


@pytest.mark.parametrize("to", ["pool", "a", "input"])
def test_calculus_in_one_go_is_calculus_operation_by_operation(to):
    graph = source_of(residual()).proved(X, gradient=True)
    start = graph.input.value if to == "input" else graph.place(to).value
    run = Forward(graph, {0: X}, [graph.output.value, start])
    seeds = {graph.output.value: torch.randn(3, 4, generator=torch.Generator().manual_seed(1))}
    together, each = run.walk(seeds, [start]), run.walk(seeds, [start], EACH)
    assert torch.allclose(together[start], each[start], rtol=1e-5, atol=1e-7) and bool(each[start].any())


def test_calculus_in_one_go_adds_what_is_sent_down_at_two_places():
    graph = source_of(residual()).proved(X, gradient=True)
    middle = graph.place("pool").value
    run = Forward(graph, {0: X}, [graph.output.value, middle])
    seeds = {graph.output.value: torch.ones(3, 4), middle: torch.ones_like(run.values[middle])}
    together, each = run.walk(seeds, [0, middle]), run.walk(seeds, [0, middle], EACH)
    for v in (0, middle):
        assert torch.allclose(together[v], each[v], rtol=1e-5, atol=1e-7)
