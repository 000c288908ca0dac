"""The door to torchvision: networks by name, as their weights want their pictures."""

import importlib.util

import numpy as np
import pytest
import torch
from pictures import pictures
from torch import nn

from seethrough.errors import EnvironmentLacks, InputRefused, UsageError
from seethrough.images import load_pictures, prepare
from seethrough.models import imagenet_names, open_model
from seethrough.network import open as open_network

if importlib.util.find_spec("torchvision") is None:
    pytest.skip("torchvision isn't installed (the extra 'vision')", allow_module_level=True)

from seethrough.models.torchvision import torchvision_names, what_is_known
from seethrough.models.torchvision_import import import_torchvision, operators_missing

models = import_torchvision().models


def test_a_network_by_name_brings_its_size_names_and_transforms_and_says_that_its_weights_are_random():
    opened = open_model("torchvision:mobilenet_v3_small")
    assert (opened.input_size, opened.layout, opened.weights) == ((3, 224, 224), "channels_first", "random")
    assert opened.task == "classification" and opened.classes == imagenet_names()
    assert opened.preprocessing is not None
    assert (opened.preprocessing.name, opened.preprocessing.resize_to) == ("torch", 256)
    assert "random_weights" in [note.name for note in opened.notes] and not opened.module.training
    assert opened.provenance["torchvision"] == import_torchvision().__version__


def classifiers():
    named = [name for name in torchvision_names() if models.get_model_weights(name).DEFAULT.meta.get("categories")]
    kinds = {}
    for name in named:
        for member in models.get_model_weights(name):
            transforms = member.transforms()
            if type(transforms).__name__ == "ImageClassification":
                kinds.setdefault(repr(transforms), (name, member))
    return list(kinds.values())


def test_our_preparation_is_torchvisions_own_for_every_transform_that_any_of_its_classifiers_has():
    images = pictures()
    kinds = classifiers()
    assert len(kinds) > 15
    for i, (name, member) in enumerate(kinds):
        image = images[i % len(images)]
        known = what_is_known(name, member)
        ours, _ = prepare(load_pictures(image), known.preprocessing, known.input_size, "channels_first")
        theirs = member.transforms()(image)[None]
        # A 500th of a grey level: the same pixels, and float32 arithmetic in another order.
        deviation = torch.tensor(member.transforms().std).reshape(3, 1, 1)
        assert ((ours - theirs) * deviation).abs().max() <= 1 / 255 / 500, (name, member)


@pytest.mark.parametrize("name", ["lraspp_mobilenet_v3_large"])
def test_a_segmentation_network_sees_the_whole_picture_as_its_transforms_have_it(name):
    opened = open_model(f"torchvision:{name}")
    assert (opened.task, opened.output) == ("segmentation", "out") and len(opened.classes or ()) == 21
    image = pictures()[0]
    ours, (geometry,) = prepare(load_pictures(image), opened.preprocessing, opened.input_size, "channels_first")
    theirs = models.get_model_weights(name).DEFAULT.transforms()(image)[None]
    assert ours.shape == theirs.shape == (1, 3, 520, 781) and geometry.top == geometry.left == 0
    assert (ours - theirs).abs().max() * 0.225 <= 1 / 255 / 500


def test_a_file_of_weights_gives_the_answers_of_the_network_it_was_saved_from(tmp_path):
    torch.manual_seed(0)
    network = models.get_model("squeezenet1_1", num_classes=7).eval()
    torch.save(network.state_dict(), tmp_path / "seven.pth")
    names = list("abcdefg")
    net = open_network("torchvision:squeezenet1_1", weights=tmp_path / "seven.pth", classes=names)
    assert net.classes == tuple(names) and [n.name for n in net.opened.notes if n.level != "info"] == []
    image = pictures()[1]
    with torch.no_grad():
        expected = network(models.SqueezeNet1_1_Weights.DEFAULT.transforms()(image)[None])
    assert np.allclose(net.predict(image).values, expected.numpy(), atol=1e-5)
    with pytest.raises(InputRefused, match=r"classifier\.1\.weight is \(7, 512, 1, 1\), not \(1000, 512, 1, 1\)"):
        open_model("torchvision:squeezenet1_1", weights=tmp_path / "seven.pth")


def test_published_weights_are_taken_from_torchs_cache_and_named(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    network = models.get_model("squeezenet1_1").eval()
    stored = tmp_path / "hub/checkpoints/squeezenet1_1-b8a52dc0.pth"
    stored.parent.mkdir(parents=True)
    torch.save(network.state_dict(), stored)
    opened = open_model("torchvision:squeezenet1_1", weights="imagenet")
    assert opened.weights == "IMAGENET1K_V1" and len(opened.provenance["file_sha256"]) == 64
    assert torch.equal(opened.module.features[0].weight, network.features[0].weight)
    assert "random_weights" not in [note.name for note in opened.notes]
    with pytest.raises(UsageError, match="has 1000 outputs, and 3 names were given"):
        open_model("torchvision:squeezenet1_1", weights="IMAGENET1K_V1", classes=list("abc"))


def test_a_cached_file_that_would_run_code_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    stored = tmp_path / "hub/checkpoints/squeezenet1_1-b8a52dc0.pth"
    stored.parent.mkdir(parents=True)
    torch.save(nn.Linear(2, 2), stored)
    with pytest.raises(InputRefused, match="would run code"):
        open_model("torchvision:squeezenet1_1", weights="imagenet")


def test_without_a_connection_the_way_out_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("urllib.request.urlopen", unreachable)
    monkeypatch.setattr("torch.hub.urlopen", unreachable)
    with pytest.raises(
        EnvironmentLacks, match=r"squeezenet1_1-b8a52dc0\.pth couldn't be downloaded .* or weights=None"
    ):
        open_model("torchvision:squeezenet1_1", weights="imagenet")
    assert not list(tmp_path.rglob("*.pth"))


def unreachable(*_, **__):
    raise OSError("no route to host")


def test_another_size_keeps_the_ratio_of_crop_and_picture_and_a_transformer_is_built_for_it():
    opened = open_model("torchvision:resnet18", input_size=112)
    assert opened.preprocessing is not None and opened.preprocessing.resize_to == 128
    opened = open_model("torchvision:vit_b_32", input_size=96, classes=["a", "b"])
    with torch.no_grad():
        assert opened.module(torch.zeros(1, 3, 96, 96)).shape == (1, 2)


@pytest.mark.parametrize(
    "name, options, says",
    [
        ("resnet81", {}, r"no network 'resnet81'\. Nearest: \w+, \w+, \w+, \w+, \w+\."),
        ("resnet18", {"weights": "IMAGENET1K_V9"}, "no file 'IMAGENET1K_V9'; weights of .*'IMAGENET1K_V1'"),
        ("alexnet", {"input_size": 32}, "at least 63 × 63 pixels, not 32 × 32"),
        ("vit_b_16", {"input_size": 256, "weights": "DEFAULT"}, "takes 224 × 224 pixels, not 256 × 256"),
        ("raft_small", {}, "two pictures at a time"),
        ("vit_b_16", {"input_size": 225}, "can't build vit_b_16 so: "),
    ],
)
def test_what_can_not_be_meant_is_one_sentence(name, options, says):
    with pytest.raises((UsageError, InputRefused), match=says):
        open_model(f"torchvision:{name}", **options)


@pytest.mark.parametrize("name", ["quantized_mobilenet_v2", "r3d_18", "ssdlite320_mobilenet_v3_large"])
def test_quantizable_video_and_detection_networks_open_with_what_is_known_of_them(name):
    opened = open_model(f"torchvision:{name}")
    assert opened.classes and opened.task == ("detection" if "ssd" in name else "classification")
    told = "torchvision_without_operators" in [note.name for note in opened.notes]
    assert told == (operators_missing() and opened.task == "detection")
    if name == "r3d_18":
        assert opened.input_size == (3, 16, 112, 112) and opened.preprocessing is None


def test_torchvisions_names_of_imagenets_classes_are_among_ours():
    theirs = models.ResNet18_Weights.DEFAULT.meta["categories"]
    folded = [(a.casefold().split()[0], b.casefold()) for a, b in zip(theirs, imagenet_names())]
    assert np.mean([a in b for a, b in folded]) > 0.9
