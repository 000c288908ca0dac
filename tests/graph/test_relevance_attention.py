"""Relevance through the operations of transformers: each by its formula, written as a dense matrix."""

from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import seethrough as st
from seethrough.errors import NetworkRefused
from seethrough.graph.composite import composite
from seethrough.graph.relevance import epsilon
from seethrough.graph.run import Run

TINY = 1e-13


class Headed(nn.Module):
    """One function of the picture, and a weight for each number it gives: the relevance of its output ``y`` is ``w y``."""

    def __init__(self, function, outputs):
        super().__init__()
        self.function = function
        weight = torch.randn(outputs, 1, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
        self.weight = nn.Parameter(weight)

    def forward(self, x):
        return self.function(x).flatten(1) @ self.weight


def picture(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def relevance(module, x, target=0, **rules):
    """What the composite gives at the input, (N, …)."""
    net = st.open(module, input_size=tuple(x.shape[1:]))
    run = Run(net.source, x, lambda out, rows: out[:, target], keeps=True)
    layer = partial(epsilon, eps=TINY)
    return run.gradient("", composite(run.graph, **{"convolution": layer, "linear": layer, **rules})).numpy()


def through(function, x):
    """(R_j, R_i): the relevance of a function's output, and what it hands on, of one picture."""
    y = function(x).detach()
    module = Headed(function, y[0].numel())
    return (y[0].flatten() * module.weight.detach()[:, 0]).numpy(), relevance(module, x)[0].reshape(-1)


def steadied(y):
    """A denominator with its ε: a millionth of the root mean square of all of a picture's numbers, away from zero."""
    return y + np.where(y < 0, -1, 1) * 1e-6 * np.sqrt(np.square(y).mean())


def shared(x, matrix, bias, arrived):
    """The ε rule for ``y = matrix x + bias``, by the book: ``R_i = Σ_j x_i m_ji / y_j · R_j``."""
    y = matrix @ x + bias
    return (x[None, :] * matrix / steadied(y)[:, None] * arrived[:, None]).sum(0)


# --- normalisation: the spread is a constant --------------------------------------------------------------------------

WEIGHT, BIAS = picture(6, seed=3), picture(6, seed=4)


@pytest.mark.parametrize("name", ["layer_norm", "rms_norm", "group_norm", "instance_norm"])
def test_of_a_normalisation_all_is_linear_but_its_spread(name):
    x = picture(1, 6, 4) if name != "layer_norm" and name != "rms_norm" else picture(1, 4, 6)
    flat = x[0].numpy()
    functions = {
        "layer_norm": lambda x: F.layer_norm(x, (6,), WEIGHT, BIAS),
        "rms_norm": lambda x: F.rms_norm(x, (6,), WEIGHT, 1e-3),
        "group_norm": lambda x: F.group_norm(x, 2, WEIGHT, BIAS),
        "instance_norm": lambda x: F.instance_norm(x, weight=WEIGHT, bias=BIAS),
    }
    groups = {"layer_norm": flat, "rms_norm": flat, "group_norm": flat.reshape(2, 12), "instance_norm": flat}[name]
    eps = 1e-3 if name == "rms_norm" else 1e-5
    matrix, size = np.zeros((24, 24)), groups.shape[1]
    for g, row in enumerate(groups):
        centring = np.eye(size) - (0 if name == "rms_norm" else 1 / size)
        spread = np.sqrt(((centring @ row) ** 2).mean() + eps)
        matrix[g * size : (g + 1) * size, g * size : (g + 1) * size] = centring / spread
    by_token = name in ("layer_norm", "rms_norm")
    weight, bias = (np.tile(v, 4) if by_token else np.repeat(v, 4) for v in (WEIGHT.numpy(), BIAS.numpy()))
    arrived, found = through(functions[name], x)
    expected = shared(flat.reshape(-1), weight[:, None] * matrix, 0 if name == "rms_norm" else bias, arrived)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


def test_without_a_mean_or_a_bias_a_normalisation_hands_on_what_it_gets():
    arrived, found = through(lambda x: F.rms_norm(x, (6,), WEIGHT), picture(1, 4, 6))
    np.testing.assert_allclose(found, arrived, rtol=1e-5, atol=1e-5)
    arrived, found = through(lambda x: F.normalize(x, dim=1), picture(1, 4, 6))
    np.testing.assert_allclose(found, arrived, rtol=1e-6)


def test_a_normalisation_written_out_is_the_one_of_torch():
    def written_out(x):
        c = x - x.mean(-1, keepdim=True)
        return c * (c.square().mean(-1, keepdim=True) + 1e-5).rsqrt() * WEIGHT

    def divided(x):
        c = x - x.mean(-1, keepdim=True)
        return c / (c.pow(2).mean(-1, keepdim=True) + 1e-5).sqrt() * WEIGHT

    _, expected = through(lambda x: F.layer_norm(x, (6,), WEIGHT), picture(1, 4, 6))
    for spelled in (written_out, divided):
        np.testing.assert_allclose(through(spelled, picture(1, 4, 6))[1], expected, rtol=1e-4, atol=1e-5)


# --- softmax, products, attention -------------------------------------------------------------------------------------


def test_softmax_by_taylor():
    x = picture(1, 3, 5)
    arrived, found = through(lambda x: x.softmax(-1), x)
    s, r = x.softmax(-1)[0].numpy(), arrived.reshape(3, 5)
    expected = x[0].numpy() * (r - s * r.sum(-1, keepdims=True))
    np.testing.assert_allclose(found.reshape(3, 5), expected, rtol=1e-5, atol=1e-8)


def test_what_a_softmax_is_forbidden_to_see_gets_nothing():
    mask = torch.tensor([[True, True, False], [True, False, True]])
    _, found = through(lambda x: x.masked_fill(~mask, -torch.inf).softmax(-1), picture(1, 2, 3))
    assert np.isfinite(found).all() and (found.reshape(2, 3)[~mask.numpy()] == 0).all()
    _, by_sum = through(lambda x: (x + torch.zeros(2, 3).masked_fill(~mask, -torch.inf)).softmax(-1), picture(1, 2, 3))
    np.testing.assert_allclose(by_sum, found, rtol=1e-4)


def product_by_hand(a, b, arrived, y=None):
    """(R_a, R_b) of ``y = a b``: half to each factor, ``R_a[i, k] = Σ_j a_ik b_kj / (2 y_ij) R_ij``, term by term."""
    y = steadied(a @ b) if y is None else y
    terms = a[:, :, None] * b[None] / (2 * y[:, None, :]) * arrived[:, None, :]
    return terms.sum(2), terms.sum(0)


@pytest.mark.parametrize(
    "spelled",
    [
        lambda x: x[:, :2] @ x[:, 2:].transpose(1, 2),
        lambda x: torch.bmm(x[:, :2], x[:, 2:].mT),
        lambda x: torch.einsum("nik,njk->nij", x[:, :2], x[:, 2:]),
        lambda x: torch.baddbmm(torch.zeros(1, 2, 3, dtype=x.dtype), x[:, :2], x[:, 2:].mT),
    ],
    ids=["matmul", "bmm", "einsum", "baddbmm"],
)
def test_a_product_of_two_values_gives_half_to_each(spelled):
    x = picture(1, 5, 4)
    arrived, found = through(spelled, x)
    a, b = x[0, :2].numpy(), x[0, 2:].numpy()
    first, second = product_by_hand(a, b.T, arrived.reshape(2, 3))
    expected = np.concatenate([first, second.T])
    np.testing.assert_allclose(found.reshape(5, 4), expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())
    np.testing.assert_allclose(found.sum(), arrived.sum(), rtol=1e-5)


def test_a_value_multiplied_by_itself_gets_all():
    arrived, found = through(lambda x: x @ x.mT, picture(1, 3, 4))
    np.testing.assert_allclose(found.sum(), arrived.sum(), rtol=1e-5)
    arrived, found = through(lambda x: x * x, picture(1, 3, 4))
    np.testing.assert_allclose(found, arrived, rtol=1e-5, atol=1e-5)


def test_what_a_product_is_added_to_gets_what_it_gave():
    def spelled(x):
        return torch.baddbmm(x[:, :, :3], x, x.mT)

    x = picture(1, 3, 4)
    arrived, found = through(spelled, x)
    y = steadied(spelled(x)[0].numpy())
    added = x[0, :, :3].numpy() * arrived.reshape(3, 3) / y
    first, second = product_by_hand(x[0].numpy(), x[0].numpy().T, arrived.reshape(3, 3), y)
    expected = first + second.T
    expected[:, :3] += added
    np.testing.assert_allclose(found.reshape(3, 4), expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


MASK = picture(6, 6, seed=8)


@pytest.mark.parametrize(
    "settings",
    [{}, {"scale": 0.2}, {"is_causal": True}, {"attn_mask": MASK}, {"attn_mask": MASK > -0.5}],
    ids=["plain", "scale", "causal", "added mask", "forbidding mask"],
)
def test_attention_as_one_operation_is_its_parts_by_hand(settings):
    """q, k and v are thirds of the channels; the relevance of each by the formulas of the paper, head by head."""
    x = picture(1, 2, 6, 9)
    arrived, found = through(lambda x: F.scaled_dot_product_attention(*x.chunk(3, -1), **settings), x)
    given = F.scaled_dot_product_attention(*x.chunk(3, -1), **settings)
    given = torch.from_numpy(steadied(given.numpy()))
    scale = settings.get("scale", 3**-0.5)
    for head in range(2):
        q, k, v = (t.numpy() for t in x[0, head].chunk(3, -1))
        allowed, added = np.ones((6, 6), bool), np.zeros((6, 6))
        if settings.get("is_causal"):
            allowed = np.tril(allowed)
        mask = settings.get("attn_mask")
        if mask is not None and mask.dtype == torch.bool:
            allowed = mask.numpy()
        elif mask is not None:
            added = mask.numpy()
        raw = q @ k.T * scale
        scores = np.where(allowed, raw + added, -np.inf)
        weights = np.exp(scores - scores.max(1, keepdims=True))
        weights /= weights.sum(1, keepdims=True)
        y = given[0, head].numpy()
        at_weights, at_v = product_by_hand(weights, v, arrived.reshape(2, 6, 3)[head], y)
        finite = np.where(allowed, scores, 0)
        at_scores = finite * (at_weights - weights * at_weights.sum(1, keepdims=True))
        at_raw = at_scores * raw / np.where(allowed, scores, 1)  # what a mask added is absorbed
        at_q, at_k = product_by_hand(q, k.T, at_raw, q @ k.T)
        expected = np.concatenate([at_q, at_k.T, at_v], 1)
        ours = found.reshape(2, 6, 9)[head]
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


def test_keys_and_values_that_several_heads_share():
    x = picture(1, 6, 5, 2)

    def grouped(x):
        return F.scaled_dot_product_attention(x[:, :4], x[:, 4:5], x[:, 5:], enable_gqa=True)

    def repeated(x):
        return F.scaled_dot_product_attention(
            x[:, :4], x[:, 4:5].repeat_interleave(4, 1), x[:, 5:].repeat_interleave(4, 1)
        )

    np.testing.assert_allclose(through(grouped, x)[1], through(repeated, x)[1], rtol=1e-6)


# --- activations and gates --------------------------------------------------------------------------------------------

SPELLED = {
    "silu": lambda x: x * x.sigmoid(),
    "gelu": lambda x: 0.5 * x * (1 + torch.erf(x / 2**0.5)),
    "hardswish": lambda x: x * F.relu6(x + 3) / 6,
    "hardswish by clamp": lambda x: x * (x + 3).clamp(0, 6) / 6,
    "mish": lambda x: F.softplus(x).tanh() * x,
    "relu": F.relu, "gelu of torch": F.gelu, "silu of torch": F.silu, "hardswish of torch": F.hardswish,
    "mish of torch": F.mish, "elu": F.elu,
}  # fmt: skip


@pytest.mark.parametrize("name", SPELLED)
def test_an_activation_hands_on_what_it_gets_however_it_is_spelled(name):
    arrived, found = through(SPELLED[name], picture(1, 3, 7))
    np.testing.assert_allclose(found, arrived, rtol=1e-8)


def test_squeeze_and_excite_leaves_all_to_the_signal():
    arrived, found = through(lambda x: x.mean((2, 3), keepdim=True).sigmoid() * x, picture(1, 3, 4, 4))
    np.testing.assert_allclose(found, arrived, rtol=1e-8)


def test_a_gated_half_gets_nothing_and_the_signal_all():
    arrived, found = through(lambda x: F.glu(x, 1), picture(1, 4, 3))
    np.testing.assert_allclose(found[:6], arrived, rtol=1e-8)
    assert not found[6:].any()


def test_two_signals_multiplied_get_half_each():
    arrived, found = through(lambda x: F.silu(x[:, :2]) * x[:, 2:], picture(1, 4, 3))
    np.testing.assert_allclose(found[:6], arrived / 2, atol=1e-5)
    np.testing.assert_allclose(found[6:], arrived / 2, atol=1e-5)


@pytest.mark.parametrize("name", ["log_softmax", "lstm"])
def test_what_has_no_rule_is_refused_by_name(name):
    lstm = nn.LSTM(4, 4, batch_first=True).double()
    functions = {"log_softmax": lambda x: x.log_softmax(-1), "lstm": lambda x: lstm(x)[0]}
    with pytest.raises(NetworkRefused, match=name):
        through(functions[name], picture(1, 3, 4))
