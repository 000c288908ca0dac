"""``filters``: what it prints and writes, and what it refuses."""

import json

import numpy as np
import pytest


def test_it_says_what_is_to_be_noticed_and_what_each_filter_is(seethrough, tiny):
    outcome = seethrough("filters", *tiny[:5])
    assert outcome.code == 0 and outcome.out.startswith("4 filters.")
    assert "4 filters of 3 × 3, each over 3 input channels" in outcome.out and "likeness" in outcome.out


def test_it_speaks_chinese(seethrough, tiny):
    assert "共 4 个滤波器" in seethrough("filters", *tiny[:5], "--lang", "zh").out


def test_json_has_every_number(seethrough, tiny):
    told = json.loads(seethrough("filters", *tiny[:5], "--json").out)
    (layer,) = told["layers"]
    assert layer["path"] == "0" and len(layer["measures"]) == 4 and layer["form"] == "convolution"


def test_a_layer_and_channels_are_chosen(seethrough, tiny):
    told = json.loads(seethrough("filters", tiny[0], "3", *tiny[1:5], "--channels", "1-2", "--json").out)
    assert [row["filter"] for row in told["layers"][0]["measures"]] == [1, 2]


@pytest.mark.parametrize("name", ["f.png", "f.svg", "f.html", "f.json", "f.npz"])
def test_files_are_written(seethrough, tiny, folder, name):
    outcome = seethrough("filters", *tiny[:5], "-o", name)
    assert outcome.code == 0 and (folder / name).stat().st_size > 500 and f"written to {name}" in outcome.out


def test_the_arrays_are_the_networks(seethrough, tiny, folder):
    seethrough("filters", tiny[0], "*", *tiny[1:5], "-o", "f.npz")
    with np.load(folder / "f.npz") as arrays:
        assert arrays["0.weights"].shape == (4, 3, 3, 3) and arrays["3.weights"].shape == (4, 4, 3, 3)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nowhere",), "There is no layer 'nowhere'"),
        (("1",), "Nearest that have: 0, 3"),
        (("--channels", "9"), "There is no filter 9"),
        (("-o", "filters.gif"), "no suffix that tells a kind of file"),
        (("--lang", "fr"), "not in 'fr'"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(seethrough, tiny, arguments, words):
    outcome = seethrough("filters", tiny[0], *arguments, *tiny[1:5])
    assert (
        outcome.code == 2 and outcome.out == "" and len(outcome.err.strip().splitlines()) == 1 and words in outcome.err
    )
