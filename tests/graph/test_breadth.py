"""What real architectures do that a recorder must bear, each as a small network named by what was odd about it."""

from __future__ import annotations

from functools import cache

import pytest
import torch
import torch.nn as nn
from small import Calls, all_outputs, source_of

from seethrough.graph.run import Run

X = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def keeps_what_a_function_once_computed():
    """DINOv3: positions come from a function that computes them once in a process."""

    @cache
    def positions(side):
        return torch.arange(side) / side

    return Calls(lambda x, conv: (conv(x) * positions(x.shape[-1])).mean((2, 3)), nn.Conv2d(3, 4, 3, padding=1))


ODD = {f.__name__: f for f in (keeps_what_a_function_once_computed,)}


@pytest.mark.parametrize("make", ODD.values(), ids=ODD)
def test_it_is_written_down_for_any_batch_size_with_its_own_gradient(make):
    torch.manual_seed(0)
    module = make().eval()
    run = Run(source_of(module), X, all_outputs)
    leaf = X.clone().requires_grad_()
    output = module(leaf)
    (gradient,) = torch.autograd.grad(all_outputs(output, None).sum(), leaf)
    assert torch.equal(run.output, output.detach())
    assert torch.allclose(run.gradient(), gradient, atol=1e-6)
    assert run.source.why_not(X) == ("any batch", ())
