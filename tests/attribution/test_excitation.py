"""Excitation backprop and deep Taylor: their papers' formulas written down apart, and what they promise."""

from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import seethrough as st
from seethrough.errors import NetworkRefused
from seethrough.graph.run import Run
from seethrough.results import Passes


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1, self.conv2 = (nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(2))
        self.bn1, self.bn2 = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)

    def forward(self, x):
        return F.relu(x + self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.bn, self.pool = nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.MaxPool2d(3, 2, 1)
        self.block1, self.block2, self.head = Block(8), Block(8), nn.Linear(8, 5)

    def forward(self, x):
        x = self.pool(F.relu(self.bn(self.stem(x))))
        return self.head(self.block2(self.block1(x)).mean((2, 3)))


def shaken(module, seed=3):
    chance = torch.Generator().manual_seed(seed)
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.3, generator=chance)
            layer.running_var.uniform_(0.5, 2, generator=chance)
            layer.weight.data.normal_(generator=chance)
            layer.bias.data.normal_(0, 0.3, generator=chance)
    return module.double().eval()


def plain():
    torch.manual_seed(0)
    return shaken(
        nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 10, 3), nn.BatchNorm2d(10), nn.ReLU(),
            nn.AvgPool2d(2), nn.Flatten(), nn.Linear(90, 16), nn.ReLU(), nn.Dropout(), nn.Linear(16, 6),
        )
    )  # fmt: skip


def residual():
    torch.manual_seed(1)
    return shaken(Residual())


def pictures(count=2, side=16):
    return torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(2)).double()


# --- the definition, written with autograd functions: a positive forward, a backward that normalises ------------------


class Excite(torch.autograd.Function):
    """``P_i = a_i Σ_j w_ij⁺ P_j / Σ_i a_i w_ij⁺`` for any map that is linear in its first argument."""

    @staticmethod
    def forward(context, a, value, positive):
        context.save_for_backward(a)
        context.positive = positive
        return value.clone()

    @staticmethod
    def backward(context, p):
        (a,) = context.saved_tensors
        with torch.enable_grad():
            leaf = a.detach().clamp(min=0).requires_grad_()
            z = context.positive(leaf)
            share = torch.where(z > 0, p / z.clamp(min=1e-300), 0)
            (found,) = torch.autograd.grad(z, leaf, share)
        return leaf.detach() * found, None, None


def folded(conv, bn):
    scale = bn.weight / (bn.running_var + bn.eps).sqrt()
    bias = 0 if conv.bias is None else conv.bias
    return conv.weight * scale[:, None, None, None], (bias - bn.running_mean) * scale + bn.bias


def convolved(a, weight, bias, stride, padding):
    value = F.conv2d(a, weight, bias, stride, padding).detach()
    return Excite.apply(a, value, lambda t: F.conv2d(t, weight.detach().clamp(min=0), None, stride, padding))


def combined(a, linear, sign=1):
    value = (sign * F.linear(a, linear.weight, linear.bias)).detach()
    return Excite.apply(a, value, lambda t: F.linear(t, (sign * linear.weight.detach()).clamp(min=0)))


def added(a, b):
    """Two branches as one map of both, with weights of one."""
    both = torch.stack([a, b])
    return Excite.apply(both, both.sum(0).detach(), lambda t: t.sum(0))


def averaged(a, function):
    return Excite.apply(a, function(a).detach(), function)


def forward_by_hand(module, x, sign=1):
    """Every layer's value of `residual`, with excitation behind it; rectifiers pass all."""

    def straight(t):
        return t + (F.relu(t) - t).detach()

    values = {"x": x}
    pooled = F.max_pool2d(straight(convolved(x, *folded(module.stem, module.bn), 2, 1)), 3, 2, 1)
    values["pool"] = at = pooled
    for name in ("block1", "block2"):
        block = getattr(module, name)
        inner = straight(convolved(at, *folded(block.conv1, block.bn1), 1, 1))
        branch = convolved(inner, *folded(block.conv2, block.bn2), 1, 1)
        values[name] = at = straight(added(at, branch))
    mean = averaged(at, lambda t: t.mean((2, 3)))
    values["mean"] = mean
    return values, combined(mean, module.head, sign)


def test_excitation_is_that_of_the_paper_through_batch_norms_residuals_and_pools():
    module, x = residual(), pictures(side=24)
    leaf = x.clone().requires_grad_()
    values, out = forward_by_hand(module, leaf)
    torch.testing.assert_close(out, module(x))
    net = st.open(module)
    for layer in ("pool", "block1", "block2"):
        (expected,) = torch.autograd.grad(out[:, 3].sum(), values[layer], retain_graph=True)
        found = st.excitation_backprop(net, x, target=3, layer=layer)
        np.testing.assert_allclose(found.values, expected.numpy(), rtol=1e-5, atol=1e-9)
        assert found.passes == Passes(4, 2)


def test_the_contrast_is_taken_below_the_last_layer_and_what_speaks_for_the_dual_is_nothing():
    module, x = residual(), pictures(side=24)
    values, out = forward_by_hand(module, x.clone().requires_grad_())
    dual_values, dual = forward_by_hand(module, x.clone().requires_grad_(), sign=-1)
    (above,) = torch.autograd.grad(out[:, 3].sum(), values["mean"], retain_graph=True)
    (below,) = torch.autograd.grad(dual[:, 3].sum(), dual_values["mean"])
    (expected,) = torch.autograd.grad(values["mean"], values["block1"], above - below)
    summed = expected.sum(1, keepdim=True)
    assert summed.min() < 0 < summed.max()
    found = st.contrastive_excitation_backprop(st.open(module), x, target=3, layer="block1")
    np.testing.assert_allclose(found.values, summed.clamp(min=0).numpy(), rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("build", [plain, residual])
def test_probability_is_kept_on_the_way_down(build):
    net, x = st.open(build()), pictures()
    for layer in ("0", "3", "6") if build is plain else ("stem", "block1", "block2"):
        p = st.excitation_backprop(net, x, target=1, layer=layer).values
        assert (p >= 0).all()
        np.testing.assert_allclose(p.sum((1, 2, 3)), 1, atol=0.02)  # less for units that nothing excites


def test_without_biases_excitation_times_the_answer_is_alpha_one_beta_zero():
    """The map of Bach et al., 2015, at a layer."""
    module = plain()
    for layer in module:
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.bias.data.zero_()
    module[4].reset_running_stats()
    module[4].bias.data.zero_()
    module[4].weight.data.fill_(1)
    net, x = st.open(module), pictures()
    from seethrough.graph.composite import composite
    from seethrough.graph.relevance import alpha_beta

    rule = partial(alpha_beta, alpha=1.0, beta=0.0, eps=1e-14)
    run = Run(net.source, x, lambda out, rows: out[:, 1], keeps=True)
    expected = run.gradient("2", composite(run.graph, convolution=rule, linear=rule, affine=rule))
    found = st.excitation_backprop(net, x, target=1, layer="2")
    scaled = found.values * found.scores[:, None, None, None]
    np.testing.assert_allclose(scaled, expected.numpy(), rtol=1e-4, atol=1e-5 * np.abs(scaled).max())


# --- deep Taylor ------------------------------------------------------------------------------------------------------


def by_hand(weights, x, low, high):
    """Deep Taylor of a network of dense rectified layers without biases: eq. 12 above, eq. 14 (or 13) at the input."""
    values = [x]
    for w in weights:
        values.append(np.maximum(w @ values[-1], 0))
    r = np.where(np.arange(len(values[-1])) == 0, values[-1], 0)
    for w, a in zip(weights[:0:-1], values[-2:0:-1]):
        terms = np.maximum(w, 0) * a
        z = terms.sum(1)
        r = (terms / np.where(z > 0, z, 1)[:, None] * r[:, None]).sum(0)
    w = weights[0]
    terms = w * x - np.maximum(w, 0) * low - np.minimum(w, 0) * high if low is not None else w**2
    return (terms / terms.sum(1)[:, None] * r[:, None]).sum(0)


class Dense(nn.Module):
    def __init__(self, weights):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(w.shape[1], w.shape[0], bias=False) for w in weights)
        with torch.no_grad():
            for layer, w in zip(self.layers, weights):
                layer.weight.copy_(torch.from_numpy(w))

    def forward(self, x):
        x = x.flatten(1)
        for layer in self.layers:
            x = F.relu(layer(x))
        return x


@pytest.mark.parametrize("bounded", [True, False])
def test_deep_taylor_is_that_of_the_paper(bounded):
    random = np.random.default_rng(4)
    weights = [random.normal(size=s) for s in ((9, 12), (7, 9), (3, 7))]
    weights[-1][0] = np.abs(weights[-1][0])  # an answer above zero
    x = random.uniform(0, 1, size=12)
    module = Dense(weights).double()
    picture = torch.from_numpy(x).view(1, 3, 2, 2)
    net = st.open(module, input_size=(3, 2, 2))
    run = Run(net.source, picture, lambda out, rows: out[:, 0], black=torch.zeros(1, 3, 1, 1).double(),
              white=torch.ones(1, 3, 1, 1).double())  # fmt: skip
    from seethrough.attribution.excitation import deep_taylor

    outcome = deep_taylor(run, bounded=bounded)
    expected = by_hand(weights, x, *((0.0, 1.0) if bounded else (None, None)))
    np.testing.assert_allclose(outcome.values.numpy().ravel(), expected, rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(outcome.values.sum(), run.scores.sum(), rtol=1e-5)
    assert outcome.values.min() >= 0
    assert outcome.checks["taylor_biases"] == {"above": 0, "biases": 0}


def test_deep_taylor_keeps_the_answer_whatever_the_biases_and_says_how_many_are_above_zero():
    module, x = residual(), pictures(side=24)
    target = module(x).argmax(1).tolist()
    found = st.deep_taylor(st.open(module), x, target=target)
    assert (found.scores > 0).all() and (found.values >= 0).all()
    np.testing.assert_allclose(found.values.sum((1, 2, 3)), found.scores, rtol=0.02)
    numbers = next(n.numbers for n in found.checks if n.name == "taylor_biases")
    biases = [folded(c, b)[1] for c, b in ((module.stem, module.bn), *(
        (getattr(m, f"conv{i}"), getattr(m, f"bn{i}")) for m in (module.block1, module.block2) for i in (1, 2)))]  # fmt: skip
    biases.append(module.head.bias)
    assert numbers["above"] == sum(int((b > 0).sum()) for b in biases) and numbers["biases"] == sum(map(len, biases))


def test_of_an_answer_below_zero_there_is_nothing_to_share():
    module, x = residual(), pictures(side=24)
    found = st.deep_taylor(st.open(module), x, target=module(x).argmin(1).tolist())
    assert (found.scores < 0).all() and not found.values.any()
    assert [n.level for n in found.checks if n.name == "flat_map"] == ["warning"] * 2


REFUSED = {
    "silu": lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.SiLU(), nn.Flatten(), nn.Linear(784, 3)),
    "group_norm": lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.GroupNorm(2, 4), nn.ReLU(), nn.Flatten(), nn.Linear(784, 3)),
    "softmax": lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.Softmax(1), nn.Flatten(), nn.Linear(784, 3)),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("method", [st.excitation_backprop, st.contrastive_excitation_backprop, st.deep_taylor])
def test_networks_of_other_units_are_refused_by_the_operation_and_told_what_to_use(name, method):
    with pytest.raises(NetworkRefused, match=rf"networks of rectifiers.*{name!r}.*use lrp"):
        method(st.open(REFUSED[name]().eval()), pictures().float(), target=0)


def test_a_network_whose_answer_is_no_linear_layers_has_no_contrast():
    class Largest(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.other = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3)

        def forward(self, x):
            return (F.relu(self.conv(x)) + F.relu(self.other(x))).amax((2, 3))

    with pytest.raises(NetworkRefused, match="linear layer whose outputs are the answer; use excitation_backprop"):
        st.contrastive_excitation_backprop(st.open(Largest().eval()), pictures().float(), target=0, layer="conv")
