"""The two networks that come with us: opened alike, and as right and as wrong as they are meant to be."""

from pathlib import Path

import numpy as np
import pytest
import torch

import seethrough.models
from seethrough.datasets import BACKGROUNDS, SPECIES, Leopards, exchanged, leopards
from seethrough.errors import EnvironmentLacks, UsageError
from seethrough.images import prepare
from seethrough.models import demo
from seethrough.models.demo import DEMOS, LeopardNet, open_demo
from seethrough.models.opened import Opened
from seethrough.results import Picture

COUNT = 100


@pytest.fixture(scope="module")
def usual() -> Leopards:
    """Animals that no network was trained on, where they are usually met."""
    return leopards(COUNT, correlation=1.0, seed=4242)


@pytest.fixture(scope="module")
def unusual(usual: Leopards) -> Leopards:
    return exchanged(usual)


def answers(network: Opened, animals: Leopards) -> np.ndarray:
    """The species that the network takes each picture for, (N,)."""
    assert network.preprocessing is not None
    pictures = [Picture(pixels, str(i)) for i, pixels in enumerate(animals.pictures)]
    inputs, _ = prepare(pictures, network.preprocessing, network.input_size, network.layout)
    with torch.no_grad():
        return network.module(inputs).argmax(1).numpy()


def test_the_shortcut_network_is_right_on_usual_pictures_and_follows_the_background(
    usual: Leopards, unusual: Leopards
) -> None:
    network = open_demo("leopards")
    assert np.mean(answers(network, usual) == usual.species) >= 0.95
    given = answers(network, unusual)
    assert np.mean(given == unusual.species) < 0.5
    assert np.mean(given == unusual.backgrounds) > 0.5


def test_the_balanced_network_is_right_wherever_the_animal_stands(usual: Leopards, unusual: Leopards) -> None:
    network = open_demo("leopards-balanced")
    for animals in (usual, unusual):
        right = answers(network, animals) == animals.species
        assert right.mean() >= 0.95
        assert min(right[animals.species == kind].mean() for kind in range(len(SPECIES))) >= 0.9


@pytest.mark.parametrize("name", DEMOS)
def test_an_opened_demo_says_all_that_is_known_of_it(name: str) -> None:
    network = open_demo(name)
    assert network.source == f"demo:{name}" and network.framework == "torch" and network.layout == "channels_first"
    assert network.input_size == (3, 128, 128) and network.classes == SPECIES and not network.notes
    assert network.weights == f"{name}.safetensors" and len(network.provenance["file_sha256"]) == 64
    assert network.layers["stage3.conv"] is network.module.get_submodule("stage3.conv")
    assert network.paths[id(network.layers["stage1.1.unit.relu"])] == "stage1.1.unit.relu"
    assert dict(network.info["stage3.conv"])["out_channels"] == 96
    assert network.arrays["head"]["weight"].shape == (2, 96)  # pyright: ignore[reportCallIssue, reportArgumentType]
    assert not network.module.training
    assert all(p.dtype == torch.float32 for p in network.module.parameters())


def test_the_last_feature_map_is_16_by_16() -> None:
    shapes = []
    network = LeopardNet().eval()
    network.stage3.register_forward_hook(lambda module, inputs, output: shapes.append(tuple(output.shape)))
    assert network(torch.zeros(2, 3, 128, 128)).shape == (2, 2)
    assert shapes == [(2, 96, 16, 16)]


def test_the_two_networks_differ_in_their_weights_only() -> None:
    one, other = (open_demo(name).module for name in DEMOS)
    assert str(one) == str(other)
    assert not torch.equal(one.get_parameter("head.weight"), other.get_parameter("head.weight"))


def test_the_classes_are_the_datasets_own() -> None:
    assert demo.CLASSES == SPECIES and len(BACKGROUNDS) == len(SPECIES)


def test_opening_leaves_the_random_state_as_it_was() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    open_demo("leopards")
    assert torch.equal(torch.rand(3), expected)


def test_an_unknown_name_is_refused_and_the_known_ones_listed() -> None:
    with pytest.raises(UsageError, match=r"demo:leopard.*demo:leopards, demo:leopards-balanced"):
        open_demo("leopard")


def test_weights_left_out_of_an_installation_are_missed_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(demo, "files", lambda package: tmp_path)
    with pytest.raises(EnvironmentLacks, match="demo:leopards"):
        open_demo("leopards")


def test_the_shipped_weights_are_small() -> None:
    folder = Path(seethrough.models.__file__).parent / "weights"
    assert sorted(path.stem for path in folder.iterdir()) == sorted(DEMOS)
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 2_000_000
