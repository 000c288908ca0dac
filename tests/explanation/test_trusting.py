"""Trust asked in one call: a verdict an image beside each map, agreement between methods, and everything counted."""

import numpy as np
import pytest
import torch
import torch.nn as nn

import seethrough as st

ASKED = ["gradcam", "saliency", "occlusion"]


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Conv2d(6, 6, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return st.open(nn.Sequential(*layers, nn.Linear(6, 3)).eval(), input_size=(3, 20, 20))


@pytest.fixture(scope="module")
def images():
    return torch.rand(3, 3, 20, 20, generator=torch.Generator().manual_seed(0))


def test_each_map_of_each_image_has_a_verdict_with_its_figures(net, images):
    found = st.explain(net, images, ASKED, 1, trust=True, batch_size=2)
    for attribution in found.values():
        assert len(attribution.trust) == 3
        for trust in attribution.trust:
            assert trust.verdict in ("carries_weight", "with_care", "says_nothing") and trust.reasons and trust.figures
            assert all(np.isfinite(number) for number in trust.figures.values())
    assert found.agreement.shape == (3, 3, 3)
    assert np.allclose(found.agreement, found.agreement.transpose(0, 2, 1), atol=1e-6)
    assert np.allclose(found.agreement[:, range(3), range(3)], 1, atol=1e-5)


def test_trust_changes_no_map_and_its_passes_are_counted(net, images):
    plain, checked = (st.explain(net, images[:1], ASKED, 1, trust=trust) for trust in (False, True))
    assert plain.agreement is None and all(a.trust == () for a in plain.values())
    for name in ASKED:
        assert np.array_equal(plain[name].map, checked[name].map)
        assert plain[name].passes == checked[name].passes
    assert checked.passes.forward > plain.passes.forward


def test_a_pictures_verdict_does_not_depend_on_its_company(net, images):
    together = st.explain(net, images, ASKED, 1, trust=True)
    alone = st.explain(net, images[1:2], ASKED, 1, trust=True)
    for name in ASKED:
        one, other = together[name].trust[1], alone[name].trust[0]
        for key in one.figures.keys() & other.figures.keys():
            if not key.startswith("sanity."):  # kept by network and method, as the mean over what was seen
                assert one.figures[key] == pytest.approx(other.figures[key], abs=1e-3), (name, key)


def test_a_map_fused_of_several_layers_is_judged_by_what_can_be_asked_of_it(net, images):
    found = st.explain(net, images[:1], "gradcam", 1, layer=["1", "3"], trust=True)["gradcam"]
    assert found.layer == "1 + 3" and found.map.shape == (1, 20, 20)
    (trust,) = found.trust
    assert any(name.startswith("faithfulness.") for name in trust.figures)
    assert not any(name.startswith(("sanity.", "stability.")) for name in trust.figures)
