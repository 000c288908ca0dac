"""The door to ONNX: what is opened gives what the original and onnxruntime give, under names that can be read."""

import sys

import numpy as np
import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F

import seethrough as st
from seethrough.errors import EnvironmentLacks, InputRefused, UsageError
from seethrough.models import open_model

pytest.importorskip("onnx", reason="the extra onnx isn't installed")
pytest.importorskip("onnxruntime", reason="the extra onnx isn't installed")

from onnx_material import Residual, Tokens, exported, made, model_of, node_of, written

EXPORTS = {"any batch": {}, "one image": {"batch": 1}, "three images": {"batch": 3}, "dynamo": {"dynamo": True}}


@pytest.fixture(params=EXPORTS)
def way(request):
    if request.param == "dynamo":
        pytest.importorskip("onnxscript", reason="PyTorch's newer exporter needs onnxscript")
    return EXPORTS[request.param]


@pytest.mark.parametrize("kind", [Residual, Tokens])
def test_a_network_gives_what_the_original_gives_at_any_batch_size(kind, way, tmp_path):
    original = made(kind)
    opened = open_model(exported(original, tmp_path / "net.onnx", **way))
    assert opened.layout == "channels_first" and opened.input_size == (3, 16, 16)
    assert opened.provenance["onnxruntime_difference"] < 1e-5
    for number in (1, 2, 5):
        images = torch.rand(number, 3, 16, 16)
        torch.testing.assert_close(opened.module(images), original(images), rtol=1e-4, atol=1e-5)
    assert "one_batch_size" not in [n.name for n in opened.notes]


@pytest.mark.parametrize("kind", [Residual, Tokens])
def test_attributions_are_those_of_the_original(kind, way, tmp_path):
    original = made(kind)
    images = torch.rand(2, 3, 16, 16)
    methods = ["saliency", "integrated_gradients", "occlusion"]
    ours = st.explain(exported(original, tmp_path / "net.onnx", **way), images, methods, target=3)
    theirs = st.explain(st.open(original, input_size=(3, 16, 16)), images, methods, target=3)
    for method in methods:
        expected = theirs[method].map
        assert np.abs(ours[method].map - expected).max() <= 1e-3 * np.abs(expected).max()


def test_grad_cam_of_a_layer_is_that_of_the_same_layer_in_the_original(tmp_path):
    original, images = made(Residual), torch.rand(2, 3, 16, 16)
    net, torch_net = st.open(exported(original, tmp_path / "net.onnx")), st.open(original, input_size=(3, 16, 16))
    ours, theirs = (st.gradcam(n, images, 3, layer=p) for n, p in ((net, "stem"), (torch_net, "stem")))
    assert np.abs(ours.values - theirs.values).max() <= 1e-3 * np.abs(theirs.values).max() > 0


def test_layers_are_called_as_the_modules_they_were_exported_from(tmp_path):
    net = st.open(exported(made(Residual), tmp_path / "net.onnx"))
    assert list(net.layers) == ["stem", "act", "block.0", "Add", "act_1", "ReduceMean", "head"]
    assert net.layers_info["stem"]["class"] == "Conv" and net.layers_info["stem"]["kernel_shape"] == [3, 3]
    assert net.layer_weights["stem"]["weight"].shape == (8, 3, 3, 3)
    assert set(net.graph().layers) >= {"stem", "block.0", "head"}


def test_newer_exports_are_called_by_the_scopes_they_note(tmp_path):
    pytest.importorskip("onnxscript", reason="PyTorch's newer exporter needs onnxscript")
    net = st.open(exported(made(Residual), tmp_path / "net.onnx", dynamo=True))
    assert {"stem", "act.Relu", "head"} <= set(net.layers)


def test_names_are_unique_and_the_same_each_time(tmp_path):
    nodes = [node_of("Relu", "input", output="a", name="/x/Relu"), node_of("Relu", "a", output="b", name="x/Relu"),
             node_of("Relu", "b", output="c"), node_of("Relu", "c", name="x//Relu")]  # fmt: skip
    file = written(model_of(nodes), tmp_path / "net.onnx")
    names = list(open_model(file).layers)
    assert names == list(open_model(file).layers) == ["x.Relu", "x.Relu_2", "relu", "x.Relu_3"]


def test_names_that_torch_has_for_itself_are_told_apart_by_a_stroke(tmp_path):
    names = ["forward/training", "__class__", "weight/bias", "steps", "a/b", "a", "a/b/c/d"]
    values = ["input", *(f"v{i}" for i in range(len(names) - 1)), "output"]
    nodes = [node_of("Relu", a, output=b, name=n) for n, a, b in zip(names, values, values[1:])]
    net = st.open(written(model_of(nodes), tmp_path / "net.onnx"))
    assert list(net.layers) == ["forward_", "__class___", "weight", "steps_", "a.b", "a_", "a.b.c"]
    assert set(net.graph().layers) >= set(net.layers)
    assert {path for path, _ in net.module.named_modules()} >= set(net.layers)


def test_parameters_are_counted_as_the_file_has_them(way, tmp_path):
    import onnx

    file = exported(made(Residual), tmp_path / "net.onnx", **way)
    weights = onnx.load(file).graph.initializer
    floats = sum(int(np.prod(w.dims)) for w in weights if w.data_type == 1 and len(w.dims))
    module = open_model(file).module
    assert sum(p.numel() for p in module.parameters()) == floats
    assert st.open(file).summary().parameters == floats


def test_a_weight_that_two_nodes_use_is_one_parameter(tmp_path):
    weight = np.random.default_rng(0).normal(size=(3, 3, 1, 1)).astype(np.float32)
    nodes = [node_of("Conv", "input", "w", output="a"), node_of("Conv", "a", "w", name="again")]
    module = open_model(written(model_of(nodes, {"w": weight}), tmp_path / "net.onnx")).module
    assert [p.numel() for p in module.parameters()] == [9]


def test_a_network_that_can_not_be_freed_from_its_batch_size_goes_in_parts(tmp_path):
    nodes = [
        node_of("Reshape", "input", "shape", output="a"),
        node_of("Slice", "a", "zero", "end", output="b"),
        node_of("ReduceSum", "b", "axes", keepdims=1),
    ]
    weights = {"shape": np.array([12, 16]), "zero": np.array([0]), "end": np.array([5]), "axes": np.array([0])}
    file = written(model_of(nodes, weights, shape=(1, 3, 8, 8)), tmp_path / "net.onnx")
    opened = open_model(file)
    assert ("one_batch_size", {"batch": 1}) in [(n.name, dict(n.numbers)) for n in opened.notes]
    images = torch.rand(3, 3, 8, 8)
    expected = images.reshape(3, 12, 16)[:, :5].sum(1)
    torch.testing.assert_close(opened.module(images), expected)
    assert st.explain(st.open(file), images, ["saliency", "occlusion"])["occlusion"].map.shape == (3, 8, 8)


# --- layouts and types ------------------------------------------------------------------------------------------------


def channels_last_model():
    """As TensorFlow's networks are exported: turned before a convolution and back behind it."""
    random = np.random.default_rng(1)
    weights = {"w": random.normal(size=(4, 3, 3, 3)).astype(np.float32), "v": random.normal(size=(2, 4, 1, 1)).astype(np.float32),
               "s": random.normal(size=4).astype(np.float32)}  # fmt: skip
    nodes = [
        node_of("Transpose", "input", output="a", name="to_first", perm=[0, 3, 1, 2]),
        node_of("Conv", "a", "w", output="b", name="model/conv/Conv2D", pads=[1, 1, 1, 1]),
        node_of("Transpose", "b", output="c", name="to_last", perm=[0, 2, 3, 1]),
        node_of("Mul", "c", "s", output="d", name="model/scale/mul"),
        node_of("Relu", "d", output="e", name="model/relu/Relu"),
        node_of("Transpose", "e", output="f", name="to_first_again", perm=[0, 3, 1, 2]),
        node_of("Conv", "f", "v", output="g", name="model/last/Conv2D"),
        node_of("GlobalAveragePool", "g", output="h", name="model/pool"),
        node_of("Flatten", "h"),
    ]
    return model_of(nodes, weights, shape=("batch", 8, 10, 3)), weights


def test_a_channels_last_network_takes_and_gives_channels_last(tmp_path):
    model, weights = channels_last_model()
    net = st.open(written(model, tmp_path / "net.onnx"))
    assert net.opened.layout == "channels_last" and net.input_size == (8, 10, 3)
    images = torch.rand(2, 8, 10, 3)
    w, v, s = (torch.from_numpy(weights[k]) for k in "wvs")
    first = F.conv2d(images.permute(0, 3, 1, 2), w, padding=1)
    last = F.conv2d(F.relu(first * s[:, None, None]), v)
    torch.testing.assert_close(net.opened.module(images), last.mean((2, 3)), rtol=1e-4, atol=1e-5)
    shapes = {p: tuple(s.at(2) if hasattr(s, "at") else s for s in layer.shapes[0]) for p, layer in net.graph().layers.items() if layer.shapes}  # fmt: skip
    assert shapes["model.conv.Conv2D" if "model.conv.Conv2D" in shapes else "model.conv"][1:] == (8, 10, 4)


def test_grad_cam_of_a_channels_last_network_is_right_whichever_way_round_a_layer_lies(tmp_path):
    model, weights = channels_last_model()
    net = st.open(written(model, tmp_path / "net.onnx"))
    images = torch.rand(2, 8, 10, 3)
    w, v, s = (torch.from_numpy(weights[k]) for k in "wvs")
    a = F.conv2d(images.permute(0, 3, 1, 2), w, padding=1).requires_grad_()
    (slope,) = torch.autograd.grad(F.conv2d(F.relu(a * s[:, None, None]), v).mean((2, 3))[:, 1].sum(), a)
    expected = F.relu((slope.mean((2, 3), keepdim=True) * a).sum(1)).detach().numpy()
    for layer in ("model.conv", "to_last"):
        found = st.gradcam(net, images.numpy(), 1, layer=layer)
        assert found.values.shape == (2, 8, 10)
        assert np.abs(found.values - expected).max() <= 1e-5 * expected.max() > 0


def test_sizes_are_those_of_the_file_whichever_way_round_a_value_is_handed_over(tmp_path):
    nodes = [
        node_of("Transpose", "input", output="a", perm=[0, 3, 1, 2]),
        node_of("Shape", "a", output="shape", start=2, end=4),
        node_of("Cast", "shape", output="size", to=1),
        node_of("ReduceProd", "size", output="places", keepdims=0),
        node_of("ReduceSum", "a", "axes", output="sum", keepdims=0),
        node_of("Div", "sum", "places"),
    ]
    file = written(
        model_of(nodes, {"axes": np.array([2, 3])}, shape=("batch", 8, 10, 3), opset=18), tmp_path / "net.onnx"
    )
    images = torch.rand(2, 8, 10, 3)
    torch.testing.assert_close(open_model(file).module(images), images.mean((1, 2)))


def test_half_precision_is_computed_in_single_precision_and_said(tmp_path):
    from onnx import numpy_helper

    weight = np.random.default_rng(0).normal(size=(4, 3, 3, 3)).astype(np.float16)
    model = model_of([node_of("Conv", "input", "w")], {"w": weight}, element=10)
    opened = open_model(written(model, tmp_path / "net.onnx"))
    assert [n.name for n in opened.notes] == ["half_precision"]
    images = torch.rand(2, 3, 8, 8)
    torch.testing.assert_close(opened.module(images), F.conv2d(images, torch.from_numpy(weight).float()))
    assert numpy_helper.to_array(model.graph.initializer[0]).dtype == np.float16


def test_a_network_that_takes_bytes_is_explained_on_pixels(tmp_path):
    nodes = [node_of("Cast", "input", output="a", to=1), node_of("Div", "a", "by", output="b"),
             node_of("GlobalAveragePool", "b", output="c"), node_of("Flatten", "c")]  # fmt: skip
    file = written(model_of(nodes, {"by": np.float32(255)}, element=2), tmp_path / "net.onnx")
    net = st.open(file, preprocessing={"name": "raw", "fit": "stretch"})
    pixels = np.full((8, 8, 3), 51, np.uint8)
    assert net.predict(pixels).values == pytest.approx(0.2)
    assert st.saliency(net, pixels, 0).map == pytest.approx(1 / 64 / 255, rel=1e-4)


def test_keras_networks_come_through_both_exporters(tmp_path):
    keras = pytest.importorskip("keras", reason="the extra keras isn't installed")
    layers = keras.layers
    model = keras.Sequential(
        [layers.Input((16, 16, 3)), layers.Conv2D(6, 3, activation="relu"), layers.BatchNormalization(),
         layers.MaxPooling2D(), layers.SeparableConv2D(8, 3), layers.GlobalAveragePooling2D(), layers.Dense(4)]
    )  # fmt: skip
    images = torch.rand(2, 16, 16, 3)

    class Asked(nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, x):
            return self.model(x, training=False)

    file = exported(Asked().eval(), tmp_path / "net.onnx", size=(16, 16, 3))
    net = st.open(file)
    assert net.opened.layout == "channels_last"
    torch.testing.assert_close(net.opened.module(images), model(images, training=False), rtol=1e-4, atol=1e-5)
    ours, theirs = (st.explain(n, images.numpy(), ["saliency"], target=1)["saliency"] for n in (net, model))
    assert ours.values.shape == theirs.values.shape == (2, 16, 16, 3)
    assert np.abs(ours.values - theirs.values).max() <= 1e-3 * np.abs(theirs.values).max()


# --- what is refused, and said ------------------------------------------------------------------------------------------


def test_an_unknown_operator_is_named_with_its_node_and_what_there_is(tmp_path):
    nodes = [node_of("Det", "input", output="a", name="the_determinant"), node_of("Relu", "a")]
    with pytest.raises(InputRefused, match=r"aren't opened: Det \(nodes 'the_determinant'\); \d+ others are"):
        open_model(written(model_of(nodes), tmp_path / "net.onnx"))
    nodes = [node_of("FusedConv", "input", domain="com.microsoft")]
    with pytest.raises(InputRefused, match=r"aren't opened: com\.microsoft\.FusedConv"):
        open_model(written(model_of(nodes), tmp_path / "net.onnx"))


def test_an_unknown_operator_that_no_output_needs_is_left_out(tmp_path):
    nodes = [node_of("Relu", "input"), node_of("Det", "input", output="aside")]
    assert list(open_model(written(model_of(nodes), tmp_path / "net.onnx")).layers) == ["relu"]


def test_an_open_input_size_must_be_said(tmp_path):
    nodes = [node_of("GlobalAveragePool", "input", output="a"), node_of("Flatten", "a")]
    file = written(model_of(nodes, shape=("n", 3, "h", "w")), tmp_path / "net.onnx")
    with pytest.raises(UsageError, match=r"leaves the size of its input open, .*input_size=\(3, 224, 224\)"):
        open_model(file)
    assert open_model(file, input_size=20).input_size == (3, 20, 20)


def test_an_input_size_that_the_file_does_not_have_is_refused(tmp_path):
    file = written(model_of([node_of("Relu", "input")]), tmp_path / "net.onnx")
    with pytest.raises(UsageError, match=r"takes inputs of the size \(3, 8, 8\)"):
        open_model(file, input_size=(3, 9, 9))


def test_a_network_that_onnxruntime_sees_otherwise_is_refused(tmp_path):
    # Another cubic than torch's, whose setting is not among those that are read.
    resized = node_of("Resize", "input", "", "scales", mode="cubic", cubic_coeff_a=-0.5)
    file = written(model_of([resized], {"scales": np.float32([1, 1, 2, 2])}), tmp_path / "net.onnx")
    with pytest.raises(UsageError, match="differs from onnxruntime by"):
        open_model(file)


def test_without_onnxruntime_it_is_said_that_nothing_was_checked(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    opened = open_model(written(model_of([node_of("Relu", "input")]), tmp_path / "net.onnx"))
    assert [n.name for n in opened.notes] == ["not_checked"]
    assert opened.provenance["onnxruntime_difference"] is None


def test_without_onnx_it_is_said_what_to_install(tmp_path, monkeypatch):
    file = written(model_of([node_of("Relu", "input")]), tmp_path / "net.onnx")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(EnvironmentLacks, match=r"pip install 'seethrough\[onnx\]'"):
        open_model(file)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (lambda: model_of([node_of("Relu", "nowhere")]), "nothing before node 'relu' .* gives its input 'nowhere'"),
        (lambda: model_of([node_of("Relu", "input"), node_of("Tanh", "input")]), "two nodes give 'output'"),
        (lambda: model_of([node_of("Relu", "input")], opset=6), "version 6 of ONNX's operators"),
        (
            lambda: model_of([node_of("Relu", "input")], outputs=("other",)),
            "no node gives the network's output 'other'",
        ),
        (lambda: model_of([node_of("Conv", "input", "w")], {"w": np.ones((4, 5, 3, 3), np.float32)}), "node 'conv'"),
        (lambda: model_of([node_of("Relu", "input")], shape=()), "takes no batch of numbers"),
    ],
)
def test_a_network_that_could_not_run_is_refused_by_name(model, words, tmp_path):
    with pytest.raises(InputRefused, match=words) as refused:
        open_model(written(model(), tmp_path / "net.onnx"))
    assert "\n" not in str(refused.value)


def test_several_inputs_are_named(tmp_path):
    from onnx import helper

    model = model_of([node_of("Add", "input", "mask")])
    model.graph.input.append(helper.make_tensor_value_info("mask", 1, ("batch", 3, 8, 8)))
    with pytest.raises(InputRefused, match=r"has 2 inputs \('input', 'mask'\)"):
        open_model(written(model, tmp_path / "net.onnx"))


def test_an_architecture_says_nothing_about_a_file_that_has_its_own(tmp_path):
    with pytest.raises(UsageError, match="says nothing about the ONNX file"):
        open_model(written(model_of([node_of("Relu", "input")]), tmp_path / "net.onnx"), architecture="a:b")
