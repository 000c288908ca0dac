"""Class activation maps on networks where one knows what they must say: linear behind the layer, worked out by hand, or
written out again from the layer's own numbers.
"""

import numpy as np
import pytest
import torch
from torch import nn

import seethrough as st
from cam_networks import LAYER, TARGETS, X, asked, close, curved, layer_and_gradient, network, pooled
from seethrough.attribution import METHODS, Facts, method_named
from seethrough.attribution.cam import fused
from seethrough.errors import UsageError

CAMS = [name for name, m in METHODS.items() if m.family == "class activation"]


# --- networks that are linear behind the layer ------------------------------------------------------------------------


def test_xgradcam_of_the_same_gradient_everywhere_is_gradcam():
    module = pooled()
    close(asked("xgradcam", module).values, asked("gradcam", module).values)


def test_shapley_cam_without_curvature_is_gradcam():
    for module in (pooled(), network([nn.Conv2d(7, 6, 2), nn.ReLU(), nn.Flatten(), nn.Linear(72, 4)])):
        close(asked("shapleycam", module, residual=False).values, asked("gradcam", module).values)


def test_finer_cam_of_no_strength_is_gradcam_and_compares_with_the_outputs_nearest_in_value():
    module = curved()
    close(asked("finercam", module, strength=0.0).values, asked("gradcam", module).values)
    found = asked("finercam", module, similar=2, strength=1.0)
    scores = module(X).detach()
    weighted = []
    for i, t in enumerate(TARGETS):
        near = [k for k in (scores[i] - scores[i, t]).abs().argsort().tolist() if k != t][:2]
        a, g = layer_and_gradient(module, X[i : i + 1], [t])
        g = g - sum(layer_and_gradient(module, X[i : i + 1], [k])[1] for k in near) / 2
        weighted.append(torch.relu((g.mean((2, 3), keepdim=True) * a).sum(1)))
        assert [n.numbers["outputs"] for n in found.checks if n.name == "compared_with"][i] == f"{near[0]}, {near[1]}"
    close(found.values, torch.cat(weighted))


# --- written out again from the layer's own numbers -------------------------------------------------------------------


def test_weights_of_the_gradient_are_those_of_the_papers():
    module = curved().double()
    a, g = layer_and_gradient(module, X.double())
    total = a.sum((2, 3), keepdim=True)
    alpha = torch.where(g > 0, g**2 / (2 * g**2 + g**3 * total.clamp(min=0)), 0)
    expected = {
        "gradcam": g.mean((2, 3), keepdim=True) * a,
        "gradcam_pp": (alpha * g.clamp(min=0)).sum((2, 3), keepdim=True) * a,
        "xgradcam": (g * a).sum((2, 3), keepdim=True) / total * a,
        "hirescam": g * a,
        "layercam": g.clamp(min=0) * a,
    }
    for name, each in expected.items():
        close(asked(name, module, X.double()).values, each.sum(1).clamp(min=0))


def test_where_activations_sum_below_zero_gradcam_pp_stays_finite_and_in_order():
    module = curved(act=nn.Tanh)
    found = asked("gradcam_pp", module).values
    assert np.isfinite(found).all() and found.max() < 1e3 * np.abs(asked("gradcam", module).values).max()


def test_smooth_gradcam_pp_without_noise_is_gradcam_pp_and_with_it_its_seed():
    module = curved()
    close(asked("smooth_gradcam_pp", module, noise=0, samples=3).values, asked("gradcam_pp", module).values, 1e-4)
    one, same, other = (asked("smooth_gradcam_pp", module, samples=3, seed=s).values for s in (1, 1, 2))
    assert np.array_equal(one, same) and not np.allclose(one, other)


def test_smooth_gradcam_pp_averages_each_power_of_the_gradient_over_noisy_pictures():
    module, chance = curved(), torch.Generator().manual_seed(4)
    spread = 0.2 * (X.amax((1, 2, 3), keepdim=True) - X.amin((1, 2, 3), keepdim=True))
    slopes = [layer_and_gradient(module, X + spread * torch.randn(3, 9, 11, generator=chance))[1] for _ in range(3)]
    first, second, third = (torch.stack([g**power for g in slopes]).mean(0) for power in (1, 2, 3))
    a, _ = layer_and_gradient(module)
    below = 2 * second + (third * a.sum((2, 3), keepdim=True)).clamp(min=0)
    alpha = torch.where(below > 0, second / below, 0)
    expected = ((alpha * first.clamp(min=0)).sum((2, 3), keepdim=True) * a).sum(1).clamp(min=0)
    close(asked("smooth_gradcam_pp", module, samples=3, noise=0.2, seed=4).values, expected, 1e-4)


def test_shapley_cam_takes_off_half_of_the_hessian_times_the_layer():
    """With the Hessian written out as a matrix, in float64."""
    module = curved(channels=7).double()
    x = X.double()

    def rest(flat):
        logits = module[3:](flat.reshape(1, 7, 4, 5))
        return (logits + logits.log_softmax(1))[0, TARGETS[0]]

    a = module[:3](x[:1]).detach()
    g = torch.autograd.functional.jacobian(rest, a.flatten())
    hessian = torch.autograd.functional.hessian(rest, a.flatten())
    assert hessian.abs().max() > 1e-3
    weights = (g - hessian @ a.flatten() / 2).reshape(a.shape).mean((2, 3), keepdim=True)
    close(asked("shapleycam", module, x[:1], TARGETS[0]).values, torch.relu((weights * a).sum(1)))


def test_the_first_component_is_that_of_a_singular_value_decomposition_with_a_sign_that_says_something():
    module = curved()
    a, g = layer_and_gradient(module)
    for name, each, alike in (("eigencam", a, a.norm(dim=1)), ("eigengradcam", g * a, (g * a).sum(1))):
        found = asked(name, module).values
        for i in range(2):
            matrix = each[i].flatten(1).T.double().numpy()
            part = matrix @ np.linalg.svd(matrix)[2][0]
            part = part if (part * alike[i].flatten().numpy()).sum() > 0 else -part
            close(found[i].ravel(), np.maximum(part, 0), 1e-4)


def test_eigencam_of_activations_that_are_never_negative_is_never_negative_before_its_rectifier():
    assert (asked("eigencam", pooled()).values > 0).mean() > 0.9


def test_fem_adds_up_the_means_of_channels_that_are_strong_at_a_place():
    module = curved()
    a, _ = layer_and_gradient(module)
    mean, spread = a.mean((2, 3), keepdim=True), a.std((2, 3), correction=0, keepdim=True)
    close(asked("fem", module).values, (mean * (a > mean + 2 * spread)).sum(1).clamp(min=0))
    assert asked("fem", module).values.any()


def test_guided_gradcam_is_known_on_one_convolution():
    """Captum's published values; brought to the picture's size by nearest places there, by bilinear interpolation here."""
    from test_closed_form import ORDERED, OneConv

    net = st.open(OneConv(), input_size=(1, 4, 4))
    guided = torch.tensor([[0.0, 1, 1, 1], [1, 3, 3, 2], [1, 3, 3, 2], [1, 2, 2, 1]])
    coarse = torch.tensor([[0.0, 4], [28, 32.5]])
    nearest = coarse.repeat_interleave(2, 0).repeat_interleave(2, 1)
    assert (guided * nearest).tolist() == [[0, 0, 4, 4], [0, 0, 12, 8], [28, 84, 97.5, 65], [28, 56, 65, 32.5]]
    found = st.guided_gradcam(net, ORDERED, target=0, layer="relu1").values[0, 0]
    smooth = nn.functional.interpolate(coarse[None, None], size=(4, 4), mode="bilinear")[0, 0]
    close(found, guided * smooth)


# --- what holds for all -----------------------------------------------------------------------------------------------


QUICK = {"smooth_gradcam_pp": {"samples": 3}, "sscam": {"samples": 2}, "iscam": {"steps": 2}, "groupcam": {"groups": 3}}


@pytest.mark.parametrize("name", CAMS)
def test_a_picture_alone_has_the_map_that_it_has_in_company(name):
    module, options = pooled(), QUICK.get(name, {})
    together = asked(name, module, **options).values
    for i, t in enumerate(TARGETS):
        close(asked(name, module, X[i : i + 1], t, **options).values, together[i : i + 1], 2e-4)


@pytest.mark.parametrize("name", CAMS)
def test_what_a_map_costs_is_what_its_method_says(name):
    module, options = curved() if name != "cam" else pooled(), QUICK.get(name, {})
    found = asked(name, module, X[:1], 1, **options)
    method = METHODS[name]
    said = method.passes(options, Facts(9, 11, 7, (4, 5)))
    assert (found.passes.forward - 1, found.passes.backward) == (said.forward, said.backward)


@pytest.mark.parametrize("name", CAMS)
def test_a_network_of_double_precision_has_maps_of_double_precision(name):
    from seethrough.attribution import question
    from seethrough.graph.run import Run

    net = st.open(pooled().double(), input_size=(3, 9, 11))
    prepared = net.prepare(X)
    run = Run(net.source_of(prepared), prepared.batch.double())
    run.target = question(1, run.logits, None, "logit").score
    result = METHODS[name].function(run, LAYER)
    assert (result if isinstance(result, torch.Tensor) else result.values).dtype is torch.float64


@pytest.mark.parametrize("name", CAMS)
def test_nothing_of_the_process_is_changed(name):
    module, before = pooled(), torch.get_rng_state()
    weights = {key: value.clone() for key, value in module.state_dict().items()}
    asked(name, module, **QUICK.get(name, {}))
    assert torch.equal(before, torch.get_rng_state())
    assert all(p.grad is None for p in module.parameters()) and not module.training
    assert all(torch.equal(value, weights[key]) for key, value in module.state_dict().items())


def test_all_of_them_together_share_the_forward_and_the_walk_back_to_the_layer():
    net = st.open(curved(), input_size=(3, 9, 11))
    shared = ["gradcam", "gradcam_pp", "xgradcam", "hirescam", "layercam", "eigencam", "eigengradcam", "fem"]
    answer = st.explain(net, X[:1], methods=shared, target=1, layer=LAYER)
    assert (answer.passes.forward, answer.passes.backward) == (1, 1)
    every = st.explain(net, X[:1], methods=[*shared, "finercam", "guided_gradcam"], target=1, layer=LAYER)
    assert (every.passes.forward, every.passes.backward) == (1, 3)


# --- several layers ---------------------------------------------------------------------------------------------------


def test_maps_of_several_layers_are_scaled_brought_to_the_largest_grid_and_averaged():
    small, large = torch.tensor([[[0.0, 2], [4, 8]]]), torch.tensor([[[0.0, 0, 0, 0]] * 3 + [[1, 2, 3, 4]]])
    expected = nn.functional.interpolate(small[None] / 8, size=(4, 4), mode="bilinear")[0] / 2 + large / 8
    torch.testing.assert_close(fused([small, large]), expected)
    torch.testing.assert_close(fused([small, 0 * large]), (expected - large / 8))


def test_a_map_that_is_nowhere_positive_is_said_to_be_flat_and_stays_zero():
    module = pooled()
    module[6].weight.data.abs_().neg_()
    for name in ("gradcam", "hirescam", "layercam", "gradcam_pp", "xgradcam", "eigengradcam"):
        found = asked(name, module)
        assert not found.values.any() and not found.map.any()
        assert [note.numbers["image"] for note in found.checks if note.name == "flat_map"] == [0, 1]


# --- what can't be had ------------------------------------------------------------------------------------------------


def test_finer_cam_needs_an_output_to_compare_with():
    module = network([nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(7, 1)])
    with pytest.raises(UsageError, match="speaks of all 1; use gradcam"):
        asked("finercam", module, target=0)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("smooth_gradcam_pp", {"samples": 0}), ("scorecam", {"channels": -1}), ("sscam", {"noise": -1.0}),
        ("iscam", {"steps": 0}), ("groupcam", {"keep": 0.0}), ("finercam", {"similar": 0}), ("fem", {"deviations": -1}),
    ],
)  # fmt: skip
def test_settings_out_of_range_are_refused_by_name(name, options):
    with pytest.raises(UsageError, match=f"^{name} needs.*{next(iter(options))}"):
        asked(name, pooled(), **options)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("Grad-CAM", "gradcam"), ("Grad-CAM++", "gradcam_pp"), ("gradcam++", "gradcam_pp"), ("GradCAMPlusPlus", "gradcam_pp"),
        ("Smooth Grad-CAM++", "smooth_gradcam_pp"), ("score-cam", "scorecam"), ("Layer-CAM", "layercam"),
        ("XGrad-CAM", "xgradcam"), ("HiResCAM", "hirescam"), ("EigenGradCAM", "eigengradcam"), ("Guided Grad-CAM", "guided_gradcam"),
        ("SS-CAM", "sscam"), ("Finer-CAM", "finercam"), ("FEM", "fem"), ("Input × Gradient", "input_x_gradient"),
    ],
)  # fmt: skip
def test_methods_are_found_by_the_names_that_papers_and_peers_give_them(said, name):
    assert method_named(said).name == name


def test_no_two_methods_have_the_same_name_once_it_is_folded():
    from seethrough.attribution.method import folded_name

    assert len({folded_name(name) for name in METHODS}) == len(METHODS)
