"""Weights that aren't those of the architecture: the first five keys are named, and nothing is loaded in part."""

import io
import zipfile

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from seethrough.errors import InputRefused
from seethrough.models import open_model

h5py = pytest.importorskip("h5py")


def network(width=4, classes=3, deep=1, bias=True):
    torch.manual_seed(1)
    blocks = [
        nn.Sequential(nn.Conv2d(3 if i == 0 else width, width, 3, bias=bias), nn.BatchNorm2d(width))
        for i in range(deep)
    ]
    return nn.Sequential(*blocks, nn.Flatten(), nn.Linear(width, classes))


def only(*keys):
    return {key: value for key, value in network().state_dict().items() if key in keys}


def renamed(old, new):
    return {key.replace(old, new): value for key, value in network().state_dict().items()}


def transposed():
    state = network().state_dict()
    return state | {"2.weight": state["2.weight"].T.contiguous()}


CASES = {
    "of_another_width": (lambda: network(width=5).state_dict(), "0 missing, 0 unexpected, 7 of another shape", 5),
    "of_other_classes": (lambda: network(classes=7).state_dict(), "2 of another shape", 2),
    "of_a_deeper_network": (lambda: network(deep=2).state_dict(), "unexpected", 5),
    "without_the_head": (lambda: only("0.0.weight", "0.0.bias"), "6 missing, 0 unexpected", 5),
    "of_the_head_alone": (lambda: only("2.weight", "2.bias"), "6 missing, 0 unexpected", 5),
    "without_running_statistics": (
        lambda: only(*(k for k in network().state_dict() if "running" not in k)),
        "2 missing",
        2,
    ),
    "without_a_bias": (lambda: network(bias=False).state_dict(), "1 missing, 0 unexpected", 1),
    "with_other_names": (lambda: renamed("0.0", "conv"), "2 missing, 2 unexpected", 4),
    "with_one_more": (lambda: network().state_dict() | {"extra": torch.ones(2)}, "0 missing, 1 unexpected", 1),
    "transposed": (transposed, "1 of another shape", 1),
    "with_a_prefix_on_some": (lambda: renamed("2.", "module.2."), "2 missing, 2 unexpected", 4),
    "of_nothing_in_common": (lambda: {f"t{i}": torch.ones(1) for i in range(9)}, "9 unexpected", 5),
}


@pytest.mark.parametrize("suffix", ["pt", "safetensors"])
@pytest.mark.parametrize("case", CASES)
def test_weights_that_do_not_fit_are_named_and_none_is_loaded(tmp_path, case, suffix):
    make, words, named = CASES[case]
    path = tmp_path / f"w.{suffix}"
    torch.save(make(), path) if suffix == "pt" else save_file(make(), path)
    torch.manual_seed(0)
    module = network()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.fill_(0.125)
    before = {key: value.clone() for key, value in module.state_dict().items()}
    with pytest.raises(InputRefused, match=words) as refused:
        open_model(path, architecture=module)
    assert str(refused.value).partition("First: ")[2].count(";") == named - 1
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    keras = pytest.importorskip("keras")
    folder = tmp_path_factory.mktemp("keras")
    image = keras.Input((8, 8, 3))
    x = keras.layers.BatchNormalization(name="b")(keras.layers.Conv2D(4, 3, name="c")(image))
    model = keras.Model(image, keras.layers.Dense(2, name="d")(keras.layers.Flatten()(x)))
    model.save(folder / "m.keras")
    return folder / "m.keras"


def changed(whole, target, change):
    """A ``.keras`` archive whose weights were changed."""
    with zipfile.ZipFile(whole) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    buffer = io.BytesIO(members["model.weights.h5"])
    with h5py.File(buffer, "r+") as file:
        change(file)
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, buffer.getvalue() if name.endswith(".h5") else data)
    return target


LOST = ("layers/conv2d", "layers/batch_normalization/vars/3", "layers/dense/vars/0", "layers")


@pytest.mark.parametrize("lost", LOST)
def test_a_keras_file_without_some_of_its_weights_is_refused(whole, tmp_path, lost):
    with pytest.raises(InputRefused):
        open_model(changed(whole, tmp_path / "x.keras", lambda file: file.__delitem__(lost)))


@pytest.mark.parametrize("more", ["layers/another/vars/0", "layers/dense/inner/vars/0"])
def test_a_keras_file_with_weights_of_no_layer_is_refused(whole, tmp_path, more):
    with pytest.raises(InputRefused, match=r"0 missing, 1 unexpected, 0 of another shape\. First: .*vars/0 unexpected"):
        open_model(changed(whole, tmp_path / "x.keras", lambda file: file.create_dataset(more, data=np.ones(3, "f4"))))


@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_what_an_optimizer_and_random_layers_keep_is_no_misfit(tmp_path, suffix):
    keras = pytest.importorskip("keras")
    layers = [keras.layers.Dense(4), keras.layers.Dropout(0.5), keras.layers.GaussianNoise(0.1), keras.layers.Dense(2)]
    model = keras.Sequential([keras.Input((6,)), keras.layers.BatchNormalization(), *layers])
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(np.ones((8, 6)), np.ones((8, 2)), verbose=0)
    model.save(tmp_path / f"m.{suffix}")
    assert open_model(tmp_path / f"m.{suffix}").layers.keys() == {layer.name for layer in model.layers}
