"""``activations``: what it prints and writes, its exit codes, and what it refuses."""

import json

import numpy as np
import pytest
from cli_material import contents, picture

PATTERN = ("--layers", "[0-4],7")


def test_it_prints_a_line_for_each_layer(seethrough, tiny):
    outcome = seethrough("activations", *tiny, "cat.png", *PATTERN)
    assert outcome.code == 0, outcome
    rows = [line.split() for line in outcome.out.splitlines() if line[:1].isdigit() and "layers" not in line]
    assert [row[0] for row in rows] == ["0", "1", "2", "3", "4", "7"]
    assert rows[1][1:3] == ["4", "32×32"] and rows[5][1] == "3"


def test_where_no_layer_is_named_the_last_of_each_size_is_told(seethrough, tiny):
    told = json.loads(seethrough("activations", *tiny, "cat.png", "--json").out)
    assert [layer["path"] for layer in told["layers"]] == ["1", "4"]
    assert [note["name"] for note in told["notes"]] == ["layers_by_size"]


def test_json_has_every_measure_of_every_channel(seethrough, tiny):
    told = json.loads(seethrough("activations", *tiny, "cat.png", "--layers", "1", "--channels", "2", "--json").out)
    (layer,) = told["layers"]
    assert layer["kept"] == [2] and layer["channels"] == 4 and layer["function"] == "relu"
    assert all(
        np.shape(layer["measures"][name]) == (1, 4) for name in ("mean", "max", "min", "zeros", "strength", "rim")
    )
    assert layer["measures"]["saturated"] is None and told["failed"] == []


def test_npz_has_what_each_layer_returned_under_its_path(seethrough, tiny, folder):
    assert seethrough("activations", *tiny, "cat.png", *PATTERN, "-o", "raw.npz").code == 0
    with np.load(folder / "raw.npz") as arrays:
        assert {name: arrays[name].shape for name in arrays} == {
            "0": (1, 4, 32, 32), "1": (1, 4, 32, 32), "2": (1, 4, 16, 16), "3": (1, 4, 16, 16), "4": (1, 4, 16, 16),
            "7": (1, 3),
        }  # fmt: skip
        assert np.array_equal(arrays["1"], np.maximum(arrays["0"], 0))


@pytest.mark.parametrize("name", ["act.html", "act.png", "act.svg", "act.json"])
@pytest.mark.parametrize("scale", ["unit", "network"])
def test_the_result_is_written(seethrough, tiny, folder, name, scale):
    outcome = seethrough("activations", *tiny, "cat.png", *PATTERN, "-o", name, "--scale", scale, "--lang", "zh")
    assert outcome.code == 0 and f"written to {name}" in outcome.out
    assert (folder / name).stat().st_size > 1000 and [p for p in folder.iterdir() if p.name.startswith(".")] == []
    if name.endswith("html"):
        assert f'"scale": "{scale}"' in (folder / name).read_text("utf-8")


def test_several_pictures_are_one_batch_and_a_broken_one_is_said(seethrough, tiny, folder):
    picture(seed=1).save(folder / "dog.png")
    (folder / "broken.png").write_bytes((folder / "cat.png").read_bytes()[:300])
    outcome = seethrough("activations", *tiny, "cat.png", "broken.png", "dog.png", "--layers", "1", "--json")
    told = json.loads(outcome.out)
    assert outcome.code == 1 and told["images"] == ["cat.png", "dog.png"]
    assert [failed["image"] for failed in told["failed"]] == ["broken.png"] and "broken.png" in outcome.err
    assert np.shape(told["layers"][0]["measures"]["mean"]) == (2, 4)


def test_where_no_picture_can_be_read_nothing_is_written(refused, tiny, folder):
    (folder / "broken.png").write_bytes(b"nothing")
    assert "broken.png" in refused(3, "activations", *tiny, "broken.png", "-o", "act.html")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--layers", "conv*"), "no layer 'conv*'"), (("--scale", "picture"), "--scale is unit, layer or network"),
        (("--layers", "1", "--channels", "4"), "no channel 4"), (("-o", "act.gif"), "end it in .html"),
        (("--lang", "fr"), "'fr'"), (("-o", "cat.png"), "would replace the picture"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_one_sentence(refused, tiny, arguments, message):
    assert message in refused(2, "activations", *tiny, "cat.png", *arguments)


def test_a_folder_that_is_not_there_is_refused_before_the_network_is_opened(refused, tiny):
    assert "nowhere" in refused(4, "activations", "not-a-model.keras", "cat.png", "-o", "nowhere/act.html")


def test_the_picture_is_left_alone(seethrough, tiny, folder):
    before = contents(folder)
    seethrough("activations", *tiny, "cat.png", "--layers", "1")
    assert contents(folder) == before
