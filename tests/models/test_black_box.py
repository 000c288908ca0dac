"""The door to black boxes: any function on batches of pictures."""

import numpy as np
import pytest
import torch

import seethrough as st
from seethrough.errors import InputRefused, NetworkRefused, UsageError
from seethrough.models import open_model

SIZE = (16, 20, 3)


def brightness(images):
    """How bright the left and the right half of a picture are."""
    half = images.shape[2] // 2
    return np.stack([images[:, :, :half].mean((1, 2, 3)), images[:, :, half:].mean((1, 2, 3))], 1)


def picture(height=16, width=20):
    pixels = np.full((height, width, 3), 40, np.uint8)
    pixels[4:10, 2:7] = 250
    return pixels


FITTED = {"name": "raw", "fit": "stretch"}


def test_a_function_is_given_float_pixels_in_rows_and_columns():
    seen = []

    def ask(images):
        seen.append((type(images), images.dtype, images.shape, float(images.max())))
        return images.mean((1, 2))

    net = st.open(ask, input_size=SIZE, preprocessing=FITTED)
    net.predict(picture())
    assert seen[-1] == (np.ndarray, np.float32, (1, 16, 20, 3), 250.0)


def test_a_function_is_given_channels_first_where_the_input_size_says_so():
    shapes = []

    def ask(images):
        shapes.append(images.shape)
        return images.mean((2, 3))

    net = st.open(ask, input_size=(3, 16, 20), preprocessing="unit")
    assert net.opened.layout == "channels_first"
    assert net.predict(picture()).values.max() <= 1
    assert set(shapes) == {(1, 3, 16, 20), (2, 3, 16, 20)}


def test_a_function_may_write_into_what_it_is_given():
    def ask(images):
        images /= 255
        return images.mean((1, 2))

    net = st.open(ask, input_size=SIZE, preprocessing=FITTED)
    batch = torch.full((1, *SIZE), 127.5)
    assert net.predict(batch).values == pytest.approx(0.5)
    assert (batch == 127.5).all()


@pytest.mark.parametrize("form", [np.asarray, torch.tensor, list, lambda rows: rows.tolist(), lambda rows: rows[:, 0]])
def test_answers_are_arrays_of_any_kind(form):
    net = st.open(lambda images: form(brightness(images)), input_size=SIZE, preprocessing=FITTED)
    assert net.predict(picture()).values[0, 0] == pytest.approx(brightness(picture()[None].astype(float))[0, 0])


def test_occlusion_of_a_function_finds_what_it_looks_at():
    net = st.open(brightness, input_size=SIZE, preprocessing=FITTED, classes=["left", "right"])
    found = st.occlusion(net, picture(), "left", window=2, stride=2, fill="black")
    drop = found.map[0]
    assert drop[4:10, 2:7].min() > drop[:4, :10].max() and (drop[:, 10:] == 0).all()
    whole = brightness(picture()[None].astype(float))[0, 0]
    assert drop.sum() == pytest.approx(whole * 2 * 2, rel=1e-4)


@pytest.mark.parametrize("method", ["saliency", "integrated_gradients", "gradcam", "guided_backprop"])
def test_methods_that_need_a_gradient_or_a_layer_are_refused_in_a_sentence(method):
    net = st.open(brightness, input_size=SIZE, preprocessing=FITTED)
    with pytest.raises((UsageError, NetworkRefused), match=r"use occlusion|whose inside can't be seen"):
        st.explain(net, picture(), methods=[method])


def test_the_usual_methods_shrink_to_those_that_can_be_had():
    found = st.explain(st.open(brightness, input_size=SIZE, preprocessing=FITTED), picture())
    assert list(found) == ["occlusion"]
    notes = [(n.name, n.numbers.get("method")) for n in found.notes]
    assert ("left_out", "smoothgrad") in notes and ("left_out", "integrated_gradients") in notes
    assert any(name == "black_box" for name, _ in notes)


def test_what_was_assumed_is_told():
    opened = open_model(lambda images: images.mean((1, 2)))
    assert opened.input_size == (224, 224, 3) and opened.preprocessing.assumed and opened.preprocessing.name == "raw"
    assert [n.name for n in opened.notes] == ["assumed_input_size"]
    assert open_model(brightness, input_size=SIZE, preprocessing="tf").notes == ()


def test_a_session_of_onnxruntime_is_a_function_like_any_other(tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime", reason="the extra onnx isn't installed")
    pytest.importorskip("onnx", reason="the extra onnx isn't installed")
    from onnx_material import Residual, exported, made

    original = made(Residual)
    session = onnxruntime.InferenceSession(str(exported(original, tmp_path / "net.onnx")))
    net = st.open(lambda images: session.run(None, {"input": images})[0], input_size=(3, 16, 16), preprocessing="unit")
    images = torch.rand(2, 3, 16, 16)
    ours, theirs = (
        st.occlusion(n, images, 3) for n in (net, st.open(original, input_size=(3, 16, 16), preprocessing="unit"))
    )
    assert np.abs(ours.map - theirs.map).max() <= 1e-3 * np.abs(theirs.map).max()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda x: 0.7, "returned one number for 2 images"),
        (lambda x: float(x.mean()), "returned one number"),
        (lambda x: {"cat": x.mean((1, 2))}, "returned a dict with the keys 'cat'"),
        (lambda x: (x.mean((1, 2)), 1), "returned a tuple"),
        (lambda x: x[0].mean((0, 1)), r"returned an array of shape \(3,\) for 2 images"),
        (lambda x: np.zeros((2, 0)), r"returned an array of shape \(2, 0\)"),
        (lambda x: None, "returned NoneType, no array of numbers"),
        (lambda x: ["cat"] * len(x), "no array of numbers"),
        (lambda x: [[1, 2], [3]], "no array of numbers"),
        (lambda x: x.mean((1, 2)) * 1j, "no array of numbers"),
        (lambda x: x.mean((1, 2))[:, : len(x)], r"\(2,\) outputs an image for two and \(1,\) for one"),
    ],
)
def test_an_answer_that_is_no_row_of_numbers_for_each_image_is_refused_when_opened(answer, words):
    with pytest.raises(UsageError, match=words) as refused:
        open_model(answer, input_size=SIZE)
    assert "\n" not in str(refused.value)


def test_what_a_function_raises_is_told_with_its_line():
    def ask(images):
        raise KeyError("no such\ncolour")

    with pytest.raises(
        UsageError, match=r"raised KeyError at test_black_box.py:\d+ .* on a batch of shape \(2, 16, 20, 3\)"
    ):
        open_model(ask, input_size=SIZE)


def test_a_function_that_raises_later_is_told_then():
    calls = []

    def ask(images):
        calls.append(len(images))
        if len(calls) > 3:
            raise RuntimeError("out of calls")
        return images.mean((1, 2))

    net = st.open(ask, input_size=SIZE, preprocessing=FITTED)
    with pytest.raises(UsageError, match=r"raised RuntimeError .*\(out of calls\)"):
        net.predict(picture())


def test_a_function_that_answers_with_nan_is_not_explained():
    def ask(images):
        return np.full((len(images), 2), np.nan)

    net = st.open(ask, input_size=SIZE, preprocessing=FITTED)
    assert [n.name for n in net.predict(picture()).notes] == ["nan_output"]
    with pytest.raises(InputRefused, match="NaN"):
        st.occlusion(net, picture())


def test_a_function_that_answers_otherwise_each_time_is_told():
    random = np.random.default_rng()
    opened = open_model(lambda images: random.random((len(images), 2)), input_size=SIZE)
    assert "answers_vary" in [n.name for n in opened.notes]


def test_opening_leaves_the_random_state_as_it_was():
    def ask(images):
        return images.mean((1, 2)) + np.random.rand() + torch.rand(1).item()

    np.random.seed(3)
    torch.manual_seed(3)
    expected = np.random.rand(), torch.rand(1).item()
    np.random.seed(3)
    torch.manual_seed(3)
    open_model(ask, input_size=SIZE)
    assert (np.random.rand(), torch.rand(1).item()) == expected


# --- a function in a file ---------------------------------------------------------------------------------------------


def written(tmp_path, text, name="black_box.py"):
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    return file


def test_a_function_in_a_file_is_opened_by_name_and_may_import_its_neighbours(tmp_path):
    written(tmp_path, "FACTOR = 2\n", "bb_neighbour.py")
    file = written(tmp_path, "from bb_neighbour import FACTOR\ndef predict(x):\n    return x.mean((1, 2)) * FACTOR\n")
    net = st.open(f"{file}:predict", input_size=SIZE, preprocessing=FITTED)
    assert net.predict(picture()).values[0, 0] == pytest.approx(2 * picture()[..., 0].mean(), rel=1e-5)
    assert net.opened.source == "black_box.py:predict" and len(net.opened.provenance["file_sha256"]) == 64


def test_a_torch_module_in_a_file_is_opened_as_one(tmp_path):
    file = written(tmp_path, "import torch\nnet = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3))\n")
    assert list(open_model(f"{file}:net", input_size=(3, 8, 8)).layers) == ["0"]


@pytest.mark.parametrize(
    ("text", "function", "refused", "words"),
    [
        ("def predict(x): return x", "predit", UsageError, "has no function 'predit'. Nearest: predict."),
        ("x = 1", "predict", UsageError, "has no function 'predict'. It has: no function."),
        ("predict = 1", "predict", UsageError, "is int, no function"),
        ("def predict(x):\n  return x +", "predict", UsageError, "is no Python at line 2"),
        ("import no_such_thing", "predict", UsageError, r"can't be imported: ModuleNotFoundError at black_box.py:1"),
        ("import sys\nsys.exit(3)", "predict", UsageError, r"can't be imported: SystemExit at black_box.py:2"),
        ("def predict(x):\n  return 1 / 0", "predict", UsageError, r"raised ZeroDivisionError at black_box.py:2"),
        ("", "predict", InputRefused, "is empty"),
    ],
)
def test_what_is_wrong_with_a_file_is_one_sentence(tmp_path, text, function, refused, words):
    with pytest.raises(refused, match=words) as said:
        open_model(f"{written(tmp_path, text)}:{function}", input_size=SIZE)
    assert "\n" not in str(said.value)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputRefused, match="There is no file"):
        open_model(f"{tmp_path / 'nowhere.py'}:predict")
