"""Little networks for class activation maps, and how a map is asked of them."""

import numpy as np
import torch
from torch import nn

import seethrough as st

LAYER = "2"
"""Of these networks, what is pooled or flattened: the second activation."""


def network(head, seed=0, act=nn.ReLU, channels=7):
    torch.manual_seed(seed)
    body = [nn.Conv2d(3, 5, 3, padding=1), act(), nn.Conv2d(5, channels, 3, stride=2)]
    return nn.Sequential(nn.Sequential(*body), act(), nn.Identity(), *head).eval()


def pooled(**options):
    """Average pooling and one linear layer behind the layer."""
    return network([nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(7, 4)], **options)


def curved(**options):
    """Something that no weight can be read off: a convolution, GELU and two linear layers."""
    head = [nn.Conv2d(7, 6, 2), nn.GELU(), nn.Flatten(), nn.Linear(6 * 12, 9), nn.GELU(), nn.Linear(9, 4)]
    return network(head, **options)


X = torch.randn(2, 3, 9, 11, generator=torch.Generator().manual_seed(3))
TARGETS = [1, 3]


def layer_and_gradient(module, x=X, targets=TARGETS):
    a = module[:3](x).detach().requires_grad_()
    (g,) = torch.autograd.grad(module[3:](a)[range(len(x)), targets].sum(), a)
    return a.detach(), g


def asked(name, module, x=X, target=TARGETS, **options):
    method, net = getattr(st, name), st.open(module, input_size=(3, 9, 11))
    return method(net, x, target=target, **({} if name == "cam" else {"layer": LAYER}), **options)


def close(found, expected, tolerance=1e-5):
    expected = np.asarray(expected)
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * max(np.abs(expected).max(), 1e-6))
