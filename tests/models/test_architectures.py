"""Files of weights for an architecture that a library knows by name."""

import importlib.util

import pytest
import torch
from safetensors.torch import save_file

from seethrough.errors import InputRefused, UsageError
from seethrough.models import imagenet_names, open_model
from seethrough.models.torchvision_import import import_torchvision

for needed in ("timm", "torchvision", "transformers"):
    if importlib.util.find_spec(needed) is None:
        pytest.skip(f"{needed} isn't installed", allow_module_level=True)

models = import_torchvision().models


@pytest.fixture
def weights(tmp_path):
    def save(outputs, prefix=""):
        torch.manual_seed(0)
        network = models.get_model("squeezenet1_1", num_classes=outputs).eval()
        path = tmp_path / "weights.safetensors"
        save_file({f"{prefix}{key}": value for key, value in network.state_dict().items()}, path)
        return network, path

    return save


def same(one, other, size=64):
    x = torch.rand(1, 3, size, size)
    with torch.no_grad():
        return torch.equal(one(x), other(x))


def test_a_file_for_a_named_architecture_has_the_preprocessing_and_names_of_its_library(weights):
    network, path = weights(1000)
    opened = open_model(path, architecture="torchvision:squeezenet1_1")
    assert same(network, opened.module) and opened.weights == "weights.safetensors"
    assert opened.classes == imagenet_names() and opened.input_size == (3, 224, 224)
    assert opened.preprocessing is not None and opened.preprocessing.name == "torch"
    assert "random_weights" not in [note.name for note in opened.notes]


def test_a_network_trained_on_for_other_classes_has_as_many_outputs_as_its_weights(weights):
    network, path = weights(7, prefix="module.")
    opened = open_model(path, architecture="torchvision:squeezenet1_1")
    assert same(network, opened.module) and opened.classes is None
    assert [note.name for note in opened.notes if note.name == "prefix_removed"]
    named = open_model(path, architecture="torchvision:squeezenet1_1", classes=list("abcdefg"))
    assert named.classes == tuple("abcdefg")


def test_timm_and_kinds_of_hugging_face_are_architectures_too(tmp_path):
    for name, outputs in (("timm:mobilenetv3_small_050", 4), ("hf:levit", 2)):
        module = open_model(name, classes=[str(i) for i in range(outputs)]).module
        torch.save(module.state_dict(), tmp_path / "w.pt")
        opened = open_model(tmp_path / "w.pt", architecture=name)
        first = next(iter(module.state_dict()))
        assert torch.equal(opened.module.state_dict()[first], module.state_dict()[first])
        assert opened.input_size == (3, 224, 224) and opened.classes is None


def test_weights_of_another_network_and_unknown_names_are_refused(weights):
    _, path = weights(3)
    with pytest.raises(InputRefused, match="don't fit the architecture"):
        open_model(path, architecture="torchvision:resnet18")
    with pytest.raises(UsageError, match="no network 'resnet81'"):
        open_model(path, architecture="timm:resnet81")
    with pytest.raises(UsageError, match="a kind such as 'hf:vit'"):
        open_model(path, architecture="hf:google/vit-base-patch16-224")
