"""DeepLIFT's rules: each operation alone keeps the sum, and one that is a whole says what its parts say."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import seethrough as st
from seethrough.errors import NetworkRefused

SHAPE = (4, 6, 5)


class Function(nn.Module):
    """A network that is one function of the picture, seen through a head that tells its outputs apart."""

    def __init__(self, function):
        super().__init__()
        self.function = function
        self.head = nn.Parameter(torch.linspace(-1, 1.3, 7, dtype=torch.float64))

    def forward(self, x):
        y = self.function(x).flatten(1)
        weights = torch.cos(torch.arange(y.shape[1], dtype=y.dtype)[:, None] * self.head.to(y))
        return y @ weights


def generator(seed):
    return torch.Generator().manual_seed(seed)


def picture(seed=0, images=2):
    return torch.randn(images, *SHAPE, generator=generator(seed), dtype=torch.float64)


def lifted(function, x=None, start=None, target=3):
    """Contributions of a function's input, and the sum they should have."""
    x = picture() if x is None else x
    start = picture(1, 1) if start is None else start
    module = Function(function)
    found = st.deeplift(st.open(module, input_size=tuple(x.shape[1:])), x, target=target, baseline=start)
    with torch.no_grad():
        rise = (module(x) - module(start.expand_as(x)))[:, target]
    return found.values.astype(np.float64), rise.numpy()


KERNEL = torch.randn(3, 4, 3, 3, generator=generator(2), dtype=torch.float64)
SCALE = torch.randn(4, generator=generator(3), dtype=torch.float64)
SQUARE = torch.randn(4, 4, generator=generator(4), dtype=torch.float64)


def heads(x):
    """(N, 2 heads, places, 2) three times, the last a little bent."""
    tokens = x.flatten(2).transpose(1, 2)
    q, k, v = (F.linear(tokens, SQUARE.roll(i, 0)) for i in range(3))
    return [t.unflatten(-1, (2, 2)).transpose(1, 2) for t in (q, k, v.sin())]


def written_out(x, causal=False, mask=None, scale=None):
    q, k, v = heads(x)
    scores = q @ k.transpose(-2, -1) * (2**-0.5 if scale is None else scale)
    if causal:
        scores = scores + torch.full(scores.shape[-2:], -torch.inf, dtype=x.dtype).triu(1)
    if mask is not None:
        scores = scores + mask
    return scores.softmax(-1) @ v


MASK = torch.randn(30, 30, generator=generator(5), dtype=torch.float64)

OPERATIONS = {
    "conv2d": lambda x: F.conv2d(x, KERNEL, stride=2, padding=1),
    "conv_transpose2d": lambda x: F.conv_transpose2d(x, KERNEL.transpose(0, 1)[:, :, :2]),
    "relu": F.relu,
    "leaky_relu": F.leaky_relu,
    "prelu": lambda x: F.prelu(x, SCALE.abs()),
    "gelu": F.gelu,
    "silu": F.silu,
    "hardswish": F.hardswish,
    "sigmoid": torch.sigmoid,
    "elu": F.elu,
    "glu": lambda x: F.glu(x, 1),
    "clamp": lambda x: x.clamp(-0.5, 0.7),
    "square": lambda x: x**2,
    "exp": torch.exp,
    "one over": lambda x: 1 / (x * x + 1),
    "sqrt": lambda x: (x * x + 0.1).sqrt(),
    "max_pool2d": lambda x: F.max_pool2d(x, 2),
    "max_pool2d, windows that overlap": lambda x: F.max_pool2d(x, 3, 1, 1),
    "adaptive_max_pool2d": lambda x: F.adaptive_max_pool2d(x, 2),
    "amax": lambda x: x.amax((2, 3)),
    "min over channels": lambda x: x.min(1).values,
    "maximum": lambda x: torch.maximum(x[:, :2], x[:, 2:]),
    "minimum": lambda x: torch.minimum(x[:, :2], x[:, 2:]),
    "maximum with a constant": lambda x: torch.maximum(x, SCALE[:, None, None]),
    "avg_pool2d": lambda x: F.avg_pool2d(x, 3, 2, 1),
    "interpolate": lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"),
    "mul": lambda x: x[:, :2] * x[:, 2:],
    "mul by itself": lambda x: x * x,
    "mul by a gate": lambda x: x * x.mean((2, 3), keepdim=True).sigmoid(),
    "mul by a mask": lambda x: x * (x > 0) + x.flip(1) * (x > 0.3),
    "div": lambda x: x[:, :2] / (x[:, 2:].square() + 1),
    "div of a constant": lambda x: torch.full_like(x, 2.0) / (x.square() + 1),
    "div, broadcast": lambda x: x.mean((2, 3), keepdim=True) / (x.square() + 1),
    "matmul": lambda x: x @ x.transpose(2, 3),
    "bmm": lambda x: torch.bmm(x.flatten(2), x.flatten(2).transpose(1, 2)),
    "einsum": lambda x: torch.einsum("nchw,ndhw->ncd", x, x),
    "baddbmm": lambda x: torch.baddbmm(x.mean((2, 3))[:, :, None], x.flatten(2), x.flatten(2).transpose(1, 2), alpha=0.5),
    "conv2d with weights from the picture": lambda x: F.conv2d(x[:1], x[:1, :, :2, :2].tanh()),
    "addcmul": lambda x: torch.addcmul(x, x, x.sin(), value=0.3),
    "where": lambda x: torch.where(x > 0, x, x * 0.1),
    "where, by another place": lambda x: torch.where(x.flip(1) > 0, x, 0.5),
    "where, broadcast": lambda x: torch.where(x > 0, x.mean(1, keepdim=True), x),
    "masked_fill": lambda x: x.masked_fill(x < 0, 0.25),
    "masked_fill by a constant": lambda x: x.masked_fill(MASK[:6, :5] < 0, 0.25),
    "softmax": lambda x: x.softmax(1),
    "log_softmax": lambda x: (4 * x).log_softmax(2),
    "softmin": lambda x: F.softmin(9 * x, 1),
    "logsumexp": lambda x: x.logsumexp(1),
    "var": lambda x: x.var((2, 3)),
    "std": lambda x: x.std((2, 3)),
    "norm": lambda x: x.norm(dim=1),
    "layer_norm": lambda x: F.layer_norm(x, SHAPE[1:], torch.linspace(1, 2, 30, dtype=x.dtype).view(6, 5)),
    "rms_norm": lambda x: F.rms_norm(x, (5,), torch.linspace(1, 2, 5, dtype=x.dtype)),
    "group_norm": lambda x: F.group_norm(x, 2, SCALE, SCALE),
    "instance_norm": lambda x: F.instance_norm(x, weight=SCALE),
    "batch_norm": lambda x: F.batch_norm(x, SCALE, SCALE.abs(), SCALE),
    "normalize": lambda x: F.normalize(x, dim=1),
    "normalize, some of no length": lambda x: F.normalize(x * (x[:, :1] > 0), dim=1),
    "normalize, rectified": lambda x: F.normalize(F.relu(x - 1), dim=3),
    "local_response_norm": lambda x: F.local_response_norm(x, 3, 0.7, 0.75, 1.2),
    "attention": lambda x: F.scaled_dot_product_attention(*heads(x)),
    "causal attention": lambda x: F.scaled_dot_product_attention(*heads(x), is_causal=True),
    "attention with a mask": lambda x: F.scaled_dot_product_attention(*heads(x), attn_mask=MASK, scale=0.3),
    "attention that forbids": lambda x: F.scaled_dot_product_attention(*heads(x), attn_mask=MASK > -1),
    "indexed": lambda x: x[:, [0, 0, 3]].flip(2).roll(1, 3).unfold(2, 3, 2),
    "repeated": lambda x: torch.cat([x, x.mean(1, keepdim=True).expand(-1, 2, -1, -1)], 1).cumsum(2),
    "written into": lambda x: x.clone().mul_(2).index_fill_(1, torch.tensor([0]), 0.0),
}  # fmt: skip


@pytest.mark.parametrize("name", OPERATIONS)
def test_contributions_add_up_to_the_rise(name):
    x = picture(images=1) if "weights from the picture" in name else None
    found, rise = lifted(OPERATIONS[name], x)
    np.testing.assert_allclose(found.sum((1, 2, 3)), rise, rtol=1e-5, atol=1e-6 * np.abs(found).sum())


PARTS = {
    "where": lambda x: F.leaky_relu(x, 0.1),
    "layer_norm": lambda x: whitened(x.flatten(2), (-1,)).view_as(x) * torch.linspace(1, 2, 30, dtype=x.dtype).view(6, 5),
    "group_norm": lambda x: whitened(x.view(len(x), 2, -1), (-1,)).view_as(x) * SCALE[:, None, None] + SCALE[:, None, None],
    "instance_norm": lambda x: whitened(x, (2, 3)) * SCALE[:, None, None],
    "rms_norm": lambda x: x * (x.square().mean(-1, keepdim=True) + torch.finfo(x.dtype).eps).rsqrt()
    * torch.linspace(1, 2, 5, dtype=x.dtype),
    "normalize": lambda x: x * x.square().sum(1, keepdim=True).pow(-0.5),
    "local_response_norm": lambda x: x * (1.2 + 0.7 * neighbours(x.square())).pow(-0.75),
    "attention": written_out,
    "causal attention": lambda x: written_out(x, causal=True),
    "attention with a mask": lambda x: written_out(x, mask=MASK, scale=0.3),
    "attention that forbids": lambda x: written_out(x, mask=torch.zeros_like(MASK).masked_fill(MASK <= -1, -torch.inf)),
    "glu": lambda x: x[:, :2] * x[:, 2:].sigmoid(),
    "norm": lambda x: x.square().sum(1).sqrt(),
    "std": lambda x: ((x - x.mean((2, 3), keepdim=True)).square().sum((2, 3)) / 29).sqrt(),
    "div": lambda x: x[:, :2] * (x[:, 2:].square() + 1).reciprocal(),
    "logsumexp": lambda x: -x.log_softmax(1)[:, 0] + x[:, 0],
    "softmin": lambda x: (-9 * x).softmax(1),
}  # fmt: skip


def whitened(x, axes):
    c = x - x.mean(axes, keepdim=True)
    return c * (c.square().mean(axes, keepdim=True) + 1e-5).rsqrt()


def neighbours(x):
    padded = F.pad(x, (0, 0, 0, 0, 1, 1))
    return (padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]) / 3


@pytest.mark.parametrize("name", PARTS)
def test_an_operation_says_what_its_parts_written_out_say(name):
    whole, _ = lifted(OPERATIONS[name])
    parts, _ = lifted(PARTS[name])
    np.testing.assert_allclose(whole, parts, rtol=0, atol=2e-6 * np.abs(parts).max())


def test_a_product_of_two_values_gives_each_its_shapley_value():
    x, start = torch.tensor([[3.0, -2.0]]).double(), torch.tensor([[1.0, 5.0]]).double()
    found = st.deeplift(st.open(Two(), input_size=(2,)), x, target=0, baseline=start)
    (a, b), (a0, b0) = x[0].tolist(), start[0].tolist()
    first = ((a * b0 - a0 * b0) + (a * b - a0 * b)) / 2
    second = ((a0 * b - a0 * b0) + (a * b - a * b0)) / 2
    np.testing.assert_allclose(found.values[0], [first, second])


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = nn.Parameter(torch.ones((), dtype=torch.float64))

    def forward(self, x):
        return x[:, :1] * x[:, 1:]


def test_softmax_is_shared_by_logarithmic_means():
    """The matrix ``Λ_i (δ_ij − Λ_j / ΣΛ)``, written down."""
    x, start = torch.tensor([[1.0, -2.0, 0.5, 300.0]]).double(), torch.tensor([[0.0, 3.0, 0.5, -1.0]]).double()
    p, p0 = x.softmax(1)[0].numpy(), start.softmax(1)[0].numpy()
    log, log0 = x.log_softmax(1)[0].numpy(), start.log_softmax(1)[0].numpy()
    mean = (p - p0) / (log - log0)
    matrix = np.diag(mean) - np.outer(mean, mean) / mean.sum()
    module = Function(lambda x: x.softmax(1))
    found = st.deeplift(st.open(module, input_size=(4,)), x, target=3, baseline=start).values[0]
    weights = np.cos(np.arange(4)[:, None] * module.head.detach().numpy())[:, 3]
    np.testing.assert_allclose(found, weights @ matrix * (x - start)[0].numpy(), rtol=1e-6)
    np.testing.assert_allclose(found.sum(), weights @ (p - p0), rtol=1e-6)


@pytest.mark.parametrize("name", ["softmax", "layer_norm", "group_norm", "attention", "silu", "div", "normalize"])
def test_close_to_the_baseline_multipliers_are_the_gradient(name):
    x = picture(images=1)
    start = x + 1e-6 * picture(5, 1)
    found, _ = lifted(OPERATIONS[name], x, start)
    leaf = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(Function(OPERATIONS[name])(leaf)[:, 3].sum(), leaf)
    expected = ((x - start) * gradient).numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


def test_no_multiplier_of_a_maximum_is_beyond_one():
    x, start = picture(images=1), picture(1, 1)
    found = st.deeplift(
        st.open(Function(lambda x: F.max_pool2d(x, 3, 3)), input_size=SHAPE), x, target=0, baseline=start
    )
    weights = np.cos(np.arange(8) * -1.0)  # of the head's first output; windows don't overlap
    m = found.values / (x - start).numpy()
    assert np.abs(m).max() <= np.abs(weights).max() * (1 + 1e-6)


REFUSED = {
    "gather": lambda x: x.gather(2, x.argsort(2)),
    "median": lambda x: x.median(2).values,
    "lp_pool2d": lambda x: F.lp_pool2d(x.abs() + 1, 3, 2),
    "pow": lambda x: x.abs() ** x,
    "prod": lambda x: x.prod(1),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_rule_is_refused_by_name_with_what_to_use_instead(name):
    with pytest.raises(NetworkRefused, match=rf"no rule for '{name}'.*integrated_gradients"):
        lifted(REFUSED[name])
