"""The door to timm: networks by name, as their pretrained configuration wants its pictures."""

import importlib.util

import numpy as np
import pytest
import torch
from pictures import pictures
from safetensors.torch import save_file

from seethrough.errors import EnvironmentLacks, InputRefused, UsageError
from seethrough.images import load_pictures, prepare
from seethrough.models import imagenet_names, open_model
from seethrough.models.torchvision_import import make_torchvision_importable
from seethrough.network import open as open_network

if importlib.util.find_spec("timm") is None:
    pytest.skip("timm isn't installed (the extra 'vision')", allow_module_level=True)

make_torchvision_importable()
import timm  # noqa: E402
import timm.data  # noqa: E402

from seethrough.models.timm import timm_names, what_is_known  # noqa: E402


def test_a_network_by_name_brings_its_size_names_and_preprocessing_and_says_that_its_weights_are_random():
    opened = open_model("timm:mobilenetv3_small_050")
    assert (opened.input_size, opened.weights, opened.task) == ((3, 224, 224), "random", "classification")
    assert opened.classes == imagenet_names() and not opened.module.training
    assert opened.preprocessing is not None
    assert (opened.preprocessing.name, opened.preprocessing.interpolation) == ("torch", "bicubic")
    assert "random_weights" in [note.name for note in opened.notes] and opened.provenance["timm"] == timm.__version__


def kinds_of_preprocessing():
    """One pretrained configuration for each way of preparing a picture that timm has."""
    kinds = {}
    for name in timm.list_models(pretrained=True):
        settings = timm.get_pretrained_cfg(name).to_dict()
        data = timm.data.resolve_data_config(pretrained_cfg=settings)
        if max(data["input_size"]) <= 512:
            kinds.setdefault(str(sorted(data.items())), (name, settings, data))
    return list(kinds.values())


def test_our_preparation_is_timms_own_for_every_way_of_preparing_that_it_has():
    images, kinds = pictures(), kinds_of_preprocessing()
    assert len(kinds) > 60 and {data["crop_mode"] for *_, data in kinds} >= {"center", "squash"}
    for i, (name, settings, data) in enumerate(kinds):
        image = images[i % len(images)]
        known = what_is_known(settings)
        if data["crop_pct"] > 1:
            assert known.preprocessing.assumed, name
            continue
        ours, _ = prepare(load_pictures(image), known.preprocessing, known.input_size, "channels_first")
        theirs = timm.data.create_transform(**data, is_training=False)(image)[None]
        deviation = torch.tensor(data["std"]).reshape(3, 1, 1)
        # A 500th of a grey level: the same pixels, and float32 arithmetic in another order. A border that timm paints
        # in whole grey levels is 0 here: half a level.
        bound = 0.5 if data["crop_mode"] == "border" else 1 / 500
        assert ((ours - theirs) * deviation).abs().max() * 255 <= bound + 1e-3, name


def test_oblong_inputs_are_prepared_as_timm_does():
    data = {"input_size": (3, 128, 96), "interpolation": "bicubic", "mean": (0.5,) * 3, "std": (0.5,) * 3}
    data |= {"crop_pct": 0.9, "crop_mode": "center"}
    known = what_is_known({**data, "num_classes": 0})
    assert known.task == "embedding" and known.classes is None
    for image in pictures():
        ours, _ = prepare(load_pictures(image), known.preprocessing, known.input_size, "channels_first")
        theirs = timm.data.create_transform(**data, is_training=False)(image)[None]
        assert (ours - theirs).abs().max() * 127.5 <= 1 / 500


def test_the_tag_of_weights_decides_about_preprocessing_and_names():
    plain = what_is_known(timm.get_pretrained_cfg("mixer_b16_224.goog_in21k").to_dict())
    other = what_is_known(timm.get_pretrained_cfg("mixer_b16_224.miil_in21k").to_dict())
    assert plain.preprocessing != other.preprocessing
    assert (len(plain.classes or ()), len(other.classes or ())) == (21843, 11221)
    assert "snow leopard" in (other.classes or ()) and len(set(plain.classes or ())) > 21200


def test_a_file_of_weights_gives_the_answers_of_the_network_it_was_saved_from(tmp_path):
    torch.manual_seed(0)
    network = timm.create_model("mobilenetv3_small_050", num_classes=5).eval()
    save_file(network.state_dict(), tmp_path / "five.safetensors")
    net = open_network("timm:mobilenetv3_small_050", weights=tmp_path / "five.safetensors", classes=list("abcde"))
    image = pictures()[2]
    transform = timm.data.create_transform(
        **timm.data.resolve_data_config(pretrained_cfg=network.pretrained_cfg), is_training=False
    )
    with torch.no_grad():
        expected = network(transform(image)[None])
    assert np.allclose(net.predict(image).values, expected.numpy(), atol=1e-5)
    assert net.classes == tuple("abcde") and len(net.opened.provenance["file_sha256"]) == 64
    with pytest.raises(InputRefused, match=r"classifier\.weight is \(5, 1024\), not \(1000, 1024\)"):
        open_model("timm:mobilenetv3_small_050", weights=tmp_path / "five.safetensors")


def test_without_a_connection_the_way_out_is_named_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr("socket.getaddrinfo", unreachable)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    with pytest.raises(EnvironmentLacks, match="hub can't be reached; connect to the internet once"):
        open_model("timm:mobilenetv3_small_050", weights="imagenet")
    assert before == constants.HF_HUB_OFFLINE


def unreachable(*_, **__):
    raise OSError("no such host")


def test_a_transformer_is_built_for_another_size_and_grey_pictures_have_one_channel():
    opened = open_model("timm:vit_tiny_patch16_224", input_size=(1, 96, 96), classes=["a", "b"])
    with torch.no_grad():
        assert opened.module(torch.zeros(1, 1, 96, 96)).shape == (1, 2)
    assert opened.input_size == (1, 96, 96)


@pytest.mark.parametrize(
    "name, options, says",
    [
        ("resnet81", {}, r"no network 'resnet81'\. Nearest: \w+, \w+, \w+, \w+, \w+\."),
        ("resnet50.a9", {}, r"no weights 'a9' of resnet50\. There are: a1_in1k, "),
        ("resnet18", {"weights": "imagenet", "classes": ["a"]}, "has 1000 outputs, and 1 names were given"),
        ("resnet18", {"weights": "nowhere.pth"}, r"no file 'nowhere\.pth'"),
        ("resnet18", {"weights": "imagenet", "input_size": (1, 224, 224)}, "of 3 channels, not 1"),
    ],
)
def test_what_can_not_be_meant_is_one_sentence(name, options, says):
    with pytest.raises((UsageError, InputRefused), match=says):
        open_model(f"timm:{name}", **options)


def test_every_name_can_be_asked_for_what_is_known_of_it():
    for name in timm_names():
        settings = timm.get_pretrained_cfg(name)
        assert what_is_known({} if settings is None else settings.to_dict()).input_size
