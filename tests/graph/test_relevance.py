"""Each relevance rule is what its formula says of the layer written out as one matrix, in float64."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import seethrough as st
from seethrough.graph import relevance as rules
from seethrough.graph.composite import composite
from seethrough.graph.run import Run

EPS = 1e-6


class Function(nn.Module):
    def __init__(self, function, *parts):
        super().__init__()
        self.function, self.parts = function, nn.ModuleList(parts)

    def forward(self, x):
        return self.function(x, *self.parts)


def lively(norm):
    """A normalisation with statistics and weights of its own, some of them negative."""
    for t in (norm.running_mean, norm.weight.data, norm.bias.data):
        t.normal_()
    norm.running_var.uniform_(0.3, 2)
    return norm


def matrix():
    return Function(lambda x, p: x.flatten(1) @ p[0] + p[1], nn.ParameterList([torch.randn(12, 7), torch.randn(7)]))


def addmm():
    numbers = nn.ParameterList([torch.randn(7), torch.randn(12, 7)])
    return Function(lambda x, p: torch.addmm(p[0], x.flatten(1), p[1]), numbers)


def keras_like():
    """Convolution, then ``(z − m) · s + t`` by constants, as Keras' batch normalisation runs."""
    m, s, t = (torch.randn(1, 5, 1, 1).double() for _ in range(3))
    return Function(lambda x, conv: (conv(x) - m) * s + t, nn.Conv2d(3, 5, 2))


LAYERS = {
    "convolution": (lambda: nn.Conv2d(3, 4, 3, stride=2, padding=1), (3, 5, 6)),
    "dilated, same, without bias": (lambda: nn.Conv2d(2, 3, 3, padding="same", dilation=2, bias=False), (2, 5, 5)),
    "in groups": (lambda: nn.Conv2d(4, 6, 3, groups=2, padding=1), (4, 4, 4)),
    "depthwise": (lambda: nn.Conv2d(4, 4, 3, groups=4, padding=1), (4, 4, 4)),
    "one axis": (lambda: nn.Conv1d(3, 4, 3), (3, 7)),
    "transposed in groups": (lambda: nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, groups=2), (4, 3, 3)),
    "linear": (lambda: nn.Sequential(nn.Flatten(), nn.Linear(12, 5)), (3, 2, 2)),
    "linear on the last axis": (lambda: nn.Linear(4, 5), (3, 4)),
    "a matrix and a bias behind it": (matrix, (3, 2, 2)),
    "addmm": (addmm, (3, 2, 2)),
    "convolution and batch norm": (lambda: nn.Sequential(nn.Conv2d(3, 5, 3), lively(nn.BatchNorm2d(5))), (3, 5, 4)),
    "no bias and batch norm": (
        lambda: nn.Sequential(nn.Conv2d(4, 6, 3, bias=False, groups=2), lively(nn.BatchNorm2d(6))),
        (4, 4, 4),
    ),
    "transposed and batch norm": (
        lambda: nn.Sequential(nn.ConvTranspose2d(4, 6, 2, groups=2), lively(nn.BatchNorm2d(6))),
        (4, 3, 3),
    ),
    "linear and batch norm": (
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(12, 5), lively(nn.BatchNorm1d(5))),
        (3, 2, 2),
    ),
    "as Keras runs it": (keras_like, (3, 4, 4)),
}


def written_out(module, x):
    """The matrix (outputs, inputs) and bias of a module that is an affine map."""
    zero = module(torch.zeros_like(x[:1])).flatten()
    basis = torch.eye(x[0].numel(), dtype=x.dtype).reshape(-1, *x.shape[1:])
    return (module(basis).flatten(1) - zero).T.detach().numpy(), zero.detach().numpy()


def walked(module, x, **layers):
    """Relevance of the inputs and of the outputs, for a target that weighs the outputs."""
    module = nn.Sequential(module, nn.Flatten())
    net = st.open(module, input_size=tuple(x.shape[1:]))
    weights = torch.randn(module(x[:1]).shape, generator=torch.Generator().manual_seed(5), dtype=x.dtype)
    prepared = net.prepare(x)
    run = Run(net.source_of(prepared), prepared.batch, lambda out, _: (out * weights).sum(1), keeps=True)
    found = run.gradient("", composite(run.graph, **layers))
    return found.flatten(1).numpy(), (weights * module(x)).detach().numpy()


def stable(z, eps=EPS):
    size = np.sqrt((z**2).mean())
    return z + np.where(z < 0, -1, 1) * eps * size


def pos(a):
    return np.maximum(a, 0)


def neg(a):
    return np.minimum(a, 0)


def by_hand(rule, w, b, x, r, *, low=None, high=None):
    """One picture: R of the inputs, from the matrix of what each input gives each output."""
    gives = w * x
    z = gives.sum(1) + b
    if rule == "zero":
        return (gives / z[:, None] * r[:, None]).sum(0)
    if rule in ("epsilon", "strong epsilon"):
        return (gives / stable(z, EPS if rule == "epsilon" else 0.3)[:, None] * r[:, None]).sum(0)
    if rule == "z_plus":
        return (pos(gives) / stable(pos(gives).sum(1) + pos(b))[:, None] * r[:, None]).sum(0)
    if rule == "z_plus without bias":
        return (pos(gives) / stable(pos(gives).sum(1))[:, None] * r[:, None]).sum(0)
    if rule == "alpha_beta":
        against = neg(gives) / stable(neg(gives).sum(1) + neg(b))[:, None]
        return 3 * by_hand("z_plus", w, b, x, r) - 2 * (against * r[:, None]).sum(0)
    if rule == "gamma":
        more, less = gives + 0.4 * pos(gives), gives + 0.4 * neg(gives)
        up = more / stable(more.sum(1) + b + 0.4 * pos(b))[:, None] * (r * (z > 0))[:, None]
        down = less / stable(less.sum(1) + b + 0.4 * neg(b))[:, None] * (r * (z < 0))[:, None]
        return up.sum(0) + down.sum(0)
    if rule == "z_box":
        gives = w * x - pos(w) * low - neg(w) * high
    if rule == "w_square":
        gives = w**2
    if rule == "flat":
        gives = (w != 0).astype(float)
    return (gives / stable(gives.sum(1))[:, None] * r[:, None]).sum(0)


RULES = {
    "zero": (rules.epsilon, {"eps": 0.0}),
    "epsilon": (rules.epsilon, {}),
    "strong epsilon": (rules.epsilon, {"eps": 0.3}),
    "gamma": (rules.gamma, {"favour": 0.4}),
    "z_plus": (rules.z_plus, {}),
    "z_plus without bias": (rules.z_plus, {"bias": False}),
    "alpha_beta": (rules.alpha_beta, {"alpha": 3.0, "beta": 2.0}),
    "w_square": (rules.w_square, {}),
    "flat": (rules.flat, {}),
    "z_box": (rules.z_box, {}),
}


def agrees(found, expected):
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("sign", ["either sign", "behind a rectifier"])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("layer", LAYERS)
def test_a_rule_is_its_formula_on_the_layer_written_out_as_a_matrix(layer, rule, sign):
    torch.manual_seed(3)
    make, shape = LAYERS[layer]
    module, x = make().double().eval(), torch.randn(2, *shape).double()
    x = x.relu() if sign == "behind a rectifier" else x
    function, settings = RULES[rule]
    low, high = x.amin(0, keepdim=True) - 0.1, x.amax(0, keepdim=True) + 0.2

    def layer_rule(one, piece, relevance):
        shape = (1, *one.given(piece).shape[1:])
        box = {"low": low.reshape(shape), "high": high.reshape(shape)} if rule == "z_box" else {}
        return function(one, piece, relevance, **settings, **box)

    found, arrived = walked(module, x, convolution=layer_rule, linear=layer_rule)
    w, b = written_out(module, x)
    edges = {"low": low.flatten().numpy(), "high": high.flatten().numpy()}
    for i in range(len(x)):
        agrees(found[i], by_hand(rule, w, b, x[i].flatten().numpy(), arrived[i], **edges))


@pytest.mark.parametrize("rule", [name for name in RULES if name != "z_box"])
def test_a_normalisation_that_stands_alone_is_a_linear_layer_with_a_weight_a_channel(rule):
    torch.manual_seed(3)
    # Pooling over one place is nothing but a step in front: what stands at the image itself prepares its pixels.
    module = nn.Sequential(nn.MaxPool2d(1), lively(nn.BatchNorm2d(3))).double().eval()
    x = torch.randn(2, 3, 4, 4).double()
    function, settings = RULES[rule]
    found, arrived = walked(module, x, affine=lambda *given: function(*given, **settings))
    w, b = written_out(module, x)
    w[np.abs(w) < 1e-12] = 0
    for i in range(len(x)):
        agrees(found[i], by_hand(rule, w, b, x[i].flatten().numpy(), arrived[i]))


def halves(operation):
    return Function(lambda x: operation(*x.chunk(2, 1)))


LINEAR = {
    "add": halves(torch.add),
    "add a multiple": halves(lambda a, b: torch.add(a, b, alpha=-0.7)),
    "subtract": halves(torch.sub),
    "average pooling": nn.AvgPool2d(3, 2, 1),
    "average pooling, padding not counted": nn.AvgPool2d(3, 2, 1, count_include_pad=False),
    "adaptive average pooling": nn.AdaptiveAvgPool2d((2, 3)),
    "mean": Function(lambda x: x.mean((2, 3))),
    "sum": Function(lambda x: x.sum(1)),
    "running sum": Function(lambda x: x.cumsum(2)),
    "bilinear": nn.Upsample(scale_factor=2, mode="bilinear"),
    "nearest": nn.Upsample(scale_factor=2),
    "a constant added": Function(lambda x: x + torch.linspace(-1, 1, 5).double()),
    "times a constant": Function(lambda x: x * torch.linspace(-1, 1, 5).double()),
    "a constant minus": Function(lambda x: 1 - x),
    "reflected padding": nn.ReflectionPad2d(1),
    "padding": nn.ZeroPad2d(1),
    "permuted": Function(lambda x: x.permute(0, 2, 3, 1)),
    "selected": Function(lambda x: x[:, 1:, ::2]),
    "joined": halves(lambda a, b: torch.cat([b, a, b], 2)),
    "cut up": nn.Unfold(2),
    "flipped": Function(lambda x: x.flip(3)),
    "shuffled pixels": nn.PixelShuffle(2),
}


@pytest.mark.parametrize("operation", LINEAR)
def test_what_is_linear_shares_in_proportion_to_what_each_input_gave(operation):
    torch.manual_seed(4)
    module, x = LINEAR[operation].double(), torch.randn(2, 4, 4, 5).double()
    # A layer in front, so that the operation isn't between the image and the first layer.
    front = nn.Conv2d(4, 4, 1, bias=False).double()
    front.weight.data = torch.eye(4).reshape(4, 4, 1, 1).double()
    found, arrived = walked(nn.Sequential(front, module), x)
    w, b = written_out(module, x)
    for i in range(len(x)):
        agrees(found[i], by_hand("epsilon", w, b, x[i].flatten().numpy(), arrived[i]))


def gave(module, x):
    return walked(module.double().eval(), x.double())


@pytest.mark.parametrize(
    "gate",
    [
        lambda x, fc: x * torch.sigmoid(fc(x.mean((2, 3))))[..., None, None],
        lambda x, fc: F.hardsigmoid(fc(x.mean((2, 3)))).reshape(-1, 3, 1, 1) * x,
        lambda x, fc: x * (F.relu6(x + 3) / 6),
        lambda x, fc: x * torch.sigmoid(x.flip(3)),
        lambda x, fc: x / (1 + x.square().sum(1, keepdim=True)),
        lambda x, fc: x * F.softmax(x.flatten(2), 2).unflatten(2, x.shape[2:]),
    ],
    ids=["squeeze and excite", "hard, reversed", "hardswish by hand", "gate of its size", "divided", "by a softmax"],
)
def test_a_gate_counts_as_constant_and_the_signal_gets_all(gate):
    torch.manual_seed(0)
    x = torch.randn(2, 3, 4, 4)
    found, arrived = gave(Function(gate, nn.Linear(3, 3)), x)
    agrees(found, arrived)


def test_of_two_factors_that_both_carry_each_gets_half():
    torch.manual_seed(0)
    found, arrived = gave(halves(torch.mul), torch.randn(2, 4, 3, 3))
    agrees(found, np.concatenate([arrived, arrived], 1) / 2)


@pytest.mark.parametrize("act", [nn.ReLU(), nn.ReLU6(), nn.LeakyReLU(0.2), nn.Sigmoid(), nn.ELU(), nn.Softplus()])
def test_activations_hand_relevance_on(act):
    found, arrived = gave(
        nn.Sequential(act, nn.MaxPool2d(1)), torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    )
    agrees(found, arrived)


@pytest.mark.parametrize(
    "largest",
    [nn.MaxPool2d(2), nn.AdaptiveMaxPool2d(2), Function(lambda x: F.max_pool2d(x, 2, return_indices=True)[0])],
)
def test_the_winner_of_max_pooling_takes_all(largest):
    x = torch.arange(16.0).flip(0).reshape(1, 1, 4, 4) + 1
    found, arrived = gave(largest, x)
    expected = np.zeros((4, 4))
    expected[::2, ::2] = arrived.reshape(2, 2)
    agrees(found, expected.reshape(1, -1))
