"""What `explain` hands back: shapes, layouts, targets, notes, what was run; and what it refuses, in words."""

import inspect

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

import seethrough as st
from seethrough.attribution import METHODS, Needs, Reduce
from seethrough.errors import InputRefused, UsageError
from seethrough.results import Passes

CLASSES = ["snow leopard", "leopard", "crane", "crane", "wing - tip"]

FITTING = [m.name for m in METHODS.values() if m.needs is not Needs.ATTENTION]
"""The methods that a network of convolutions can be asked."""

SMOOTH = ["saliency", "input_x_gradient", "guided_backprop", "deconvnet", "smoothgrad", "integrated_gradients", "gradcam",
          "occlusion"]  # fmt: skip
"""Methods whose maps change little where numbers change little."""


def cheap(method):
    """The settings with which a method takes the least."""
    dial = METHODS[method].dial
    return {} if dial is None else {dial.setting: dial.values[0]}


def convolutional(*last, inplace=True):
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(inplace), nn.MaxPool2d(2), nn.Conv2d(6, 8, 3), nn.ReLU(inplace),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5), *last,
    )  # fmt: skip


def opened(*last, **options):
    return st.open(convolutional(*last), **{"input_size": (3, 16, 16), "classes": CLASSES, **options})


@pytest.fixture(scope="module")
def net():
    return opened()


@pytest.fixture(scope="module")
def with_pictures():
    return opened(preprocessing={"name": "unit", "fit": "crop", "resize_to": 16})


def images(number=1, seed=1):
    return torch.rand(number, 3, 16, 16, generator=torch.Generator().manual_seed(seed)) - 0.5


def picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def names(notes):
    return [note.name for note in notes]


# --- what comes back --------------------------------------------------------------------------------------------------


def test_an_explanation_is_a_mapping_from_method_to_attribution(net):
    found = st.explain(net, images(2), ["gradcam", "Input-x-gradient"], target=1)
    assert list(found) == ["gradcam", "input_x_gradient"] == [a.method for a in found.values()] and len(found) == 2
    assert "occlusion" not in found and found.get("occlusion") is None
    with pytest.raises(KeyError):
        found["occlusion"]


@pytest.mark.parametrize("method", FITTING)
def test_every_method_gives_float32_maps_on_the_pixels_of_the_picture(with_pictures, method):
    found = st.explain(with_pictures, [picture(30, 20), picture(30, 20, 1)], method, target=1, **cheap(method))[method]
    assert found.map.dtype == found.values.dtype == found.scores.dtype == np.float32
    assert found.map.shape == found.seen.shape == (2, 30, 20) and found.seen.dtype == bool
    assert len(found.target) == len(found.scores) == len(found.pictures) == 2
    assert not found.map[~found.seen].any()
    assert found.map[found.seen].any() or (method == "deep_taylor" and (found.scores <= 0).all())
    assert found.seen[:, 5:25].all() and not found.seen[:, :5].any() and not found.seen[:, 25:].any()
    assert found.signed or found.map.min() >= 0
    declared = METHODS[method]
    if declared.reduce is not Reduce.NONE and not declared.takes_layer:
        assert found.values.shape == (2, 3, 16, 16)
    else:
        assert found.values.shape[0] == 2 and found.values.shape[-2:] in ((16, 16), (6, 6))


def test_a_picture_that_was_cropped_says_so_and_one_that_fits_does_not(with_pictures):
    assert "cropped" in names(st.explain(with_pictures, picture(30, 20), "saliency").notes)
    assert "cropped" not in names(st.explain(with_pictures, picture(16, 16), "saliency").notes)
    stretched = opened(preprocessing={"name": "unit", "fit": "stretch"})
    assert "cropped" not in names(st.explain(stretched, picture(30, 20), "saliency").notes)


def test_scores_are_the_targets_value_and_the_prediction_is_the_networks(net):
    x = images(3)
    found = st.explain(net, x, "saliency", target=[2, 0, 4])["saliency"]
    with torch.no_grad():
        logits = net.module(x).numpy()
    np.testing.assert_allclose(found.scores, logits[[0, 1, 2], [2, 0, 4]], rtol=1e-5)
    np.testing.assert_allclose(found.prediction.values, logits, rtol=1e-5)
    chances = F.softmax(torch.from_numpy(logits), 1).numpy()
    np.testing.assert_allclose(found.prediction.probabilities, chances, rtol=1e-5)
    own = st.explain(net, x, "saliency")["saliency"]
    assert [t.indices[0][0] for t in own.target] == logits.argmax(1).tolist()


def test_a_batch_larger_than_batch_size_is_what_its_images_are(net):
    x = images(7)
    settings = {"steps": 4, "window": 5, "samples": 2}
    chosen = ["gradcam", "integrated_gradients", "occlusion", "smoothgrad"]
    together = st.explain(net, x, chosen, batch_size=3, **settings)
    assert len(together.pictures) == len(together.target) == 7 and together.prediction.values.shape == (7, 5)
    assert together.prediction.names == tuple(f"image {i}" for i in range(1, 8))
    for i in range(7):
        alone = st.explain(net, x[i : i + 1], chosen, **settings)
        assert together.target[i] == alone.target[0]
        for method in chosen:
            scale = np.abs(alone[method].map).max()
            np.testing.assert_allclose(together[method].map[i], alone[method].map[0], atol=1e-5 * scale)
        gap, same = (
            next(n.numbers for n in e["integrated_gradients"].checks if n.numbers.get("image") == at)
            for e, at in ((together, i), (alone, 0))
        )
        assert gap["sum"] == pytest.approx(same["sum"], rel=1e-4, abs=1e-6)
    assert names(together["gradcam"].checks).count("layer_chosen") == 1


def test_a_baseline_with_a_row_for_each_image_goes_with_them(net):
    x, start = images(5), images(5, seed=9)
    together = st.integrated_gradients(net, x, target=1, baseline=start, batch_size=2, steps=4)
    for i in range(5):
        alone = st.integrated_gradients(net, x[i : i + 1], target=1, baseline=start[i].numpy(), steps=4)
        np.testing.assert_allclose(together.values[i], alone.values[0], atol=1e-6)


# --- targets ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "indices"),
    [
        (1, ((1, 1),)),
        (np.int64(1), ((1, 1),)),
        ("Leopard", ((1, 1),)),
        ("snow leopard - leopard", ((0, 1), (1, -1))),
        ("3 - 2", ((3, 1), (2, -1))),
        ("wing - tip", ((4, 1),)),
        ("wing - tip - leopard", None),
    ],
)
def test_a_target_is_said_by_index_label_or_difference(net, said, indices):
    if indices is None:
        with pytest.raises(UsageError):
            st.saliency(net, images(), target=said)
    else:
        assert st.saliency(net, images(), target=said).target[0].indices == indices


def test_a_target_an_image_may_come_as_an_array(net):
    for said in (torch.tensor([3, 1]), np.array([3, 1]), (3, 1)):
        assert [t.indices[0][0] for t in st.saliency(net, images(2), target=said).target] == [3, 1]


def test_a_function_of_the_outputs_is_a_target(net):
    x = images(3)

    def margin(outputs):
        return outputs[:, 0] - outputs[:, 1:].amax(1)

    found = st.saliency(net, x, target=margin, batch_size=2)
    leaf = x.clone().requires_grad_()
    (g,) = torch.autograd.grad(margin(net.module(leaf)).sum(), leaf)
    np.testing.assert_allclose(found.values, g.numpy(), rtol=1e-4, atol=1e-7)
    assert {t.label for t in found.target} == {"margin"} and len(found.target) == 3


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (99, "99.*5 outputs"),
        (-1, "-1"),
        ("snow lepard", "Nearest: snow leopard"),
        ("crane", r"2 \(crane.*3 \(crane"),
        ("leopard - leopard", "takes an output from itself"),
        ([1], "1 target for 2 images"),
        ([1, 2, 3], "3 targets for 2 images"),
        (2.5, "a label, an index"),
        (True, "a label, an index"),
        ([1, lambda out: out[:, 0]], "alone, not in a list"),
        (lambda out: out, "one number for each of 2 images"),
        (lambda out: out.sum(), "one number for each of 2 images"),
    ],
)
def test_a_target_that_cannot_be_meant_is_refused(net, said, message):
    with pytest.raises(UsageError, match=message):
        st.saliency(net, images(2), target=said)


def test_a_list_of_another_length_is_never_cut_to_the_batch(net):
    with pytest.raises(UsageError, match="9 targets for 10 images"):
        st.saliency(net, images(10), target=[1] * 9, batch_size=4)


def test_a_final_softmax_is_looked_through_and_said_so():
    x = images(2)
    bare = st.explain(opened(), x, "saliency", target=1)
    softened = st.explain(opened(nn.Softmax(1)), x, "saliency", target=1)
    np.testing.assert_allclose(softened["saliency"].values, bare["saliency"].values, rtol=1e-5)
    assert "softmax_looked_through" in names(softened.notes) and "softmax_looked_through" not in names(bare.notes)
    assert softened.target[0].quantity == bare.target[0].quantity == "logit"


@pytest.mark.parametrize("last", [(), (nn.Softmax(1),), (nn.LogSoftmax(1),)], ids=["logits", "softmax", "log softmax"])
def test_probabilities_can_be_asked_about_however_the_network_ends(last):
    x = images(2)
    found = st.explain(opened(*last), x, ["saliency", "occlusion"], target=1, probabilities=True, window=8)
    leaf = x.clone().requires_grad_()
    chance = F.softmax(convolutional()(leaf), 1)[:, 1]
    (g,) = torch.autograd.grad(chance.sum(), leaf)
    np.testing.assert_allclose(found["saliency"].values, g.numpy(), rtol=1e-3, atol=1e-8)
    np.testing.assert_allclose(found["saliency"].scores, chance.detach().numpy(), rtol=1e-5)
    np.testing.assert_allclose(found.prediction.probabilities[:, 1], chance.detach().numpy(), rtol=1e-5)
    assert found.target[0].quantity == "probability"


def test_a_sigmoid_is_looked_through_and_its_probability_can_be_asked_about():
    x = images(2)
    net = opened(nn.Sigmoid())
    leaf = x.clone().requires_grad_()
    logit = convolutional()(leaf)[:, 1]
    for probabilities, value in ((False, logit), (True, logit.sigmoid())):
        (g,) = torch.autograd.grad(value.sum(), leaf, retain_graph=True)
        found = st.saliency(net, x, target=1, probabilities=probabilities)
        np.testing.assert_allclose(found.values, g.numpy(), rtol=1e-4, atol=1e-8)


def test_one_number_is_no_class_and_has_no_probability():
    net = st.open(nn.Sequential(nn.Conv2d(3, 1, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()), input_size=(3, 16, 16))
    assert st.saliency(net, images()).target[0].quantity == "output"
    with pytest.raises(UsageError, match="gives no probabilities"):
        st.saliency(net, images(), probabilities=True)


# --- notes ------------------------------------------------------------------------------------------------------------


def test_a_map_of_nothing_and_a_map_of_no_numbers_are_said():
    class Answering(nn.Module):
        def __init__(self, function):
            super().__init__()
            self.function = function

        def forward(self, x):
            return self.function(x.flatten(1).sum(1, keepdim=True))

    flat = st.saliency(st.open(Answering(lambda total: total * 0 + 1)), images(2), target=0)
    assert [(n.name, n.numbers["image"]) for n in flat.checks] == [("flat_map", 0), ("flat_map", 1)]
    # an answer of zero, whose slope is infinite times zero
    rooted = st.saliency(st.open(Answering(lambda total: torch.sqrt((total - total).abs()))), images(), target=0)
    assert names(rooted.checks) == ["nan_map"] and rooted.checks[0].level == "error"


def test_weights_that_are_no_numbers_leave_nothing_to_explain():
    module = convolutional()
    module[3].weight.data[0, 0, 0, 0] = float("nan")
    net = st.open(module, input_size=(3, 16, 16))
    with pytest.raises(InputRefused, match=r"'image 1' with NaN.*layer '3'"):
        st.explain(net, images(), "saliency", target=1)
    assert "nan_output" in names(net.predict(images()).notes) and net.predict(images()).probabilities is None


def test_random_weights_and_a_range_that_does_not_fit_are_said(with_pictures):
    random = st.explain(st.open("keras:MobileNet", weights=None), picture(64, 64), "saliency")
    assert "random_weights" in names(random.notes)
    found = st.explain(with_pictures, images() * 500, "saliency")
    assert "range_does_not_fit" in names(found.notes)


def test_guided_methods_say_where_activations_are_no_rectifiers():
    def ending(*middle):
        return st.open(nn.Sequential(nn.Conv2d(3, 4, 3), *middle, nn.AdaptiveAvgPool2d(1), nn.Flatten()))

    none = st.guided_backprop(ending(nn.GELU()), images(), target=0)
    assert names(none.checks) == ["no_rectifier"]
    mixed = st.deconvnet(ending(nn.ReLU(), nn.Conv2d(4, 4, 1), nn.SiLU()), images(), target=0)
    assert [n.numbers["activations"] for n in mixed.checks if n.name == "other_activations"] == ["silu"]
    assert not st.guided_backprop(ending(nn.ReLU6()), images(), target=0).checks


def test_saturation_is_said_where_probabilities_are_asked_about():
    module = convolutional(nn.Softmax(1))
    module[7].bias.data[2] = 100
    found = st.explain(st.open(module), images(), "saliency", target=2, probabilities=True)
    assert "saturated_softmax" in names(found.notes)


# --- what was run -----------------------------------------------------------------------------------------------------


class FirstConvolution(TorchDispatchMode):
    """Counts the images that really go through the first convolution, and those that are walked back through it."""

    def __init__(self):
        super().__init__()
        self.forward = self.backward = 0

    def __torch_dispatch__(self, function, types, arguments=(), keywords=None):
        name = function._schema.name
        if name == "aten::convolution" and arguments[0].shape[1] == 3:
            self.forward += len(arguments[0])
        if name == "aten::convolution_backward" and arguments[1].shape[1] == 3:
            self.backward += len(arguments[1])
        found = function(*arguments, **(keywords or {}))
        if name == "mkldnn::_convolution_pointwise":  # on the twin, where walking back is a convolution too
            self.forward += len(arguments[0]) * (arguments[0].shape[1] == 3)
            self.backward += len(found) * (found.shape[1] == 3)
        return found


def counted(net, x, methods, **settings):
    """An explanation, and what its first convolution saw, once the graph is written down and proved."""
    st.explain(net, x, methods, target=1, **settings)
    with FirstConvolution() as count:
        found = st.explain(net, x, methods, target=1, **settings)
    return found, count


@pytest.mark.parametrize(
    ("method", "settings", "forward", "backward", "believing"),
    [
        ("saliency", {}, 2, 2, 0),
        ("guided_backprop", {}, 2, 2, 0),
        ("smoothgrad", {"samples": 2}, 2 + 4, 4, 0),
        ("smoothgrad", {"samples": 6}, 2 + 12, 12, 2),  # many go on the twin, which must give the same for the pictures
        ("integrated_gradients", {"steps": 6}, 2 + 12, 12 + 2, 0),
        ("occlusion", {"window": 8, "stride": 8}, 2 + 8, 0, 0),
    ],
)
def test_passes_are_what_was_really_run(net, method, settings, forward, backward, believing):
    found, count = counted(net, images(2), method, **settings)
    assert (count.forward, count.backward) == (forward + believing, backward)
    assert found.passes == found[method].passes == Passes(forward, backward)


@pytest.mark.parametrize("method", ["saliency", "gradcam", "lrp_epsilon"])
def test_a_new_network_runs_once_and_its_graph_once_which_is_the_proof(method):
    opened = st.open(convolutional(), input_size=(3, 16, 16))
    with FirstConvolution() as count:
        st.explain(opened, images(2), method, target=1)
    without_data = 2 + 3  # it is written down at two batch sizes
    assert count.forward == without_data + 2 + 2


def test_gradcam_is_one_forward_and_one_walk_that_ends_at_its_layer(net):
    found, count = counted(net, images(2), "gradcam")
    assert (count.forward, count.backward) == (2, 0) and found.passes == Passes(2, 2)


def test_methods_share_a_forward_and_a_walk_for_each_set_of_rules(net):
    chosen = ["saliency", "input_x_gradient", "gradcam", "guided_backprop", "deconvnet"]
    found, count = counted(net, images(2), chosen)
    assert (count.forward, count.backward) == (2, 6) and found.passes == Passes(2, 6)


def test_progress_is_told_to_the_end(net):
    told = []
    st.explain(net, images(), ["occlusion", "smoothgrad"], target=1, window=2, samples=9,
               progress=lambda *step: told.append(step))  # fmt: skip
    for method in ("occlusion", "smoothgrad"):
        steps = [(done, total) for name, done, total in told if name == method]
        assert len(steps) > 1 and steps == sorted(steps) and steps[-1][0] == steps[-1][1]


# --- provenance -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", FITTING)
def test_a_result_can_be_had_again_from_its_provenance(net, method):
    more = {"window": (5, 3), "stride": (2, 3)} if method == "occlusion" else cheap(method)
    more |= {"layer": "1"} if method == "gradcam" else {}
    of_one = method != "finercam"  # which compares outputs, and a probability speaks of all of them
    found = st.explain(
        net, images(3), method, target=["leopard", "3 - 1", 2], probabilities=of_one, batch_size=2, **more
    )
    record = found[method].provenance
    again = getattr(st, record["method"])(
        net, images(3), record["target"], probabilities=record["probabilities"], batch_size=record["batch_size"],
        **record["settings"], **({"layer": record["layer"]} if record["layer"] else {}),
    )  # fmt: skip
    assert np.array_equal(again.values, found[method].values)
    assert record["fingerprint"] == net.fingerprint and record["images"] == ["image 1", "image 2", "image 3"]


def test_a_fingerprint_follows_the_weights():
    net = opened()
    before = net.fingerprint
    assert opened().fingerprint == before
    with torch.no_grad():
        net.module[0].weight[0, 0, 0, 0] += 1
    assert net.fingerprint != before and st.saliency(net, images()).provenance["fingerprint"] == net.fingerprint


# --- other numbers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-5), (torch.bfloat16, 0.1)])
def test_networks_of_other_precision_are_explained_in_float32_arrays(dtype, tolerance):
    reference = st.explain(opened(), images(2), SMOOTH, target=1, samples=4, steps=8, window=8)
    net = st.open(convolutional().to(dtype), input_size=(3, 16, 16))
    found = st.explain(net, images(2), SMOOTH, target=1, samples=4, steps=8, window=8)
    for method, a in found.items():
        assert a.values.dtype == a.map.dtype == np.float32
        scale = np.abs(reference[method].map).max()
        assert np.abs(a.map - reference[method].map).mean() <= tolerance * scale, method


# --- refused ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"methods": "gradcan"}, "no method 'gradcan'. Nearest: gradcam"),
        ({"methods": []}, "No method was named; there are: .*saliency"),
        ({"methods": "occlusion", "windw": 3}, "called 'windw'. Nearest: window"),
        (
            {"methods": "gradcam", "window": 3},
            "No setting of gradcam is called 'window'. occlusion has it; name such a method",
        ),
        ({"methods": "smoothgrad", "samples": 0}, "samples ≥ 1"),
        ({"methods": "smoothgrad", "noise": -1.0}, "noise ≥ 0"),
        ({"methods": "integrated_gradients", "steps": 0}, "steps ≥ 1"),
        ({"methods": "integrated_gradients", "baseline": "grey"}, "a number, a tensor or one of black"),
        ({"methods": "occlusion", "window": 0}, "occlusion's window is a whole number"),
        ({"methods": "occlusion", "window": (3, 3, 3)}, "occlusion's window is a whole number"),
        ({"methods": "occlusion", "window": 2.5}, "occlusion's window is a whole number"),
        ({"methods": "occlusion", "window": 17}, "window 17 × 17 is larger than the network's input 16 × 16"),
        ({"methods": "occlusion", "fill": torch.zeros(2, 7)}, r"fill of shape \(2, 7\) doesn't fit"),
        ({"methods": "saliency", "batch_size": 0}, "batch_size is at least 1"),
    ],
)
def test_a_wrong_argument_is_one_sentence(net, arguments, message):
    with pytest.raises(UsageError, match=message):
        st.explain(net, images(), **arguments)


def test_pictures_of_different_sizes_are_refused(with_pictures):
    with pytest.raises(UsageError, match=r"2 pictures have 2 different sizes \(20 × 16, 24 × 16\)"):
        st.explain(with_pictures, [picture(16, 20), picture(16, 24)], "saliency")


# --- one function a method --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_each_method_is_a_function_that_tells_its_settings(method):
    function = getattr(st, method)
    signature = inspect.signature(function)
    for key, default in METHODS[method].defaults.items():
        assert signature.parameters[key].default == default
    assert ("layer" in signature.parameters) == METHODS[method].takes_layer
    assert METHODS[method].source in function.__doc__ and "Raises" in function.__doc__
    assert function.__name__ == method


@pytest.mark.parametrize("method", FITTING)
def test_a_function_alone_gives_what_explain_gives(net, method):
    alone, among = getattr(st, method)(net, images(), 1), st.explain(net, images(), [method, "saliency"], 1)[method]
    assert np.array_equal(alone.values, among.values) and alone.settings == among.settings


def test_results_can_be_compared_and_kept_in_sets(net):
    """By identity, since what they hold are arrays."""
    one, other = (st.explain(net, images(), "saliency", target=1) for _ in range(2))
    assert one["saliency"] == one["saliency"] != other["saliency"] and one != other
    assert len({one["saliency"], one["saliency"], other["saliency"], one.prediction, one.pictures[0]}) == 4
