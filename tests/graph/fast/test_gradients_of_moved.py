"""Gradients of many moved pictures on the twin: the numbers of the plain graph."""

import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F

from seethrough.attribution.gradient import smoothgrad
from seethrough.attribution.path import integrated_gradients
from seethrough.graph.fast import choose
from seethrough.graph.fast.convolution import Convolution
from seethrough.graph.fast.gradients import fused_for_gradients
from seethrough.graph.rules import GUIDED
from seethrough.graph.run import Run
from seethrough.graph.source import GraphSource
from seethrough.graph.walk import Forward
from seethrough.results import INPUT


class Small(nn.Module):
    """Convolutions with normalisations, a residual, a squeeze, tokens at the end."""

    def __init__(self):
        super().__init__()
        self.one, self.norm = nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)
        self.two, self.other = nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.BatchNorm2d(8)
        self.squeeze, self.last = nn.Linear(8, 8), nn.Linear(8 * 16, 5)

    def forward(self, x):
        y = F.relu(self.norm(self.one(x)))
        y = F.relu6(y + self.other(self.two(y)))
        y = y * torch.sigmoid(self.squeeze(y.mean((2, 3))))[:, :, None, None]
        return self.last(F.max_pool2d(y, 2).flatten(1))


def made(dtype=torch.float64, kind=Small):
    torch.manual_seed(0)
    module = kind().to(dtype).eval()
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.uniform_(part.running_mean, -1, 1)
            nn.init.uniform_(part.running_var, 0.5, 2)
            nn.init.uniform_(part.weight, 0.5, 2)
    return module, GraphSource(module, module, {id(m): n for n, m in module.named_modules()})


def first(out, rows):
    return out[:, 0]


def images(dtype=torch.float64, n=2):
    return torch.rand(n, 3, 8, 8, generator=torch.Generator().manual_seed(1)).to(dtype)


def plainly(monkeypatch, ask):
    with monkeypatch.context() as patch:
        patch.setattr(choose, "MANY_GRADIENTS", 10**9)
        return ask()


@pytest.mark.parametrize(
    "ask",
    [
        lambda run: integrated_gradients(run, steps=16).values,
        lambda run: integrated_gradients(run, steps=16, nodes="gauss").values,
        lambda run: smoothgrad(run, samples=16),
    ],
)
def test_methods_that_move_the_picture_give_the_numbers_of_the_plain_graph(ask, monkeypatch):
    _, source = made()
    x = images()
    want = plainly(monkeypatch, lambda: ask(Run(source, x, first)))
    run = Run(source, x, first)
    found = ask(run)
    assert any(isinstance(o.function, Convolution) for g in run.counter.ways._found.values() for o in g)
    assert (found - want).abs().max() <= 1e-10 * want.abs().max()


def test_channels_last_give_the_same_gradient_at_layers_and_picture():
    _, source = made(torch.float32)
    x = images(torch.float32, 8)
    graph = source.proved(x, gradient=True)
    layer = graph.place("norm").value
    wanted = {graph.logits.value, layer}
    other = fused_for_gradients(graph, wanted)
    assert len(other) < len(graph)
    seed = torch.zeros(8, 5)
    seed[:, 0] = 1
    found, want = (
        Forward(graph, {graph.input.value: x}, wanted, by=by).walk(
            {graph.logits.value: seed}, [graph.input.value, layer]
        )
        for by in (other, None)
    )
    for v, g in want.items():
        assert (found[v] - g).norm() <= 1e-5 * g.norm()


def test_rectifiers_stay_where_rules_find_them():
    _, source = made()
    x = images()
    graph = source.proved(x, gradient=True)
    seed = {graph.logits.value: torch.ones(2, 5, dtype=x.dtype)}
    found, want = (
        Forward(graph, {graph.input.value: x}, [graph.logits.value], by=by).walk(seed, [graph.input.value], GUIDED)
        for by in (fused_for_gradients(graph, {graph.logits.value}), None)
    )
    g = want[graph.input.value]
    assert g.abs().max() > 0 and (found[graph.input.value] - g).abs().max() <= 1e-10 * g.abs().max()


def test_a_weight_written_past_torchs_notice_is_in_the_next_gradients(monkeypatch):
    module, source = made()
    x = images()
    smoothgrad(Run(source, x, first), samples=8)
    module.one.weight.data.mul_(-1)
    want = plainly(monkeypatch, lambda: smoothgrad(Run(source, x, first), samples=8))
    found = smoothgrad(Run(source, x, first), samples=8)
    assert (found - want).abs().max() <= 1e-10 * want.abs().max()


def test_the_picture_itself_goes_on_the_plain_graph():
    module, source = made(torch.float32)
    x = images(torch.float32)
    run = Run(source, x, first)
    smoothgrad(run, samples=16)
    leaf = x.clone().requires_grad_()
    (want,) = torch.autograd.grad(module(leaf)[:, 0].sum(), leaf)
    assert torch.equal(run.gradient(INPUT), want)
