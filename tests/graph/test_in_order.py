"""Gradients through a normalisation of one image are those of arithmetic, whatever the strides of what arrives."""

from __future__ import annotations

import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F
from small import Calls, source_of

from seethrough.graph.in_order import GradientsInOrder, in_order
from seethrough.graph.run import Run
from seethrough.graph.standins import batch_norm, instance_norm
from seethrough.graph.whole import whole

X = torch.rand(1, 8, 6, 6, generator=torch.Generator().manual_seed(0))
NORMS = {"batch": nn.BatchNorm2d(8), "instance": nn.InstanceNorm2d(8)}


def network(norm):
    """Pictures as tokens the way EfficientFormer, CvT and Next-ViT make them."""
    torch.manual_seed(0)

    def tokens(x, norm, linear):
        return linear(F.layer_norm(norm(x).flatten(2).transpose(1, 2), (8,))).amax(1)

    return Calls(tokens, norm, nn.Linear(8, 4)).eval()


def arithmetic(module):
    """The gradient of the sum of outputs, in double precision and for two images, where PyTorch gets it right."""
    leaf = torch.cat([X, X]).double().requires_grad_()
    (gradient,) = torch.autograd.grad(module.double()(leaf).sum(), leaf)
    module.float()
    return gradient[:1].float()


@pytest.mark.parametrize("norm", NORMS.values(), ids=NORMS)
def test_the_graphs_gradient_is_that_of_arithmetic(norm):
    module = network(norm)
    run = Run(source_of(module), X, lambda out, rows: out.sum(1))
    assert torch.allclose(run.gradient(), arithmetic(module), atol=1e-5)
    assert run.source.why_not(X) == ("any batch", ())


STANDS_IN = {
    "batch": lambda x: batch_norm(x, torch.zeros(8).to(x), torch.ones(8).to(x)),
    "instance": lambda x: instance_norm(x),
}


@pytest.mark.parametrize("normalise", STANDS_IN.values(), ids=STANDS_IN)
def test_a_gradient_that_comes_from_tokens_passes_a_normalisation_as_any_other(normalise):
    exact, leaf = X.double().requires_grad_(), X.clone().requires_grad_()
    arriving = torch.rand(1, 36, 8).transpose(1, 2).reshape(1, 8, 6, 6)
    assert arriving.stride() == (8, 1, 48, 8)  # what PyTorch's own kernel goes wrong on
    (expected,) = torch.autograd.grad(normalise(exact), exact, arriving.double().contiguous())
    (found,) = torch.autograd.grad(normalise(leaf), leaf, arriving)
    assert torch.allclose(found, expected.float(), atol=1e-5)


@pytest.mark.parametrize("norm", NORMS.values(), ids=NORMS)
def test_a_network_that_runs_whole_has_the_gradient_of_arithmetic(norm):
    module = network(norm)
    graph = whole(module, module, (X,), layout="channels_first", training=False)
    leaf = X.clone().requires_grad_()
    (output,) = graph.operations[0].call({0: leaf}, 1)
    (gradient,) = torch.autograd.grad(output.sum(), leaf)
    assert torch.allclose(gradient, arithmetic(module), atol=1e-5)


def test_under_the_mode_the_networks_own_gradient_is_that_of_arithmetic():
    module, leaf = network(NORMS["batch"]), X.clone().requires_grad_()
    with GradientsInOrder():
        output = module(leaf)
    (gradient,) = torch.autograd.grad(output.sum(), leaf)
    assert torch.allclose(gradient, arithmetic(module), atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 8, 6, 6), (1, 8, 1, 1), (2, 1, 6, 1), (1, 8, 2, 6, 6), (1, 8)])
def test_in_order_are_the_same_numbers_in_the_same_memory(shape):
    gradient = torch.rand(shape)
    odd = gradient.as_strided(shape, [5 if n == 1 else s for n, s in zip(shape, gradient.stride())])
    assert torch.equal(in_order(odd), gradient)
    assert in_order(odd).data_ptr() == gradient.data_ptr()
    assert in_order(odd).stride() == torch.empty(shape).stride()
