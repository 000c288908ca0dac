"""DeepLIFT and DeepSHAP as Captum and SHAP have them where they are right; where their maxima lose contributions, ours
don't.
"""

import numpy as np
import pytest
import torch
from torch import nn

import seethrough as st

pytestmark = pytest.mark.filterwarnings("ignore")  # Captum speaks of its hooks, SHAP of the place of its imports


@pytest.fixture(scope="module")
def captum():
    return pytest.importorskip("captum.attr", reason="Captum isn't installed; it comes with the extra `bench`")


@pytest.fixture(scope="module")
def shap():
    return pytest.importorskip("shap", reason="SHAP isn't installed")


def network(pool):
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 1), pool, nn.Conv2d(8, 10, 3), nn.Sigmoid(),
        nn.AdaptiveAvgPool2d(3), nn.Flatten(), nn.Linear(90, 16), nn.ELU(), nn.Linear(16, 6),
    ).eval()  # fmt: skip
    module[1].running_mean.normal_()
    module[1].running_var.uniform_(0.5, 2)
    return module


def pictures(count, seed):
    return torch.randn(count, 3, 16, 16, generator=torch.Generator().manual_seed(seed))


def agree(ours, theirs, tolerance=1e-4):
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance * np.abs(theirs).max())


POOLS = {"average": nn.AvgPool2d(2), "maximum": nn.MaxPool2d(2), "neither": nn.LeakyReLU()}


@pytest.mark.parametrize("pool", POOLS)
def test_deeplift_is_that_of_captum(captum, pool):
    module, x, start = network(POOLS[pool]), pictures(3, 1), pictures(1, 2)
    theirs = captum.DeepLift(module).attribute(x, start.expand_as(x).clone(), target=[0, 3, 5])
    agree(st.deeplift(st.open(module), x, target=[0, 3, 5], baseline=start).values, theirs.detach().numpy())


@pytest.mark.parametrize("pool", POOLS)
def test_deepshap_is_that_of_shap(shap, pool):
    module, x, starts = network(POOLS[pool]), pictures(2, 1), pictures(4, 2)
    theirs = shap.DeepExplainer(module, starts).shap_values(x)[..., 3]
    ours = st.deepshap(st.open(module), x, target=3, baselines=[s[None] for s in starts]).values
    agree(ours, theirs)


def test_windows_that_overlap_lose_contributions_in_both_peers_and_not_here(captum, shap):
    """Their unpooling writes one window's share over another's: 3 × 3 in steps of 2, as in every ResNet."""
    module, x, start = network(nn.MaxPool2d(3, 2, 1)), pictures(2, 1), pictures(1, 2)
    with torch.no_grad():
        rise = (module(x) - module(start))[:, 3].numpy()
    ours = st.deeplift(st.open(module), x, target=3, baseline=start).values
    np.testing.assert_allclose(ours.sum((1, 2, 3)), rise, rtol=1e-4)
    captums = captum.DeepLift(module).attribute(x, start.expand_as(x).clone(), target=3).detach().numpy()
    shaps = shap.DeepExplainer(module, start).shap_values(x, check_additivity=False)[..., 3]
    for theirs in (captums, shaps):
        assert (np.abs(theirs.sum((1, 2, 3)) - rise) > 1e-2 * np.abs(rise)).all()


def test_a_maximum_right_behind_a_rectifier_loses_contributions_in_captum_and_not_here(captum):
    """As in every VGG; Captum's two backward hooks get into each other's way."""
    module, x, start = network(nn.Identity()), pictures(2, 1), pictures(1, 2)
    module = nn.Sequential(*module[:3], nn.MaxPool2d(2), *module[3:])
    with torch.no_grad():
        rise = (module(x) - module(start))[:, 3].numpy()
    ours = st.deeplift(st.open(module), x, target=3, baseline=start).values
    np.testing.assert_allclose(ours.sum((1, 2, 3)), rise, rtol=1e-4)
    theirs = captum.DeepLift(module).attribute(x, start.expand_as(x).clone(), target=3).detach().numpy()
    assert (np.abs(theirs.sum((1, 2, 3)) - rise) > 1e-2 * np.abs(rise)).all()


def test_a_functional_rectifier_is_no_other_here_and_silently_the_gradient_in_captum(captum):
    class Functional(nn.Module):
        def __init__(self):
            super().__init__()
            self.parts = network(nn.Identity())

        def forward(self, x):
            return self.parts[3:](torch.relu(self.parts[:2](x)))

    # In double precision: in single, Captum divides differences that are but rounding.
    module, x, start = Functional().eval().double(), pictures(2, 1).double(), pictures(1, 2).double()
    right = captum.DeepLift(module.parts).attribute(x, start.expand_as(x).clone(), target=1).detach().numpy()
    agree(st.deeplift(st.open(module), x, target=1, baseline=start).values, right)
    theirs = captum.DeepLift(module).attribute(x, start.expand_as(x).clone(), target=1).detach().numpy()
    assert np.abs(theirs - right).max() > 0.05 * np.abs(right).max()
