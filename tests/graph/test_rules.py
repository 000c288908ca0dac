"""Guided backpropagation and DeconvNet against rectifiers whose backward is written out for autograd, however the
network rectifies.
"""

import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F
from small import Calls, source_of

from seethrough.graph.operations import Kind
from seethrough.graph.rules import DECONV, GUIDED, Rules, plain
from seethrough.graph.run import Run
from seethrough.results import INPUT


class GuidedRelu(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, *gradients):
        (x,) = ctx.saved_tensors
        return gradients[0].clamp(min=0) * (x > 0)


class DeconvRelu(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, *gradients):
        return gradients[0].clamp(min=0)


RECTIFIERS = {
    "function": lambda: F.relu,
    "torch": lambda: torch.relu,
    "method": lambda: torch.Tensor.relu,
    "in place": lambda: lambda y: F.relu_(y * 1),
    "in place by argument": lambda: lambda y: F.relu(y * 1, inplace=True),
    "clamp": lambda: lambda y: y.clamp(min=0),
    "module": nn.ReLU,
    "module in place": lambda: nn.ReLU(inplace=True),
}
PEERS = {"guided": (GUIDED, GuidedRelu), "deconv": (DECONV, DeconvRelu)}


def network(relu):
    """A residual block in which one rectifier, whatever it is, is used three times."""
    torch.manual_seed(0)
    a, b, fc = nn.Conv2d(3, 5, 3, padding=1), nn.Conv2d(5, 5, 3, padding=1), nn.Linear(5, 4)

    def forward(x, *modules):
        y = relu(a(x))
        z = relu(b(y) + y * 0.5)
        return fc(relu(F.max_pool2d(z, 2) - 0.1).mean((2, 3)))

    return Calls(forward, a, b, fc, *([relu] if isinstance(relu, nn.Module) else []))


@pytest.mark.parametrize("method", PEERS)
@pytest.mark.parametrize("rectifier", RECTIFIERS)
def test_rectifiers_of_every_spelling_follow_the_rule(method, rectifier):
    rules, peer = PEERS[method]
    x = torch.randn(3, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    leaf = x.clone().requires_grad_()
    (expected,) = torch.autograd.grad(network(peer.apply)(leaf)[:, 2].sum(), leaf)
    run = Run(source_of(network(RECTIFIERS[rectifier]())), x, lambda out, rows: out[:, 2])
    assert torch.allclose(run.gradient(INPUT, rules), expected, rtol=1e-5, atol=1e-8)
    assert expected.abs().max() > 0


@pytest.mark.parametrize("method", PEERS)
def test_other_activations_keep_their_own_derivative(method):
    rules, _ = PEERS[method]
    x = torch.randn(2, 3, 8, 8)
    run = Run(source_of(network(F.gelu)), x, lambda out, rows: out[:, 2])
    assert torch.equal(run.gradient(INPUT, rules), run.gradient())


def test_a_set_of_rules_goes_by_kind_and_by_name():
    source = source_of(network(F.relu))
    relu = next(o for o in source.proved(torch.randn(2, 3, 8, 8)) if o.name == "relu")

    def rule(piece, arrived):
        return piece.vjp(arrived)

    assert Rules().of(relu) is plain
    assert Rules({Kind.ACTIVATION: rule}).of(relu) is rule
    assert Rules(names={"relu": rule}).of(relu) is rule and Rules(names={"linear": rule}).of(relu) is plain


def test_a_rule_of_ones_own_needs_three_lines():
    source = source_of(network(F.relu))
    x = torch.randn(2, 3, 8, 8)
    doubled = Rules({Kind.LINEAR: lambda piece, arrived: {v: 2 * s for v, s in piece.vjp(arrived).items()}})
    run = Run(source, x, lambda out, rows: out[:, 0])
    assert torch.allclose(run.gradient(INPUT, doubled), 2 * run.gradient())
