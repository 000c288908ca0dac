"""What objectives say of values, against the same by hand; how they add, and what they refuse."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from seethrough.errors import UsageError
from seethrough.features.objectives import (
    OUTPUT,
    Along,
    Channel,
    Cosine,
    Direction,
    Diversity,
    Each,
    Layer,
    Logit,
    Near,
    Neuron,
    Region,
)

VALUES = {
    "conv": torch.randn(3, 5, 4, 6, generator=torch.Generator().manual_seed(0)),
    "dense": torch.randn(3, 7, generator=torch.Generator().manual_seed(1)),
    OUTPUT: torch.randn(3, 10, generator=torch.Generator().manual_seed(2)),
}
CONV = VALUES["conv"].numpy()
ALONG = np.arange(5, dtype=np.float32) - 1


def read(layer):
    return VALUES[layer]


@pytest.mark.parametrize(
    ("objective", "expected"),
    [
        (Channel("conv", 2), CONV[:, 2].mean((1, 2))),
        (Channel("dense", 6), VALUES["dense"].numpy()[:, 6]),
        (Neuron("conv", 1), CONV[:, 1, 2, 3]),
        (Neuron("conv", 1, (0, 5)), CONV[:, 1, 0, 5]),
        (Neuron("dense", 3), VALUES["dense"].numpy()[:, 3]),
        (Region("conv", 4, 1, 2, 2, 3), CONV[:, 4, 1:3, 2:5].mean((1, 2))),
        (Region("conv", None, 0, 0, 1, 1), CONV[:, :, 0, 0].mean(1)),
        (Layer("conv"), (CONV**2).mean((1, 2, 3))),
        (Direction("conv", ALONG), np.einsum("nchw,c->nhw", CONV, ALONG).mean((1, 2))),
        (Logit(7), VALUES[OUTPUT].numpy()[:, 7]),
    ],
    ids=lambda value: value.name if hasattr(value, "name") else "",
)
def test_an_objective_is_one_number_a_picture(objective, expected):
    np.testing.assert_allclose(objective(read).numpy(), expected, rtol=1e-5)


def test_a_direction_with_a_power_is_dot_times_cosine_to_it():
    norms = np.linalg.norm(CONV, axis=1) * np.linalg.norm(ALONG)
    dot = np.einsum("nchw,c->nhw", CONV, ALONG)
    expected = (dot * np.maximum(dot / norms, 0.1) ** 2).mean((1, 2))
    np.testing.assert_allclose(Direction("conv", ALONG, power=2)(read).numpy(), expected, rtol=1e-4)
    np.testing.assert_allclose(Cosine("conv", ALONG)(read).numpy(), (dot / norms).mean((1, 2)), rtol=1e-4)


def test_objectives_add_scale_and_take_from_each_other():
    both = Channel("conv", 0) - 0.5 * Logit(3, "goldfish") / 2
    np.testing.assert_allclose(both(read), Channel("conv", 0)(read) - 0.25 * Logit(3)(read), rtol=1e-6)
    assert both.layers == ("conv", OUTPUT)
    assert both.name == "conv:0 − 0.25·goldfish"
    assert (-(Logit(1) + Logit(2))).name == "−(output 1 + output 2)"
    with pytest.raises(TypeError):
        Channel("conv", 0) + 1  # a number that is added changes no picture


def test_diversity_falls_as_pictures_resemble_each_other():
    alike = VALUES["conv"][:1].expand(3, -1, -1, -1)
    same, apart = Diversity("conv")(lambda _: alike), Diversity("conv")(read)
    np.testing.assert_allclose(same.numpy(), -2, rtol=1e-5)  # a cosine of 1 with each of two others
    assert (apart > same).all()
    assert not (Channel("conv", 0) + Diversity("conv")).apart


def test_each_picture_has_its_own_objective():
    found = Each((Channel("conv", 3), Logit(1), Channel("conv", 0)))(read)
    expected = [Channel("conv", 3)(read)[0], Logit(1)(read)[1], Channel("conv", 0)(read)[2]]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_near_is_nothing_for_the_same_and_along_is_one():
    there = VALUES["conv"][:1]
    assert float(Near("conv", there)(lambda _: there)) == 0
    assert float(Near("conv", there)(lambda _: 0 * there)) == pytest.approx(-1)
    assert float(Along("conv", there)(lambda _: there)) == pytest.approx(1)
    assert float(Along("conv", there)(lambda _: 3 * there)) == pytest.approx(3)
    assert float(F.cosine_similarity(VALUES["conv"][1].flatten(), there.flatten(), 0)) < 0.5


@pytest.mark.parametrize(
    ("objective", "said"),
    [
        (Channel("conv", 5), "has 5 channels, 0 to 4; 5 is none"),
        (Neuron("conv", 0, (4, 0)), "4 × 6 places"),
        (Region("conv", 0, 2, 2, 3, 3), "isn't inside"),
        (Region("dense", None, 0, 0, 1, 1), "no height and width"),
        (Direction("conv", np.ones(4)), "has 5 numbers"),
        (Logit(10), "has 10 outputs"),
    ],
)
def test_what_a_layer_has_not_is_refused_in_its_numbers(objective, said):
    with pytest.raises(UsageError, match=said):
        objective(read)
