"""Extremal perturbations: masks of the area asked for, on what the answer needs."""

import pytest
import torch
from masked_material import run_of
from torch import nn
from torch.nn.functional import avg_pool2d

import seethrough as st
from seethrough.attribution import METHODS, Facts
from seethrough.attribution.extremal import extremal_perturbation, smooth
from seethrough.errors import UsageError
from seethrough.results import Passes


class Spots(nn.Module):
    """Looks for brightness in two places, the first of which counts for more."""

    def forward(self, x):
        pooled = avg_pool2d(x.mean(1, keepdim=True), 8)[:, 0]
        return torch.stack([3 * pooled[:, 1, 2] + pooled[:, 5, 5], pooled.mean((1, 2))], 1)


@pytest.fixture
def x():
    return torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)) + 1


SPOT = (slice(8, 16), slice(16, 24))
OTHER = (slice(40, 48), slice(40, 48))


@pytest.mark.parametrize("double", [False, True])
def test_masks_lie_on_what_the_answer_needs(x, double):
    run = run_of(Spots(), x.double() if double else x)
    found = extremal_perturbation(run, areas=(0.05, 0.1), steps=40, fill="zero")
    assert found.values.dtype == run.images.dtype and found.values.shape == (2, 64, 64)
    for mask in found.values:
        assert float(mask.min()) >= 0 and float(mask.max()) <= 1
        assert float(mask[SPOT].mean()) > 0.95 and float(mask[OTHER].mean()) > 0.4
        rest = mask.clone()
        rest[4:20, 12:28] = rest[36:52, 36:52] = 0
        assert float(rest.mean()) < 0.03


@pytest.mark.parametrize("area", [0.05, 0.15, 0.3])
def test_a_mask_has_the_area_that_was_asked_for(x, area):
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 4, 5), nn.ReLU(), nn.Flatten(), nn.Linear(14400, 1))
    mask = extremal_perturbation(run_of(module, x), areas=(area,), steps=60, fill="zero").values
    assert torch.allclose((mask > 0.5).float().mean((1, 2)), torch.tensor(area), atol=0.15 * area + 0.02)


def test_the_smallest_area_that_is_enough_is_said(x):
    check = extremal_perturbation(run_of(Spots(), x), areas=(0.2, 0.01, 0.1), steps=60, fill="zero").checks["enough"]
    assert check["covered"] == [0, 0] and check["area"] == [0.1, 0.1]
    assert all(answer >= 0.9 * whole for answer, whole in zip(check["answer"], check["whole"]))


def test_spots_of_a_lattice_are_round_and_as_strong_as_their_node():
    nodes = torch.zeros(1, 1, 17, 17)
    nodes[0, 0, 8, 8] = 1
    mask = smooth(nodes, 2, (33, 33))[0, 0]
    assert float(mask[16, 16]) == pytest.approx(1, abs=1e-3) and torch.allclose(mask, mask.flip(0), atol=1e-6)
    assert torch.allclose(mask, mask.T, atol=1e-6) and float(mask[0, 0]) < 1e-3
    middle = mask[16, 16:]
    assert (middle.diff() <= 1e-6).all() and float(middle[2]) > 0.9 and float(middle[12]) < 0.1
    assert torch.allclose(smooth(torch.ones(1, 1, 9, 9), 3, (25, 20)), torch.ones(()), atol=0.02)


def test_what_is_declared_is_what_is_sent_through(x):
    run = run_of(Spots(), x[:1])
    run.scores  # noqa: B018
    settings = {"steps": 4, "areas": (0.1, 0.3)}
    extremal_perturbation(run, **settings)
    declared = METHODS["extremal_perturbation"].passes(settings, Facts(64, 64))
    assert run.counter.passes == Passes(1 + declared.forward, declared.backward) == Passes(1 + 8 + 2 + 1, 8)


def test_without_a_gradient_it_is_refused_and_the_way_out_is_named():
    net = st.open(lambda images: images.mean((1, 2)), input_size=(16, 16, 3), preprocessing="unit")
    with pytest.raises(UsageError, match="extremal_perturbation needs a gradient"):
        st.extremal_perturbation(net, torch.rand(1, 16, 16, 3), 0)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"areas": ()}, "parts of the picture between 0 and 1"),
        ({"areas": (0.5, 1.0)}, "parts of the picture between 0 and 1"),
        ({"steps": 0}, "steps ≥ 1 and step ≥ 1"),
        ({"step": 0}, "steps ≥ 1 and step ≥ 1"),
        ({"fill": "inpaint"}, "can't walk back through fill='inpaint'; use 'blur'"),
    ],
)
def test_settings_that_mean_nothing_are_refused(x, wrong, message):
    with pytest.raises(UsageError, match=message):
        extremal_perturbation(run_of(Spots(), x), **wrong)


def test_inputs_without_height_and_width_are_refused():
    with pytest.raises(UsageError, match=r"needs inputs with height and width; .* has the shape \(5,\)"):
        extremal_perturbation(run_of(nn.Linear(5, 2), torch.rand(1, 5)))
