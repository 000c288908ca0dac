"""A repaired network in the person's own format, opened again; and what lies beside it."""

import json

import numpy as np
import pytest
import torch
from small_networks import CLASSES, SIDE, Normed, facts_of_noise, keras_model, opened

import seethrough as st
from seethrough.errors import EnvironmentLacks, InputRefused, UsageError
from seethrough.models.torchvision_import import make_torchvision_importable
from seethrough.remedies.edit import edited
from seethrough.remedies.kept import controls_in, opens_with, record_in, refuse_unfit, write, write_record
from seethrough.remedies.rung import Edit
from seethrough.remedies.weights import head, parameters

IMAGES = list(np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE, 3), dtype=np.uint8))
WORDS = {"preprocessing": "unit", "classes": CLASSES}


def mended(net):
    """With another last layer."""
    found = head(net, facts_of_noise(net))
    matrix, bias = found.read()
    return edited(net, Edit(found.weights(matrix * -3 + 0.1, bias + 0.5)))


def same(one, other):
    return np.array_equal(one.predict(IMAGES).values, other.predict(IMAGES).values)


@pytest.mark.parametrize("name", ["repaired.keras", "repaired.h5"])
def test_a_keras_network_is_written_as_one_and_opened_again(name, tmp_path):
    net = opened(keras_model())
    found = mended(net)
    write(found, tmp_path / name)
    again = st.open(tmp_path / name, **WORDS)
    assert same(found, again) and not same(net, again) and again.fingerprint == found.fingerprint
    assert opens_with(found, "r.keras") == ("r.keras",)
    assert [p.name for p in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["repaired.safetensors", "repaired.pt"])
def test_a_live_module_is_written_as_its_state_dict(name, tmp_path):
    net = opened(Normed())
    found = mended(net)
    write(found, tmp_path / name)
    again = st.open(tmp_path / name, architecture=Normed, input_size=(3, SIDE, SIDE), **WORDS)
    assert same(found, again) and not same(net, again)
    assert torch.load(tmp_path / name, weights_only=True) if name.endswith("pt") else True
    assert opens_with(found, name) == (name, "--architecture")


def test_a_network_by_name_takes_its_new_weights(tmp_path):
    net = st.open("demo:leopards")
    found = edited(net, Edit({"head.bias": torch.tensor([3.0, -3.0])}))
    write(found, tmp_path / "repaired.safetensors")
    again = st.open("demo:leopards", weights=tmp_path / "repaired.safetensors")
    assert again.fingerprint == found.fingerprint != net.fingerprint and again.classes == net.classes
    assert opens_with(found, "r.pt") == ("demo:leopards", "--weights", "r.pt")


def test_an_onnx_file_has_its_initialisers_replaced(tmp_path):
    pytest.importorskip("onnxscript")
    path = tmp_path / "net.onnx"
    program = torch.onnx.export(Normed().eval(), (torch.zeros(2, 3, SIDE, SIDE),), dynamo=True, verbose=False)
    program.save(path)
    net = st.open(path, input_size=(3, SIDE, SIDE), **WORDS)
    found = mended(net)
    before = path.read_bytes()
    write(found, tmp_path / "repaired.onnx")
    again = st.open(tmp_path / "repaired.onnx", input_size=(3, SIDE, SIDE), **WORDS)
    assert same(found, again) and not same(net, again) and path.read_bytes() == before


def test_a_script_is_written_as_one(tmp_path):
    with torch.no_grad():
        torch.jit.trace(Normed().eval(), torch.zeros(2, 3, SIDE, SIDE)).save(str(tmp_path / "net.pt"))
    words = {"allow_code": True, "input_size": (3, SIDE, SIDE), **WORDS}
    net = st.open(tmp_path / "net.pt", **words)
    path = next(path for path in parameters(net) if path.endswith("head.bias"))
    found = edited(net, Edit({path: torch.tensor([1.0, 2.0])}))
    write(found, tmp_path / "repaired.pt")
    again = st.open(tmp_path / "repaired.pt", **words)
    assert same(found, again) and not same(net, again) and opens_with(found, "r.pt") == ("r.pt", "--allow-code")


def test_another_format_is_refused_with_those_that_fit(tmp_path):
    with pytest.raises(UsageError, match=r"written as \.keras.*and not as 'repaired\.pt'"):
        refuse_unfit(opened(keras_model()), tmp_path / "repaired.pt")
    with pytest.raises(UsageError, match=r"\.safetensors .* or \.pt"):
        refuse_unfit(opened(Normed()), tmp_path / "repaired.keras")
    with pytest.raises(EnvironmentLacks, match="There is no folder"):
        refuse_unfit(opened(Normed()), tmp_path / "nowhere" / "repaired.pt")
    black = st.open(lambda x: x.mean((1, 2))[:, :2], input_size=(SIDE, SIDE, 3), preprocessing="unit")
    with pytest.raises(InputRefused, match="nothing can be written"):
        refuse_unfit(black, tmp_path / "repaired.pt")
    net = opened(keras_model())
    write(net, tmp_path / "own.keras")
    own = st.open(tmp_path / "own.keras", **WORDS)
    with pytest.raises(UsageError, match="is the network itself"):
        write(own, tmp_path / "own.keras")


@pytest.mark.parametrize("network", [Normed, keras_model])
def test_another_way_to_the_answer_is_written_as_a_program(network, tmp_path):
    net = opened(network())
    found = edited(net, Edit(wrapper=lambda features, logits: logits + torch.tensor([2.0, 0.0])), facts_of_noise(net))
    path = write(found, tmp_path / "repaired.keras")
    assert path == tmp_path / "repaired.pt2" and opens_with(found, path) == (str(path), "--allow-code")
    images = torch.rand(3, *net.input_size)
    again = torch.export.load(path).module()(images)
    assert torch.allclose(again, found.module(images), atol=1e-5)


def test_a_folder_of_transformers_is_written_as_one(tmp_path):
    make_torchvision_importable()
    transformers = pytest.importorskip("transformers")
    configuration = transformers.ViTConfig(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8, image_size=SIDE, patch_size=8,
        num_labels=2,
    )  # fmt: skip
    transformers.ViTForImageClassification(configuration).save_pretrained(tmp_path / "own")
    net = st.open(tmp_path / "own", **WORDS)
    found = mended(net)
    write(found, tmp_path / "repaired")
    assert same(found, st.open(tmp_path / "repaired", **WORDS))
    with pytest.raises(UsageError, match="there already"):
        write(found, tmp_path / "repaired")


def test_controls_are_read_back_for_the_network_that_they_are_of(tmp_path):
    net = opened(Normed())
    controls = {"shuffled": Edit({"head.bias": torch.tensor([1.0, 2.0])}), "plain": Edit({"head.bias": torch.zeros(2)})}
    said = {"before": {"fingerprint": net.fingerprint}, "after": {"fingerprint": "1"}}
    assert record_in(tmp_path) is None and controls_in(tmp_path, net) == {}
    write_record(tmp_path / "repair", said, controls)
    found = controls_in(tmp_path / "repair", net)
    assert list(found) == ["plain", "shuffled"] and torch.equal(
        found["shuffled"].weights["head.bias"], torch.tensor([1.0, 2.0])
    )
    assert controls_in(tmp_path / "repair", edited(net, found["plain"])) == {}  # of another network
    assert record_in(tmp_path / "repair")["before"] == said["before"]
    (tmp_path / "repair" / "repair.json").write_text(json.dumps({"format": "else"}))
    with pytest.raises(InputRefused, match="holds no record"):
        record_in(tmp_path / "repair")
