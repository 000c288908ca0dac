"""200 networks as people really write them: the gradient of each is autograd's own, or it is told why not; each is left
as it was found.
"""

import random

import numpy as np
import pytest
import torch
from inspection import differences, everything, fake_left
from odd_networks import ODD

from seethrough.errors import NetworkRefused
from seethrough.graph.outputs import output_tensors
from seethrough.graph.run import Run
from seethrough.graph.source import GraphSource

ASKED = ((5, 0), (5, 1), (3, 0), (1, 1))
"""Batch size and seed of the images. The second time a graph may be used again, on images for which the network would
go another way.
"""


def answer(output):
    """The output that is meant: ``logits`` where there is one, else the first."""
    tensors = output_tensors(output)
    return tensors.get("logits", next(iter(tensors.values())))


def target(out, rows):
    """A number an image in which every output has another weight."""
    return (out.flatten(1) * torch.linspace(1, 2, out.flatten(1).shape[1], dtype=torch.float64).to(out)).sum(1)


def same_chance():
    torch.manual_seed(7)
    random.seed(7)
    np.random.seed(7)


def by_autograd(odd, module, images):
    same_chance()
    leaf = images.clone().requires_grad_()
    scores = target(answer(odd.reference(module)(leaf * 1)), None)
    scores.sum().backward()
    return scores.detach(), leaf.grad


def tolerance(dtype):
    return {torch.float64: 1e-12, torch.float32: 1e-5, torch.float16: 1e-2, torch.bfloat16: 8e-2}[dtype]


@pytest.mark.parametrize("odd", [o for o in ODD.values() if not o.refused], ids=lambda o: o.name)
def test_gradient_is_autograds_and_the_network_untouched(odd):
    module = odd.make()
    source = GraphSource(module, module, {id(m): n for n, m in module.named_modules()}, training=odd.training)
    for batch, seed in ASKED:
        images = odd.images(batch, seed)
        scores, gradient = by_autograd(odd, module, images)
        same_chance()
        before = everything(module, images)
        run = Run(source, images, target, probabilities=True)
        found = run.gradient()
        assert differences(before, everything(module, images)) == []
        assert fake_left(module) == []
        where = f"batch {batch}, images {seed}"
        assert (found - gradient).abs().max() <= tolerance(odd.dtype) * gradient.abs().max(), where
        assert torch.allclose(run.scores, scores, rtol=tolerance(odd.dtype), atol=tolerance(odd.dtype)), where
        way, reasons = source.why_not(images)
        assert way == odd.way_at(batch), (where, way, reasons)


@pytest.mark.parametrize("odd", [o for o in ODD.values() if o.refused], ids=lambda o: o.name)
def test_what_cant_be_looked_at_is_refused_in_words(odd):
    module = odd.make()
    source = GraphSource(module, module, {id(m): n for n, m in module.named_modules()})
    with pytest.raises(NetworkRefused, match=odd.refused):
        Run(source, odd.images(2, 0), target).gradient()
