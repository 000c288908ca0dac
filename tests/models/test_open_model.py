"""One word for every door."""

import subprocess
import sys

import pytest
from torch import nn

from seethrough.errors import InputRefused, UsageError
from seethrough.models import open_model


@pytest.mark.parametrize(
    "source, options, words",
    [
        (3, {}, "builtins.int is no network"),
        ("nothing.pt", {}, "There is no file"),
        ("demo:leopards", {"classes": ["a", "b"]}, "says nothing about demo:leopards"),
        ("keras:VGG16", {"architecture": "a:b"}, "says nothing about keras:VGG16"),
        ("a.pt", {"weights": "b.pt"}, "says nothing about the file"),
    ],
)
def test_what_can_not_be_meant_is_one_sentence(source, options, words):
    with pytest.raises((UsageError, InputRefused), match=words) as refused:
        open_model(source, **options)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("size", [0, -3, (3, 0, 4), (), (3.5, 2, 2), "224"])
def test_an_input_size_is_whole_numbers(size):
    with pytest.raises(UsageError, match="whole numbers above 0"):
        open_model(nn.Conv2d(3, 4, 3), input_size=size)


def test_one_number_is_a_square_of_three_channels():
    assert open_model(nn.Conv2d(3, 4, 3), input_size=32).input_size == (3, 32, 32)


def test_a_live_network_brings_its_own_weights():
    with pytest.raises(UsageError, match="about a live network"):
        open_model(nn.Linear(2, 3), weights="w.pt")


def test_importing_the_doors_imports_no_keras():
    words = "import sys, torch, seethrough.models as m; m.open_model(torch.nn.Linear(2, 3)); "
    asked = "print('keras' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", words + asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
