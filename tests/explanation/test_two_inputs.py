"""A network of several inputs is explained by every method as calculus and brute force have it."""

import numpy as np
import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F

from seethrough import explain
from seethrough import open as open_network
from seethrough.errors import InputRefused, UsageError

CHANCE = torch.Generator().manual_seed(0)
LEFT, RIGHT = (torch.randn(3, 3, 12, 12, generator=CHANCE) for _ in range(2))
META = torch.randn(3, 5, generator=CHANCE)
GIVEN = {"left": LEFT, "right": RIGHT, "metadata": META}


class Matcher(nn.Module):
    """Compares two pictures, and asks a vector how much that counts."""

    def __init__(self):
        super().__init__()
        self.conv, self.meta, self.head = nn.Conv2d(3, 6, 3, padding=1), nn.Linear(5, 6), nn.Linear(6, 4)

    def forward(self, metadata, left, right):
        alike = F.relu(self.conv(left)) * F.relu(self.conv(right))
        return {"logits": self.head(alike.mean((2, 3)) * self.meta(metadata)), "alike": alike}


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    sizes = {"metadata": (5,), "left": (3, 12, 12), "right": (3, 12, 12)}
    return open_network(Matcher().eval(), input_size=sizes, preprocessing="unit")


def scores(net, left, target):
    with torch.no_grad():
        return net.module(META, left, RIGHT)["logits"][:, target]


@pytest.mark.parametrize("batch_size", [2, 8])
def test_the_gradient_is_autograds_whatever_goes_through_at_once(net, batch_size):
    leaf = LEFT.clone().requires_grad_()
    net.module(META, leaf, RIGHT)["logits"][:, 1].sum().backward()
    found = explain(net, GIVEN, ["saliency"], 1, batch_size=batch_size)["saliency"]
    assert np.allclose(found.values, leaf.grad, rtol=1e-4, atol=1e-8)
    assert np.allclose(found.scores, scores(net, LEFT, 1), rtol=1e-5)


def test_occlusion_is_what_brute_force_gives(net):
    found = explain(net, GIVEN, ["occlusion"], 2, window=4, stride=4, fill="zero", batch_size=2)["occlusion"]
    whole, expected = scores(net, LEFT, 2), torch.zeros(3, 12, 12)
    for top in range(0, 12, 4):
        for across in range(0, 12, 4):
            covered = LEFT.clone()
            covered[:, :, top : top + 4, across : across + 4] = 0
            drop = whole - scores(net, covered, 2)
            expected[:, top : top + 4, across : across + 4] = drop[:, None, None]
    assert np.allclose(found.values, expected, atol=1e-6)


def test_integrated_gradients_add_up_with_the_other_inputs_held(net):
    found = explain(net, GIVEN, ["integrated_gradients"], 0, baseline="zero", steps=64, nodes="gauss")[
        "integrated_gradients"
    ]
    rise = scores(net, LEFT, 0) - scores(net, torch.zeros_like(LEFT), 0)
    assert np.allclose(found.values.sum((1, 2, 3)), rise, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(("layer", "first"), [("conv", True), ("conv:2", False)])
def test_a_layer_that_both_pictures_go_through_is_asked_at_each_call(net, layer, first):
    found = explain(net, GIVEN, ["gradcam"], 3, layer=layer)["gradcam"]
    network = net.module
    left, right = (network.conv(x).detach().requires_grad_() for x in (LEFT, RIGHT))
    out = network.head((F.relu(left) * F.relu(right)).mean((2, 3)) * network.meta(META))[:, 3]
    a = left if first else right
    (g,) = torch.autograd.grad(out.sum(), a)
    assert np.allclose(found.values, F.relu((g.mean((2, 3), keepdim=True) * a).sum(1)).detach(), rtol=1e-4, atol=1e-8)


def test_pictures_from_pixels_stand_side_by_side(net):
    pixels = [np.random.default_rng(i).integers(0, 256, (20, 20, 3), np.uint8) for i in range(2)]
    prepared = net.prepare({"left": pixels[0], "right": pixels[1], "metadata": META[:1]})
    assert prepared.batch.shape == prepared.beside["right"].shape == (1, 3, 12, 12)
    found = explain(net, {"left": pixels[0], "right": pixels[1], "metadata": META[:1]}, ["saliency", "occlusion"])
    assert found["saliency"].map.shape == (1, 20, 20)


def test_one_row_beside_stands_for_all(net):
    one = net.predict({**GIVEN, "metadata": META[:1]}).values
    repeated = net.predict({**GIVEN, "metadata": META[:1].expand(3, 5)}).values
    assert np.allclose(one, repeated, atol=1e-6) and not np.allclose(one, net.predict(GIVEN).values)


def test_what_stands_beside_is_part_of_the_record(net):
    found = explain(net, GIVEN, ["saliency"])
    assert found.provenance["inputs"] == {"left": (3, 12, 12), "metadata": (5,), "right": (3, 12, 12)}
    assert "output_chosen" in {note.name for note in found.notes}


def test_missing_and_misshapen_inputs_are_refused_in_a_sentence(net):
    with pytest.raises(UsageError, match=r"input 'metadata' of .* is missing"):
        explain(net, {"left": LEFT, "right": RIGHT}, ["saliency"])
    with pytest.raises(InputRefused, match=r"'metadata' has the shape \(3, 4\)"):
        explain(net, {**GIVEN, "metadata": META[:, :4]}, ["saliency"])


def test_a_second_input_that_has_a_default_needs_no_words():
    class Optional(nn.Module):
        def forward(self, image, mask=None):
            return image.mean((2, 3)) if mask is None else (image * mask).mean((2, 3))

    net = open_network(Optional(), input_size=(3, 12, 12))
    assert np.allclose(net.predict(LEFT).values, LEFT.mean((2, 3)), atol=1e-6)
    masked = open_network(Optional(), input_size={"image": (3, 12, 12), "mask": (1, 12, 12)})
    mask = (torch.rand(3, 1, 12, 12, generator=CHANCE) > 0.5).float()
    assert np.allclose(masked.predict({"image": LEFT, "mask": mask}).values, (LEFT * mask).mean((2, 3)), atol=1e-6)


def test_a_source_that_was_given_nothing_beside_proves_nothing(net):
    with pytest.raises(UsageError, match="Beside the images the network takes metadata, right"):
        net.source.proved(LEFT)
