"""``compare``: two answers, layers or networks side by side; what can't be compared is said before a network is opened."""

import json

import pytest

import seethrough as st
from seethrough.cli.comparing import networks_and_pictures

NAMES = "lynx\ncat\nleopard\n"


@pytest.fixture
def named(tiny, folder):
    (folder / "names.txt").write_text(NAMES)
    return (*tiny, "--classes", "names.txt")


def test_two_targets_are_told_and_written(seethrough, named, folder):
    outcome = seethrough("compare", *named, "cat.png", "--target", "cat", "--target", "lynx", "-o", "c.html")
    assert outcome.code == 0, outcome.err
    assert "rank correlation" in outcome.out and outcome.out.splitlines()[-1] == "c.html"
    assert "Why “cat”, and why “lynx”?" in (folder / "c.html").read_text("utf-8")


def test_json_has_what_the_library_says(seethrough, named, folder):
    command = ("compare", *named, "cat.png", "--target", "0", "--target", "2", "--methods", "saliency", "--json")
    told = json.loads(seethrough(*command).out)["images"][0]["comparison"]
    net = st.open(
        "tiny.safetensors", architecture="tiny_cli_network:net", input_size=(3, 32, 32), preprocessing="unit",
        classes=["lynx", "cat", "leopard"],
    )  # fmt: skip
    found = st.compare(net, "cat.png", "saliency", target=(0, 2))
    difference = found.differences["saliency"]
    assert told["differences"][0]["saliency"]["correlation"] == pytest.approx(difference.correlation[0])
    assert told["contrast"]["images"][0]["target"]["indices"] == [[0, 1], [2, -1]]


def test_two_layers_are_compared_by_gradcam(seethrough, tiny):
    outcome = seethrough("compare", *tiny, "cat.png", "--layer", "1", "--layer", "4", "--json")
    told = json.loads(outcome.out)["images"][0]["comparison"]
    assert told["compared"] == "layers" and told["names"] == [["1", "4"]]
    assert told["first"]["methods"]["gradcam"]["layer"] == "1"


def test_two_networks_are_told_apart_from_pictures(seethrough, named, folder):
    import importlib

    import torch
    from safetensors.torch import save_file

    torch.manual_seed(3)
    save_file(importlib.import_module("tiny_cli_network").net().state_dict(), folder / "other.safetensors")
    model, *rest = named
    outcome = seethrough("compare", model, "other.safetensors", *rest, "cat.png", "--methods", "occlusion", "--json")
    told = json.loads(outcome.out)["images"][0]["comparison"]
    assert told["compared"] == "networks" and told["names"] == [["tiny", "other"]]
    assert told["first"]["provenance"]["fingerprint"] != told["second"]["provenance"]["fingerprint"]


@pytest.mark.parametrize(
    ("named", "found"),
    [
        (["a.jpg"], (None, ["a.jpg"])),
        (["keras:VGG16", "a.jpg", "b.png"], ("keras:VGG16", ["a.jpg", "b.png"])),
        (["demo:leopards", "a.jpg"], ("demo:leopards", ["a.jpg"])),
        (["box.py:predict", "a.jpg"], ("box.py:predict", ["a.jpg"])),
        (["two.onnx", "a.jpg"], ("two.onnx", ["a.jpg"])),
        (["c:a.jpg"], (None, ["c:a.jpg"])),
    ],
)
def test_networks_and_pictures_are_told_apart_by_their_names(named, found):
    assert networks_and_pictures(named) == found


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("cat.png",), "--target twice, --layer twice, or name a second network"),
        (("cat.png", "--target", "1"), "nothing to compare"),
        (("cat.png", *("--target", "0") * 3), "--target is said 3 times"),
        (("cat.png", "--target", "0", "--target", "1", "--layer", "1", "--layer", "4"), "Two things at once"),
        (("keras:VGG16",), "no picture is named"),
        (("keras:VGG16", "keras:VGG19", "cat.png"), "would be a third"),
        (("cat.png", "keras:VGG16"), "right behind the first"),
        (("cat.png", "--target", "0", "--target", "0"), "two different ones"),
        (("cat.png", "--target", "0", "--target", "1", "-o", "c.pdf"), ".html"),
    ],
)
def test_what_cannot_be_compared_is_said_in_one_sentence(refused, tiny, arguments, says):
    model, *rest = tiny
    assert says in refused(2, "compare", model, *arguments, *rest)
