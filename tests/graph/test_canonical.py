"""Canonical form is bit-equal to the graph as recorded (sums in another order of memory: to rounding), and smaller."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from small import Calls, recorded, residual, written_down

from seethrough.graph.canonical import canonical
from seethrough.graph.execute import execute
from seethrough.graph.operations import Kind
from seethrough.graph.unite import unite
from seethrough.graph.walk import Forward

STEPS = {
    "to channels last": lambda y: y.permute(0, 2, 3, 1),
    "to channels first": lambda y: y.permute(0, 3, 1, 2),
    "swap": lambda y: y.transpose(1, 3),
    "move": lambda y: y.movedim(-1, 1),
    "pad": lambda y: F.pad(y, (1, 0, 0, 2)),
    "pad deep": lambda y: F.pad(y, (0, 1, 0, 0, 1, 0), value=0.5),
    # a single row or column can't be mirrored
    "mirror": lambda y: F.pad(y, (1, 1, 0, 1), mode="reflect" if min(y.shape[-2:]) > 1 else "replicate"),
    "join": lambda y: torch.cat([y, y * 2], dim=1),
    "join last": lambda y: torch.cat([y, y.abs()], dim=-1),
    "mean": lambda y: y.mean(2, keepdim=True) + y,
    "mean of two": lambda y: y - y.mean((1, -1), keepdim=True),
    "affine": lambda y: (
        (y - torch.linspace(0, 1, y.shape[-1])) * torch.linspace(1, 2, y.shape[-1]) + 0.25 * torch.ones(y.shape[-1])
    ),
    "by channel": lambda y: y * torch.linspace(1, 2, y.shape[1])[:, None, None],
    "relu": F.relu,
    "same": lambda y: y.to(torch.float32).contiguous(),
    "halve": lambda y: y[:, ::2],
    "flat": lambda y: y.reshape(y.shape[0], y.shape[1], -1).reshape(y.shape),
    "dropout": lambda y: F.dropout(y, 0.5, training=False),
    "softmax": lambda y: y.softmax(-1),
    "largest": lambda y: torch.maximum(y, y.amax(1, keepdim=True) * 0.5),
}
SUMS = {"mean", "mean of two", "softmax"}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=8))
def test_any_network_of_permutations_pads_joins_and_means_gives_the_same_numbers(steps):
    def forward(x):
        for step in steps:
            if x[0].numel() > 1000 and step.startswith("join"):
                continue
            x = STEPS[step](x)
        return x

    x = torch.randn(3, 4, 5, 6, generator=torch.Generator().manual_seed(0))
    leaf = x.clone().requires_grad_()
    expected = forward(leaf)
    seed = torch.randn(expected.shape, generator=torch.Generator().manual_seed(1))
    (slope,) = torch.autograd.grad(expected, leaf, seed)
    graph = canonical(written_down(Calls(forward), 4, 5, 6))
    place = graph.output
    found = place.of(execute(graph, {0: x}, [place.value])[place.value])
    if SUMS.isdisjoint(steps):
        assert torch.equal(found, expected.detach())
    assert (found - expected).abs().max() <= 1e-6 * expected.abs().max()
    share = Forward(graph, {0: x}, [place.value]).walk({place.value: place.back(seed)}, [0])[0]
    assert torch.allclose(share, slope, rtol=1e-5, atol=1e-6)


def names(forward, *size):
    return [operation.name for operation in canonical(written_down(Calls(forward), *size))]


def test_a_permutation_and_its_inverse_are_gone():
    assert names(lambda x: F.relu(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2), 3, 4, 4) == ["relu"]


def test_a_permutation_that_is_needed_is_made_once():
    def forward(x):
        y = x.permute(0, 2, 3, 1)
        return y.flatten(1) + y.reshape(y.shape[0], -1)

    assert names(forward, 3, 4, 4).count("permute") == 1


def test_a_constant_joined_to_a_permuted_value_is_permuted_too():
    token = torch.randn(2, 1, 4)
    network = Calls(lambda x: torch.cat([token, x.flatten(2).transpose(1, 2)], 1) * 2)
    x = torch.randn(2, 4, 3, 3)
    graph = canonical(unite([recorded(network, 4, 3, 3)]))
    (place,) = graph.outputs.values()
    assert torch.equal(place.of(execute(graph, {0: x}, [place.value])[place.value]), network(x))


def test_identities_are_gone():
    assert names(lambda x: F.dropout(x.float().clone(), 0.5, False).to(torch.float32) * 2, 3, 4, 4) == ["mul"]


def test_dropout_in_training_stays():
    assert "dropout" in names(lambda x: F.dropout(x, 0.5, True), 3, 4, 4)


def test_subtract_multiply_add_by_constants_is_one_affine():
    m, s, b = torch.rand(3, 1, 1), torch.rand(3, 1, 1), torch.rand(3, 1, 1)
    graph = canonical(written_down(Calls(lambda x: (x - m) * s + b), 3, 4, 4))
    assert [operation.kind for operation in graph] == [Kind.AFFINE]
    x = torch.randn(2, 3, 4, 4)
    assert torch.equal(execute(graph, {0: x}, [graph.output.value])[graph.output.value], (x - m) * s + b)


def test_what_is_read_in_between_is_not_fused():
    m, s, b = torch.rand(3, 1, 1), torch.rand(3, 1, 1), torch.rand(3, 1, 1)

    def forward(x):
        y = (x - m) * s
        return (y + b) * y

    assert "affine" not in names(forward, 3, 4, 4)


def test_a_constant_that_widens_is_not_fused():
    wide = torch.rand(2, 3, 1, 1)
    assert "affine" not in names(lambda x: (x[:1] - wide) * wide + wide, 3, 4, 4)


def test_layers_keep_their_values_and_their_operations():
    network = residual()
    old, new = written_down(network, 3, 8, 8), canonical(written_down(network, 3, 8, 8))
    x = torch.randn(2, 3, 8, 8)
    for path in old.layers:
        a, b = old.place(path), new.place(path)
        assert torch.equal(
            a.of(execute(old, {0: x}, [a.value])[a.value]), b.of(execute(new, {0: x}, [b.value])[b.value])
        ), path
        first, behind = new.layers[path].span
        assert all(operation.layer.startswith(path) for operation in new.operations[first:behind])


def test_paths_are_unique():
    graph = canonical(written_down(nn.Sequential(Calls(lambda x: F.relu(F.relu(F.relu(x) - 1) - 1))), 4))
    paths = [operation.path for operation in graph]
    assert len(paths) == len(set(paths)) and {"0/relu", "0/relu:2", "0/relu:3"} <= set(paths)
