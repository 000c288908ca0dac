"""What can be asked beside an output: units, regions, boxes, likeness, several labels at once."""

import numpy as np
import pytest
import torch
import torch.nn as nn

import seethrough as st
from seethrough.attribution import Box, Region, Similarity, Unit
from seethrough.errors import UsageError

X = torch.rand(2, 3, 12, 12, generator=torch.Generator().manual_seed(0))


class Network(nn.Module):
    """A segmentation of four classes, (N, 4, 6, 6), or what its pooling makes of it."""

    def __init__(self, pooled=False):
        super().__init__()
        self.a, self.b, self.pooled = nn.Conv2d(3, 5, 3, stride=2, padding=1), nn.Conv2d(5, 4, 1), pooled

    def forward(self, x):
        out = self.b(torch.tanh(self.a(x)))
        return out.mean((2, 3)) if self.pooled else out


def network(**settings):
    torch.manual_seed(0)
    return Network(**settings).eval()


def by_hand(module, score):
    """(value of the target, its gradient at the images)."""
    x = X.clone().requires_grad_()
    value = score(module, x)
    (gradient,) = torch.autograd.grad(value.sum(), x)
    return value.detach().numpy(), gradient.numpy()


@pytest.mark.parametrize(
    ("unit", "score"),
    [
        (Unit("a", 2), lambda m, x: m.a(x)[:, 2].mean((1, 2))),
        (Unit("a", 2, (1, 4)), lambda m, x: m.a(x)[:, 2, 1, 4]),
        ("a[2]@1,4", lambda m, x: m.a(x)[:, 2, 1, 4]),
        ("a[2]", lambda m, x: m.a(x)[:, 2].mean((1, 2))),
    ],
)
def test_a_unit_inside_the_network_is_explained_as_an_output_is(unit, score):
    module = network(pooled=True)
    value, gradient = by_hand(module, score)
    found = st.saliency(st.open(module, input_size=(3, 12, 12)), X, unit)
    assert np.allclose(found.scores, value, atol=1e-6) and np.allclose(found.values, gradient, atol=1e-6)
    assert found.target[0].label.startswith("a[2]") and found.target[0].quantity == "activation"


def test_each_image_may_ask_another_unit_of_one_layer():
    module = network(pooled=True)
    net = st.open(module, input_size=(3, 12, 12))
    found = st.saliency(net, X, ["a[2]", Unit("a", 4)])
    one, other = st.saliency(net, X, "a[2]"), st.saliency(net, X, "a[4]")
    assert np.allclose(found.values, np.stack([one.values[0], other.values[1]]), atol=1e-7)
    with pytest.raises(UsageError, match="units of one layer"):
        st.saliency(net, X, ["a[2]", "b[1]"])
    with pytest.raises(UsageError, match="units of one layer"):
        st.saliency(net, X, ["a[2]", 1])


def test_a_region_is_the_mean_of_a_class_inside_a_mask():
    module, mask = network(), np.zeros((6, 6), bool)
    mask[1:3, 2:5] = True
    value, gradient = by_hand(module, lambda m, x: m(x)[:, 1, 1:3, 2:5].mean((1, 2)))
    net = st.open(module, input_size=(3, 12, 12))
    found = st.saliency(net, X, Region(1, mask))
    assert np.allclose(found.scores, value, atol=1e-6) and np.allclose(found.values, gradient, atol=1e-6)
    on_pixels = st.saliency(net, X, Region(1, mask.repeat(2, 0).repeat(2, 1)))
    assert np.array_equal(on_pixels.values, found.values)


def test_a_region_without_a_mask_is_where_its_class_comes_first():
    module = network()
    with torch.no_grad():
        first = module(X).argmax(1)
    label = int(first[0, 0, 0])
    net = st.open(module, input_size=(3, 12, 12))
    found = st.saliency(net, X[:1], Region(label))
    wanted = module(X[:1])[0, label][first[0] == label].mean()
    assert found.scores[0] == pytest.approx(wanted.item(), abs=1e-6)
    (nowhere, *_) = set(range(4)) - set(first[0].unique().tolist())
    with pytest.raises(UsageError, match="nowhere in this picture"):
        st.saliency(net, X[:1], Region(nowhere))


class Detection(nn.Module):
    """Scores and boxes of four proposals, as DETR gives them; or one tensor as YOLO does."""

    def __init__(self, joined=False):
        super().__init__()
        self.a, self.head, self.joined = nn.Conv2d(3, 4, 6, stride=6), nn.Linear(4, 3), joined

    def forward(self, x):
        tokens = self.a(x).flatten(2).transpose(1, 2)
        middles = torch.tensor([[0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75]])
        boxes = torch.cat([middles, torch.full((4, 2), 0.5)], 1).expand(len(x), 4, 4) + 0 * tokens[:, :, :1]
        logits = self.head(tokens)
        if self.joined:
            return torch.cat([boxes * 12, logits], 2).transpose(1, 2)
        return {"logits": logits, "pred_boxes": boxes}


@pytest.mark.parametrize("joined", [False, True])
def test_a_box_asks_the_proposal_that_overlaps_it_most(joined):
    torch.manual_seed(0)
    module = Detection(joined).eval()
    net = st.open(module, input_size=(3, 12, 12))
    aim = Box((7, 1, 11, 5), 2, boxes=None if joined else "pred_boxes")
    found = st.saliency(net, X, aim)
    value, gradient = by_hand(module, lambda m, x: m.head(m.a(x).flatten(2).transpose(1, 2))[:, 1, 2])
    assert np.allclose(found.scores, value, atol=1e-6) and np.allclose(found.values, gradient, atol=1e-6)
    assert not found.map[:, :, :6].any() and found.map[:, :6, 6:].any()


def test_likeness_is_the_cosine_with_a_vector_or_a_picture():
    module = network(pooled=True)
    net = st.open(module, input_size=(3, 12, 12), task="embedding")
    other = torch.rand(1, 3, 12, 12, generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        vector = module(other)[0]
    value, gradient = by_hand(module, lambda m, x: torch.cosine_similarity(m(x), vector[None]))
    for reference in (vector.numpy(), other):
        found = st.saliency(net, X, Similarity(reference))
        assert np.allclose(found.scores, value, atol=1e-5) and np.allclose(found.values, gradient, atol=1e-5)


def test_several_labels_at_once_are_their_sum():
    module = network(pooled=True)
    net = st.open(module, input_size=(3, 12, 12), classes=["ant", "bee", "cat", "dog"])
    found = st.saliency(net, X, "ant + dog - bee")
    value, gradient = by_hand(module, lambda m, x: m(x)[:, 0] + m(x)[:, 3] - m(x)[:, 1])
    assert np.allclose(found.scores, value, atol=1e-6) and np.allclose(found.values, gradient, atol=1e-6)
    assert found.target[0].label == "ant + dog - bee" and found.provenance["target"][0] == "0 + 3 - 1"
    assert np.array_equal(st.saliency(net, X, found.provenance["target"]).values, found.values)


@pytest.mark.parametrize(
    ("pooled", "aim", "message"),
    [
        (True, Unit("a", 9), "channels 0 to 4, none is 9"),
        (True, Unit("a", 1, (7, 0)), "6 × 6 places, none is"),
        (True, Unit("nowhere", 1), "nowhere"),
        (True, Region(1), "outputs with height and width"),
        (False, Region(1, np.zeros((6, 6), bool)), "holds no place"),
        (False, Region(1, np.ones((5, 7), bool)), "7 × 5 pixels and the picture 12 × 12"),
        (True, Box((0, 0, 3, 3), 1), "several proposals"),
        (True, Similarity(np.zeros(3)), "3 numbers, and the network gives 4"),
        (True, "1 + 1", "names an output twice"),
    ],
)
def test_an_aim_that_does_not_fit_is_one_sentence(pooled, aim, message):
    with pytest.raises((UsageError, st.SeethroughError), match=message):
        st.saliency(st.open(network(pooled=pooled), input_size=(3, 12, 12)), X, aim)


@pytest.mark.parametrize(
    "target", [lambda out: torch.zeros(len(out)), lambda out: out[:, 0] * 0 + 1, lambda out: (out[:, 0] > 0).float()]
)
def test_a_target_that_is_constant_is_said_to_be_and_its_maps_to_be_flat(target):
    net = st.open(network(pooled=True), input_size=(3, 12, 12))
    found = st.explain(net, X, ["saliency", "gradcam"], target)
    assert "constant_target" in [note.name for note in found.notes]
    assert all("flat_map" in [note.name for note in a.checks] for a in found.values())
    usual = st.explain(net, X, ["saliency"], 1)
    assert "constant_target" not in [note.name for note in usual.notes]
