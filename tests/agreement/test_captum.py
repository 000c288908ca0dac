"""Where Captum can do a network, we say what it says; where it can't, we are right against one rewritten by hand."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import seethrough as st

attr = pytest.importorskip("captum.attr", reason="Captum isn't installed; it comes with the extra `bench`")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # Captum speaks of its hooks and of leaves


class Block(nn.Module):
    """Residual, its ReLUs modules of their own and not in place, as Captum's hooks need them."""

    def __init__(self, channels):
        super().__init__()
        self.conv1, self.conv2 = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))
        self.bn, self.relu1, self.relu2 = nn.BatchNorm2d(channels), nn.ReLU(), nn.ReLU()

    def forward(self, x):
        return self.relu2(x + self.conv2(self.relu1(self.bn(self.conv1(x)))))


def plain():
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 10, 3), nn.BatchNorm2d(10), nn.ReLU(),
        nn.AvgPool2d(2), nn.Flatten(), nn.Linear(90, 16), nn.ReLU(), nn.Linear(16, 6),
    )  # fmt: skip


def residual():
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, stride=2), nn.ReLU(), Block(6), Block(6),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 6),
    )  # fmt: skip


def mixed():
    """Other activations too, which guided methods leave as they are."""
    return nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.SiLU(), nn.Conv2d(6, 6, 3, groups=2), nn.ReLU(), nn.Conv2d(6, 4, 1), nn.Sigmoid(),
        nn.AdaptiveMaxPool2d(2), nn.Flatten(), nn.Linear(16, 6),
    )  # fmt: skip


BUILDS = {"plain": plain, "residual": residual, "mixed": mixed}
TARGETS = [2, 5, 0]


@pytest.fixture(params=BUILDS)
def module(request):
    torch.manual_seed(0)
    built = BUILDS[request.param]().eval()
    for layer in built.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_()
            layer.running_var.uniform_(0.5, 2)
    return built


@pytest.fixture
def x():
    return torch.randn(3, 3, 18, 18, generator=torch.Generator().manual_seed(1))[:, :, 1:17, 1:17].contiguous()


def agree(ours, theirs, tolerance=1e-5):
    theirs = theirs.detach().numpy()
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance * np.abs(theirs).max())


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (st.input_x_gradient, "InputXGradient"),
        (st.guided_backprop, "GuidedBackprop"),
        (st.deconvnet, "Deconvolution"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_gradient_methods(module, x, ours, theirs):
    agree(ours(st.open(module), x, target=TARGETS).values, getattr(attr, theirs)(module).attribute(x, target=TARGETS))


def test_saliency(module, x):
    found = st.saliency(st.open(module), x, target=TARGETS)
    signed = attr.Saliency(module).attribute(x, target=TARGETS, abs=False)
    agree(found.values, signed)
    agree(found.map, signed.abs().amax(1))


def test_integrated_gradients_with_the_same_nodes(module, x):
    baseline = torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(2))
    found = st.integrated_gradients(st.open(module), x, target=TARGETS, baseline=baseline, steps=20, nodes="gauss")
    peer = attr.IntegratedGradients(module)
    theirs, delta = peer.attribute(
        x, baseline.expand_as(x), TARGETS, n_steps=20, method="gausslegendre", return_convergence_delta=True
    )
    agree(found.values, theirs)
    numbers = [note.numbers for note in found.checks if note.name == "completeness"]
    np.testing.assert_allclose([n["sum"] - n["rise"] for n in numbers], delta.numpy(), atol=1e-4)


@pytest.mark.parametrize("layer", ["0", "3"])  # convolutions, a residual block, a rectifier
def test_gradcam(module, x, layer):
    theirs = attr.LayerGradCam(module, module[int(layer)]).attribute(x, target=TARGETS, relu_attributions=True)
    agree(st.gradcam(st.open(module), x, target=TARGETS, layer=layer).values, theirs[:, 0])


@pytest.mark.parametrize(("window", "stride"), [((5, 4), (3, 4)), ((16, 3), (16, 2)), ((7, 7), (5, 5))])
def test_occlusion(module, x, window, stride):
    found = st.occlusion(st.open(module), x, target=TARGETS, window=window, stride=stride, fill=0.25)
    theirs = attr.Occlusion(module).attribute(
        x, (3, *window), strides=(3, *stride), baselines=0.25, target=TARGETS, perturbations_per_eval=4
    )
    for channel in range(3):
        agree(found.values, theirs[:, channel], 1e-4)


# --- right where Captum can't be ------------------------------------------------------------------------------------


class Guided(torch.autograd.Function):
    """A rectifier whose gradient is that of guided backpropagation, written down without us."""

    @staticmethod
    def forward(context, x):
        out = x.clamp(min=0)
        context.save_for_backward(out)
        return out

    @staticmethod
    def backward(context, g):
        (out,) = context.saved_tensors
        return g.clamp(min=0) * (out > 0)


class Deconvolved(torch.autograd.Function):
    @staticmethod
    def forward(context, x):
        return x.clamp(min=0)

    @staticmethod
    def backward(context, g):
        return g.clamp(min=0)


class Calls(nn.Module):
    """One network whose rectifiers are called as ``rectify`` says, thrice."""

    def __init__(self, rectify):
        super().__init__()
        torch.manual_seed(3)
        self.conv1, self.conv2, self.fc = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3, padding=1), nn.Linear(8, 6)
        self.rectify = rectify

    def forward(self, x):
        x = self.rectify(self.conv1(x))
        x = self.rectify(x + self.conv2(x))
        return self.fc(self.rectify(F.max_pool2d(x, 2) - 0.1).mean((2, 3)))


class Sparing(nn.Module):
    """In place, by arithmetic on views, as people write it to save memory."""

    def forward(self, x):
        x += 0
        return F.relu_(x)


SPELLINGS = {
    "functional": F.relu,
    "method": torch.Tensor.relu,
    "in place function": lambda x: F.relu(x, inplace=True),
    "one module reused": nn.ReLU(),
    "one in-place module reused": nn.ReLU(inplace=True),
    "sparing": Sparing(),
    "clamp": lambda x: x.clamp(min=0),
    "clamp_min": lambda x: torch.clamp_min(x, 0),
    "maximum": lambda x: torch.maximum(x, torch.zeros(())),
    "hardtanh without a cap in reach": nn.Hardtanh(0.0, 1e6),
    "inside checkpointing": lambda x: torch.utils.checkpoint.checkpoint(F.relu, x, use_reentrant=False),
}


@pytest.mark.parametrize(("ours", "rule"), [(st.guided_backprop, Guided), (st.deconvnet, Deconvolved)])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_guided_methods_are_right_however_a_rectifier_is_spelled(spelling, ours, rule, x):
    leaf = x.clone().requires_grad_()
    score = Calls(rule.apply)(leaf)[range(3), TARGETS]
    (expected,) = torch.autograd.grad(score.sum(), leaf)
    before = x.clone()
    agree(ours(st.open(Calls(SPELLINGS[spelling])), x, target=TARGETS).values, expected)
    assert torch.equal(x, before)


def test_captum_is_silently_wrong_on_a_functional_rectifier(x):
    """The reason for the test above: if this ever fails, Captum has learned it."""
    module = Calls(F.relu)
    theirs = attr.GuidedBackprop(module).attribute(x, target=TARGETS)
    plain_gradient = attr.Saliency(module).attribute(x, target=TARGETS, abs=False)
    np.testing.assert_allclose(theirs.detach(), plain_gradient, atol=1e-7)
    ours = st.guided_backprop(st.open(module), x, target=TARGETS).values
    assert np.abs(ours - theirs.detach().numpy()).max() > 0.1 * np.abs(ours).max()


def test_a_capped_rectifier_is_one(x):
    """`nn.ReLU6`, of which torch keeps the derivative between 0 and 6."""

    class Guided6(Guided):
        @staticmethod
        def backward(context, g):
            (out,) = context.saved_tensors
            return g.clamp(min=0) * ((out > 0) & (out < 6))

    leaf = (x * 20).requires_grad_()
    (expected,) = torch.autograd.grad(Calls(lambda v: Guided6.apply(v).clamp(max=6))(leaf)[:, 1].sum(), leaf)
    agree(st.guided_backprop(st.open(Calls(nn.ReLU6())), x * 20, target=1).values, expected)
