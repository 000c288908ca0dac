"""The same network with other weights: at the same scale, in the same form, and with the person's own left alone."""

import numpy as np
import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F
from small import Calls, first_output, residual, source_of, written_down

from seethrough.graph.execute import execute
from seethrough.graph.operations import Kind
from seethrough.graph.redraw import RUNS, can_be_redrawn, drawn, redrawn
from seethrough.graph.run import Run
from seethrough.graph.source import GraphSource


def graph_of(module, *size):
    x = torch.randn(2, *size, generator=torch.Generator().manual_seed(0))
    source = source_of(module)
    return source.proved(x), source, x


def constants(graph, kind):
    return [a for op in graph.operations if op.kind is kind for a in op.arguments if isinstance(a, torch.Tensor)]


def test_each_filter_keeps_its_mean_and_its_deviation():
    graph, *_ = graph_of(residual(), 3, 8, 8)
    new = redrawn(graph, seed=3)
    for own, other in zip(constants(graph, Kind.CONVOLUTION), constants(new, Kind.CONVOLUTION)):
        if own.dim() == 1:
            assert other is own  # a bias
            continue
        assert own.shape == other.shape and own.dtype == other.dtype and not torch.equal(own, other)
        torch.testing.assert_close(own.flatten(1).mean(1), other.flatten(1).mean(1), atol=1e-6, rtol=1e-5)
        torch.testing.assert_close(own.flatten(1).std(1), other.flatten(1).std(1), atol=1e-6, rtol=1e-5)


def test_the_same_seed_draws_the_same_and_another_another():
    graph, source, x = graph_of(residual(), 3, 8, 8)
    given, out = source.given(graph, x), graph.output.value
    a, b, c = (execute(redrawn(graph, seed), given, [out])[out] for seed in (1, 1, 2))
    assert torch.equal(a, b) and not torch.allclose(a, c, rtol=0.1)


def test_the_persons_network_the_graph_and_the_random_state_are_left_alone():
    module = residual()
    graph, source, x = graph_of(module, 3, 8, 8)
    before = {name: t.clone() for name, t in module.state_dict().items()}
    arguments = [list(op.arguments) for op in graph.operations]
    state, other = torch.get_rng_state(), np.random.get_state()[1].copy()
    redrawn(graph, 0, source.given(graph, x))
    assert torch.equal(torch.get_rng_state(), state) and (np.random.get_state()[1] == other).all()
    for name, t in module.state_dict().items():
        assert torch.equal(t, before[name])
    assert all(a is b for op, kept in zip(graph.operations, arguments) for a, b in zip(op.arguments, kept))


def test_a_weight_that_stands_in_two_operations_is_drawn_once():
    conv = nn.Conv2d(3, 3, 3, padding=1)
    graph, source, x = graph_of(Calls(lambda x, c: c(c(x)).mean((2, 3)), conv), 3, 6, 6)
    for given in (None, source.given(graph, x)):
        first, second = (op.arguments[1] for op in redrawn(graph, 0, given).operations if op.kind is Kind.CONVOLUTION)
        assert torch.equal(first, second)


def plain(width=16, depth=6):
    """Layers without normalisation, whose own filters fit what comes: drawn ones let the activations shrink."""
    torch.manual_seed(1)
    layers = []
    for k in range(depth):
        conv = nn.Conv2d(3 if k == 0 else width, width, 3, padding=1)
        with torch.no_grad():
            conv.weight.copy_(conv.weight.abs() * torch.linspace(-1, 1, width)[:, None, None, None])
        layers += [conv, nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 5)).eval()


def fitting(width=16, depth=5):
    """Layers whose filters fit what comes: all channels rise and fall together, and each filter adds that up."""
    way = torch.linspace(-1, 1, width)
    layers, before = [], torch.tensor([1.0, 0.0, -1.0])
    for _ in range(depth):
        conv = nn.Conv2d(len(before), width, 1, bias=False)
        conv.weight.data = (way[:, None] * before[None] / (before @ before))[:, :, None, None]
        layers.append(conv)
        before = way
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()


def test_activations_keep_their_scale_on_a_picture_that_is_given():
    graph, source, x = graph_of(fitting(), 3, 8, 8)
    given = source.given(graph, x[:1])
    wanted = [op.outputs[0] for op in graph.operations if op.kind is Kind.CONVOLUTION]
    own = execute(graph, given, wanted)
    new, blind = execute(redrawn(graph, 0, given), given, wanted), execute(redrawn(graph, 0), given, wanted)
    for v in wanted:
        torch.testing.assert_close(new[v].std(), own[v].std())
    assert float(blind[wanted[-1]].std() / own[wanted[-1]].std()) < 0.05
    assert RUNS == 3


@pytest.mark.parametrize("seed", range(3))
def test_fifty_layers_stay_finite(seed):
    graph, source, x = graph_of(plain(8, 50), 3, 8, 8)
    out = graph.output.value
    assert torch.isfinite(execute(redrawn(graph, seed), source.given(graph, x), [out])[out]).all()


class Tokens(nn.Module):
    """A class token, positions, a mask of 0 and −100, a linear layer as a matrix product."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.token, self.positions = nn.Parameter(torch.randn(1, 1, 8)), nn.Parameter(torch.randn(1, 17, 8))
        self.kernel, self.scale = nn.Parameter(torch.randn(8, 8)), nn.Parameter(torch.rand(8))
        self.register_buffer("mask", torch.where(torch.rand(17, 17) > 0.8, -100.0, 0.0))

    def forward(self, x):
        x = F.unfold(x, 2, stride=2).transpose(1, 2)[:, :, :8]
        x = torch.cat([self.token.expand(len(x), -1, -1), x], 1) + self.positions
        y = F.scaled_dot_product_attention(x, x, x, attn_mask=self.mask)
        return (y @ self.kernel * self.scale)[:, 0]


def test_learned_tokens_and_positions_are_drawn_and_masks_and_scales_are_not():
    module = Tokens()
    graph, *_ = graph_of(module, 3, 8, 8)
    new = redrawn(graph, 0)
    changed = {
        tuple(a.shape)
        for old, op in zip(graph.operations, new.operations)
        for a, b in zip(old.arguments, op.arguments)
        if isinstance(a, torch.Tensor) and not torch.equal(a, b)
    }
    assert changed == {(1, 1, 8), (1, 17, 8), (8, 8)}
    kernel = next(
        a for op in new.operations if op.kind is Kind.MATMUL for a in op.arguments if isinstance(a, torch.Tensor)
    )
    # a product's kernel (in, out) has a filter a column
    torch.testing.assert_close(kernel.mean(0), module.kernel.mean(0).detach(), atol=1e-6, rtol=1e-5)


def test_numbers_that_are_all_the_same_are_drawn_at_their_size():
    new = drawn(torch.full((2, 50), -3.0), 0, torch.Generator().manual_seed(0))
    torch.testing.assert_close(new.pow(2).mean(1).sqrt(), torch.full((2,), 3.0))
    torch.testing.assert_close(new.mean(1), torch.zeros(2), atol=1e-5, rtol=0)


def test_a_run_asks_the_redrawn_network_the_same_question():
    graph, source, x = graph_of(residual(), 3, 8, 8)
    run = Run(source, x, first_output)
    other = run.on(redrawn(run.graph, 0))
    assert not torch.allclose(other.scores, run.scores)
    out = graph.output.value
    torch.testing.assert_close(other.scores, execute(redrawn(graph, 0), source.given(graph, x), [out])[out][:, 0])
    leaf = x.clone().requires_grad_()
    network = redrawn(graph, 0)
    values = {graph.input.value: leaf}
    for op in network.operations:
        values[op.outputs[0]] = op.call(values, len(x))
    (wanted,) = torch.autograd.grad(values[out][:, 0].sum(), leaf)
    torch.testing.assert_close(other.gradient(), wanted)


def test_what_holds_for_one_image_or_is_one_opaque_step_cannot_be_redrawn():
    class Looks(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(3, 2)

        def forward(self, x):
            y = x.mean((2, 3))
            return self.fc(y) if float(y.sum()) > -1e9 else y[:, :2]

    module = Looks()
    source = GraphSource(module, module, {id(m): n for n, m in module.named_modules()})
    assert not can_be_redrawn(source.proved(torch.rand(1, 3, 4, 4), gradient=True))
    assert can_be_redrawn(written_down(residual(), 3, 8, 8))
