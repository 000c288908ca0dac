"""Layers and samples: where Captum is right we say what it says; where it isn't, the test says why and what is right."""

import numpy as np
import pytest
import torch
from torch import nn

import seethrough as st

attr = pytest.importorskip("captum.attr", reason="Captum isn't installed; it comes with the extra `bench`")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

TARGETS = [2, 5, 0]
X = torch.randn(3, 3, 14, 12, generator=torch.Generator().manual_seed(1))
BASELINE = 0.3 * torch.randn(1, 3, 14, 12, generator=torch.Generator().manual_seed(2))


class Net(nn.Module):
    """A residual beside the second convolution; activations that are and that aren't piecewise linear."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv1, self.conv2, self.conv3 = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(8, 6, 3)
        self.relu1, self.relu2, self.silu = nn.ReLU(), nn.ReLU(), nn.SiLU()
        self.fc1, self.fc2 = nn.Linear(6 * 4, 12), nn.Linear(12, 6)
        self.pool = nn.AdaptiveAvgPool2d(2)

    def forward(self, x):
        a = self.relu1(self.conv1(x))
        b = self.silu(self.conv2(a)) + a
        return self.fc2(self.relu2(self.fc1(self.pool(self.conv3(b)).flatten(1))))


@pytest.fixture(scope="module")
def module():
    return Net().eval()


@pytest.fixture(scope="module")
def net(module):
    return st.open(module, input_size=(3, 14, 12))


def agree(ours, theirs, tolerance=1e-4):
    theirs = theirs.detach().numpy()
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance * np.abs(theirs).max())


def alike(ours, theirs):
    return np.corrcoef(ours.ravel(), theirs.detach().numpy().ravel())[0, 1]


LAYERS = ["conv1", "relu1", "conv2", "conv3", "fc1"]


@pytest.mark.parametrize("layer", LAYERS)
def test_layer_gradient_x_activation(module, net, layer):
    theirs = attr.LayerGradientXActivation(module, getattr(module, layer)).attribute(X, target=TARGETS)
    agree(st.layer_gradient_x_activation(net, X, target=TARGETS, layer=layer).values, theirs)


@pytest.mark.parametrize("layer", LAYERS)
def test_layer_integrated_gradients_with_the_same_nodes(module, net, layer):
    peer = attr.LayerIntegratedGradients(module, getattr(module, layer))
    theirs = peer.attribute(X, BASELINE.expand_as(X), TARGETS, n_steps=20, method="gausslegendre")
    settings = {"target": TARGETS, "layer": layer, "baseline": BASELINE}
    agree(st.layer_integrated_gradients(net, X, steps=20, nodes="gauss", **settings).values, theirs)
    many = peer.attribute(X, BASELINE.expand_as(X), TARGETS, n_steps=300, method="riemann_middle")
    assert alike(st.layer_integrated_gradients(net, X, **settings).values, many) > 0.999


@pytest.mark.parametrize("layer", LAYERS)
def test_internal_influence_with_the_same_nodes(module, net, layer):
    peer = attr.InternalInfluence(module, getattr(module, layer))
    theirs = peer.attribute(X, BASELINE.expand_as(X), TARGETS, n_steps=20, method="gausslegendre")
    agree(st.internal_influence(net, X, target=TARGETS, layer=layer, baseline=BASELINE, steps=20).values, theirs)


@pytest.mark.parametrize("layer", LAYERS)
def test_conductance_on_the_same_points(module, net, layer):
    """Captum takes the gradient at the beginning of each difference; there and back, its mean is ours."""
    peer = attr.LayerConductance(module, getattr(module, layer))
    points = {"target": TARGETS, "n_steps": 16, "method": "riemann_trapezoid"}
    start = BASELINE.expand_as(X).contiguous()
    theirs = (peer.attribute(X, start, **points) - peer.attribute(start, X, **points)) / 2
    agree(st.layer_conductance(net, X, target=TARGETS, layer=layer, baseline=BASELINE, steps=16).values, theirs)


def test_captums_default_conductance_leaves_out_both_ends_of_the_way(module, net):
    """Its differences run between Gauss–Legendre nodes, of which none lies at an end: with few of them a part is lost."""
    peer = attr.LayerConductance(module, module.conv3)
    theirs = peer.attribute(X, BASELINE.expand_as(X), TARGETS, n_steps=4).detach()
    ours = st.layer_conductance(net, X, target=TARGETS, layer="conv3", baseline=BASELINE, steps=4)
    with torch.no_grad():
        rise = (module(X) - module(BASELINE))[range(3), TARGETS].numpy()
    missed = np.abs(theirs.numpy().sum((1, 2, 3)) - rise)
    assert np.abs(ours.values.sum((1, 2, 3)) - rise).max() < missed.max() / 2


@pytest.mark.parametrize("layer", ["conv3", "fc1"])
def test_layer_deeplift(module, net, layer):
    class Separate(Net):
        """Captum's hooks know nothing of a SiLU; without it and the residual both are the same network."""

        def forward(self, x):
            return self.fc2(self.relu2(self.fc1(self.pool(self.conv3(self.relu1(self.conv1(x)))).flatten(1))))

    separate = Separate().eval()
    theirs = attr.LayerDeepLift(separate, getattr(separate, layer)).attribute(X, BASELINE.expand_as(X), TARGETS)
    ours = st.layer_deeplift(
        st.open(separate, input_size=(3, 14, 12)), X, target=TARGETS, layer=layer, baseline=BASELINE
    )
    agree(ours.values, theirs)


# --- sampled --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(st.smoothgrad, "smoothgrad"), (st.smoothgrad_squared, "smoothgrad_sq"), (st.vargrad, "vargrad")],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_noise_tunnels(module, net, ours, theirs):
    """Captum is told each picture's own deviation, which it can't work out; the noise itself is another."""
    torch.manual_seed(0)
    tunnel, found = attr.NoiseTunnel(attr.Saliency(module)), []
    for i in range(3):
        deviation = 0.15 * float(X[i].max() - X[i].min())
        found.append(
            tunnel.attribute(
                X[i : i + 1], nt_type=theirs, nt_samples=400, nt_samples_batch_size=100, stdevs=deviation,
                target=TARGETS[i], abs=False,
            )
        )  # fmt: skip
    values = ours(net, X, target=TARGETS, samples=400).values
    assert alike(values, torch.cat(found)) > 0.98


def test_gradient_shap(module, net):
    """With several references; Captum's own noise on the pictures set to none."""
    references = torch.randn(4, 3, 14, 12, generator=torch.Generator().manual_seed(5))
    torch.manual_seed(0)
    theirs = attr.GradientShap(module).attribute(X, references, n_samples=400, stdevs=0.0, target=TARGETS)
    ours = st.expected_gradients(net, X, target=TARGETS, references=references, samples=400).values
    assert alike(ours, theirs) > 0.98


def test_evenly_spread_samples_are_nearer_to_the_expectation_than_captums_at_the_same_price(module, net):
    references = torch.randn(4, 3, 14, 12, generator=torch.Generator().manual_seed(5))
    exact = np.mean(
        [
            st.integrated_gradients(net, X, target=TARGETS, baseline=r[None], steps=64, nodes="gauss").values
            for r in references
        ],
        0,
    )
    ours, theirs = [], []
    for seed in range(4):
        torch.manual_seed(seed)
        peer = attr.GradientShap(module).attribute(X, references, n_samples=24, stdevs=0.0, target=TARGETS)
        theirs.append(np.abs(peer.detach().numpy() - exact).mean())
        one = st.expected_gradients(net, X, target=TARGETS, references=references, samples=24, seed=seed).values
        ours.append(np.abs(one - exact).mean())
    assert np.mean(ours) < np.mean(theirs) / 2
