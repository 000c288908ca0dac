"""``health``: what it prints and writes, its exit codes, and what it refuses."""

import json

import numpy as np
import pytest
from cli_material import picture


@pytest.fixture
def photos(folder):
    """A folder of 26 pictures in two classes."""
    for k in range(26):
        at = folder / "photos" / ("a" if k % 2 else "b")
        at.mkdir(parents=True, exist_ok=True)
        picture(40, 40, seed=k).save(at / f"{k:02}.png")
    return "photos"


def test_it_says_what_is_to_be_noticed(seethrough, tiny, photos):
    outcome = seethrough("health", tiny[0], photos, *tiny[1:])
    assert outcome.code == 0 and outcome.err == ""
    assert outcome.out.startswith("26 pictures, 3 layers, 11 units:")
    chinese = seethrough("health", tiny[0], photos, *tiny[1:], "--lang", "zh")
    assert chinese.out.startswith("26 张图片、3 层、11 个单元：")


def test_json_has_every_layer_and_the_classes(seethrough, tiny, photos):
    told = json.loads(seethrough("health", tiny[0], photos, *tiny[1:], "--json").out)
    assert [layer["path"] for layer in told["layers"]] == ["0", "3", "7"]
    assert told["images"] == 26 and told["classes"] == 2 and told["file"] is None
    assert 0 <= told["layers"][0]["selectivity"] < 0.2


def test_only_named_layers_and_any_batch(seethrough, tiny, photos):
    told = json.loads(seethrough("health", tiny[0], photos, *tiny[1:], "--layers", "3", "--batch", "4", "--json").out)
    assert [layer["path"] for layer in told["layers"]] == ["3"]


@pytest.mark.parametrize("name", ["health.html", "health.png", "health.svg", "health.npz", "health.json"])
def test_the_file_is_written(seethrough, tiny, photos, folder, name):
    outcome = seethrough("health", tiny[0], photos, *tiny[1:], "-o", name)
    assert outcome.code == 0 and (folder / name).stat().st_size > 1000 and outcome.out.rstrip().endswith(name)
    if name.endswith(".npz"):
        with np.load(folder / name) as arrays:
            assert arrays["3/frequency"].shape == (4,)


def test_two_networks_stand_beside_each_other(seethrough, tiny, photos):
    outcome = seethrough("health", tiny[0], tiny[0], photos, *tiny[1:])
    assert outcome.code == 0 and "3 layers stand beside each other" in outcome.out
    assert "0 findings are gone, 0 are new" in outcome.out


def test_of_two_networks_what_was_said_is_for_the_one_that_does_not_know_it(seethrough, tiny, photos):
    outcome = seethrough("health", "demo:leopards", "demo:leopards-balanced", photos, "--preprocessing", "unit")
    assert outcome.code == 0 and "11 layers stand beside each other" in outcome.out
    alone = seethrough("health", "demo:leopards", photos, "--preprocessing", "unit")
    assert alone.code == 2


def test_a_broken_picture_is_named_and_the_others_are_looked_at(seethrough, tiny, photos, folder):
    (folder / photos / "a" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    outcome = seethrough("health", tiny[0], photos, *tiny[1:])
    assert outcome.code == 1 and outcome.out.startswith("26 pictures") and "broken.png" in outcome.err


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        (2, ("a", "b", "c")), (2, ("photos", "--batch", "0")), (2, ("photos", "--layers", "nowhere*")), (2, ("photos", "-o", "x.pdf")),
        (2, ("photos", "--lang", "fr")), (3, ("empty",)), (4, ("photos", "-o", "missing/x.html")),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_one_sentence(seethrough, tiny, photos, folder, code, arguments):
    (folder / "empty").mkdir()
    outcome = seethrough("health", tiny[0], *arguments, *tiny[1:])
    assert outcome.code == code and outcome.out == "" and len(outcome.err.strip().splitlines()) == 1, outcome
