"""Two answers, two layers, two networks side by side: each side is what `explain` says, and the difference is counted
from both maps.
"""

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from torch import nn

import seethrough as st
from seethrough.attribution.evidence import evidence_of, widest_gap
from seethrough.errors import UsageError

SEED = 2
"""With it no Grad-CAM of these networks is flat."""


def network(seed=SEED, outputs=4):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 8, 3, padding=1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, outputs),
    )  # fmt: skip


def opened(seed=SEED, classes=("lynx", "cat", "leopard", "fox")):
    return st.open(network(seed), input_size=(3, 24, 24), classes=list(classes))


@pytest.fixture
def images():
    return torch.rand((2, 3, 24, 24), generator=torch.Generator().manual_seed(1))


METHODS = ["gradcam", "input_x_gradient", "occlusion"]


def test_two_targets_are_each_what_explain_says_of_them(images):
    net = opened()
    found = st.compare(net, images, METHODS, target=("cat", "fox"))
    for side, label in ((found.first, "cat"), (found.second, "fox")):
        alone = st.explain(net, images, METHODS, label)
        assert all(np.array_equal(side[m].map, alone[m].map) for m in METHODS)
    assert found.of == "targets" and found.names == (("cat", "fox"),) * 2


def test_the_contrast_is_asked_as_one_question_and_linear_methods_give_the_difference(images):
    found = st.compare(opened(), images, METHODS, target=("cat", "fox"))
    assert [t.indices for t in found.contrast.target] == [((1, 1), (3, -1))] * 2
    for method in ("input_x_gradient", "occlusion"):
        expected = found.first[method].map - found.second[method].map
        assert np.allclose(found.contrast[method].map, expected, atol=1e-5)
    assert not np.allclose(
        found.contrast["gradcam"].map, found.first["gradcam"].map - found.second["gradcam"].map, atol=1e-4
    )


def test_the_difference_is_of_shares_and_the_correlation_is_spearmans(images):
    found = st.compare(opened(), images, METHODS, target=(0, 2))
    for method, difference in found.differences.items():
        for i in range(2):
            a, b = (side[method].map[i].astype(np.float64) for side in (found.first, found.second))
            expected = a / np.abs(a).sum() - b / np.abs(b).sum()
            assert np.allclose(difference.map[i], expected, atol=1e-7)
            assert difference.correlation[i] == pytest.approx(spearmanr(a.ravel(), b.ravel()).statistic, abs=1e-9)
            sides = [evidence_of(m, signed=found.first[method].signed).support for m in (a, b)]
            region, here, there = widest_gap(*sides)
            assert (difference.region[i], difference.shares[i]) == (region, pytest.approx((here, there), abs=1e-6))


def test_what_is_the_same_has_no_difference(images):
    net = opened()
    found = st.compare(net, images, ["gradcam", "occlusion"], other=net)
    for difference in found.differences.values():
        assert not difference.map.any() and np.allclose(difference.correlation, 1)
        assert set(difference.region) == {"everywhere"}


def test_two_layers_are_compared_by_methods_that_take_one(images):
    found = st.compare(opened(), images, layer=("1", "4"))
    assert list(found.differences) == ["gradcam"]
    assert (found.first["gradcam"].layer, found.second["gradcam"].layer) == ("1", "4")
    assert found.contrast is None and found.names[0] == ("1", "4")


def test_two_networks_are_asked_about_the_first_ones_answer_by_name(images):
    net, other = opened(), opened(seed=9, classes=("fox", "leopard", "cat", "lynx"))
    found = st.compare(net, images, ["occlusion"], other=other)
    assert [t.label for t in found.first.target] == [t.label for t in found.second.target]
    assert found.first.target[0].indices != found.second.target[0].indices
    assert [t.label for t in found.first.target] == [found.first.prediction.top(1, i)[0].label for i in range(2)]


def test_networks_of_the_same_name_are_numbered(images):
    found = st.compare(opened(), images, ["saliency"], other=opened(seed=9))
    assert found.names[0][0].endswith("(1)") and found.names[0][1].endswith("(2)")


def test_a_flat_map_has_no_correlation_and_is_said_so(images):
    from seethrough.show.compare_words import FLAT
    from seethrough.show.comparing import differ

    module = network()
    with torch.no_grad():
        module[-1].weight[1] = 0
    net = st.open(module, input_size=(3, 24, 24))
    found = st.compare(net, images, ["input_x_gradient"], target=(0, 1))
    assert np.isnan(found.differences["input_x_gradient"].correlation).all()
    assert differ(found, "input_x_gradient", 0) == FLAT


def test_a_whole_question_can_be_asked_of_both(images):
    found = st.compare(opened(), images, ["occlusion"], target=(0, 1), window=6, stride=6, probabilities=True)
    for side in (found.first, found.second, found.contrast):
        assert side["occlusion"].settings["window"] == 6 and side.target[0].quantity == "probability"


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({}, "nothing to compare"),
        ({"target": "cat"}, "nothing to compare"),
        ({"target": ("cat", "fox", "lynx")}, "of two targets, not of 3"),
        ({"layer": ["1"]}, "of two layers, not of 1"),
        ({"target": ("cat", "fox"), "layer": ("1", "4")}, "one thing at a time"),
        ({"target": ("cat", "cat")}, "name two different ones"),
        ({"layer": ("4", "4")}, "name two different ones"),
        ({"layer": ("1", "4"), "methods": ["occlusion"]}, "two layers say nothing to it"),
        ({"target": ("cat", "dog")}, "dog"),
        ({"target": ("cat", "fox"), "methods": ["gradcma"]}, "gradcam"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_one_sentence(images, asked, says):
    with pytest.raises(UsageError, match=says) as refused:
        st.compare(opened(), images, **asked)
    assert str(refused.value).count("\n") == 0


def test_the_page_the_figure_and_the_records_hold_both_maps_the_difference_and_the_contrast(images, tmp_path):
    import json

    methods = ["gradcam", "occlusion"]
    found = st.compare(opened(), images, methods, target=("cat", "fox"))
    html = found.save(tmp_path / "c.html").read_text("utf-8")
    payload = json.loads(html.split('id="payload">')[1].split("</script>")[0])
    assert len(payload["maps"]) == 2 * len(methods) * 4
    assert (
        "Why “cat”, and why “fox”?" in html and "为什么是“cat”" in html and html.count(">Contrast<") == 2 * len(methods)
    )
    told = json.loads(found.save(tmp_path / "c.json").read_text("utf-8"))
    assert told["differences"][1]["occlusion"]["correlation"] == pytest.approx(
        found.differences["occlusion"].correlation[1]
    )
    assert told["first"]["images"][0]["target"]["label"] == "cat" and set(told["contrast"]["methods"]) == set(methods)
    with np.load(found.save(tmp_path / "c.npz")) as arrays:
        assert np.array_equal(arrays["difference.gradcam"], found.differences["gradcam"].map)
        assert arrays["contrast.gradcam"].shape == arrays["first.gradcam"].shape == (2, 24, 24)
    drawn = [t.get_text() for t in found.plot().texts]
    assert drawn.count("Contrast") == drawn.count("Difference") == 2 * len(methods)
    assert found._repr_html_().startswith("<img")
