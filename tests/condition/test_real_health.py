"""Health of real networks: defects planted into them are found, and what they really have is told."""

import sys
from pathlib import Path

import pytest

import seethrough as st

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from planted import DATA, plant, subjects

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not (DATA / "MANIFEST.md").exists(),
        reason="the real networks and photos aren't here; SEETHROUGH_DATA names their folder",
    ),
]


@pytest.fixture(scope="module")
def resnet():
    (found,) = [s for s in subjects() if s.name == "CIFAR ResNet-20"]
    return found


def test_filters_planted_into_a_residual_network_are_found(resnet):
    net = resnet.fresh()
    planted = plant(net, seed=1)
    health = st.health(net, resnet.pictures()[0][:60])
    for one in planted:
        (finding,) = [f for f in health.findings if (f.name, f.layer) == (one.finding, one.layer)]
        assert set(one.units) <= set(finding.units)


def test_a_stride_of_four_aliases_and_the_clean_network_does_not(resnet):
    pictures = resnet.pictures()[0][:30]
    clean, strided = st.health(resnet.fresh(), pictures), st.health(resnet.strided(), pictures)
    assert "aliasing" not in {f.name for f in clean.findings}
    assert ("aliasing", "conv1") in {(f.name, f.layer) for f in strided.findings}


def test_the_dead_units_of_the_trained_network_have_no_weights_left(resnet):
    """Weight decay has taken them: what is told of them is true of the file."""
    net = resnet.fresh()
    health = st.health(net, resnet.pictures()[0][:60])
    for finding in [f for f in health.findings if f.name == "dead" and f.numbers["no_weights"] == f.numbers["units"]]:
        sizes = net.module.get_submodule(finding.layer).weight.detach().square().mean((1, 2, 3)).sqrt()
        assert sizes[list(finding.units)].max() < 0.05 * sizes.median()
    assert sum(f.name == "dead" for f in health.findings) >= 5
