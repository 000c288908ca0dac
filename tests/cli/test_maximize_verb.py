"""``seethrough maximize``, as typed."""

import json

import numpy as np
import pytest
from cli_material import picture


def fast(seethrough, *arguments):
    return seethrough("maximize", "demo:leopards", *arguments, "--steps", "3", "--size", "32")


def test_it_prints_what_each_picture_reaches_and_writes_them(seethrough, tmp_path):
    done = fast(seethrough, "stage1", "--channels", "0-2,7", "-o", tmp_path / "dreams.png")
    assert done.code == 0
    assert all(f"stage1:{k}" in done.out for k in (0, 1, 2, 7))
    assert (tmp_path / "dreams.png").read_bytes().startswith(b"\x89PNG")
    assert "written to" in done.out


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (("--class", "snow leopard", "--class", "1"), ["snow leopard", "Arabian leopard"]),
        (("stage1", "--neuron", "3,1,2", "--neuron", "4"), ["stage1:3 @ 1,2", "stage1:4"]),
        (("stage1", "--direction", "d.npy"), ["stage1:direction"]),
    ],
)
def test_classes_neurons_and_directions_are_asked_for(seethrough, tmp_path, monkeypatch, arguments, names):
    monkeypatch.chdir(tmp_path)
    np.save(tmp_path / "d.npy", np.ones(32, np.float32))
    done = fast(seethrough, *arguments, "--json", "--seed", "4")
    record = json.loads(done.out)
    assert [p["name"] for p in record["pictures"]] == names
    assert record["settings"]["seed"] == 4


@pytest.mark.parametrize("how", ["accentuate", "invert", "caricature", "deepdream"])
def test_a_picture_is_made_something_of(seethrough, tmp_path, how):
    picture().save(tmp_path / "cat.png")
    more = ("--class", "0") if how == "accentuate" else ()
    layer = () if how == "accentuate" else ("stage1",)
    done = fast(seethrough, *layer, *more, "--from", tmp_path / "cat.png", "--how", how, "--json")
    assert json.loads(done.out)["way"] == how


def test_real_pictures_stand_beside(seethrough, tmp_path):
    (tmp_path / "photos").mkdir()
    for k in range(3):
        picture().rotate(90 * k).save(tmp_path / f"photos/{k}.png")
    done = fast(seethrough, "stage1", "--channels", "1", "--real", tmp_path / "photos", "--json")
    record = json.loads(done.out)
    assert record["real_pictures"] == 3
    assert record["pictures"][0]["best_real_picture"] in {"0.png", "1.png", "2.png"}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("stage9", "--channels", "0"), 2, "There is no layer 'stage9'"),
        (("stage1", "--channels", "32"), 2, "32 channels, 0 to 31"),
        ((), 2, "Say what is to be excited"),
        (("stage1", "--neuron", "a,b"), 2, "--neuron takes"),
        (("stage1", "--direction", "missing.npy"), 3, "can't be read"),
        (("--class", "unicorn"), 2, "unicorn"),
        (("stage1", "--how", "invert"), 2, "--from"),
        (("stage1", "--how", "melt", "--from", "x.png"), 2, "--how is one of"),
        (("stage1", "--parametrization", "jpeg"), 2, "fourier, pixel, maco"),
        (("stage1", "--transforms", "wild"), 2, "standard"),
        (("stage1", "-o", "dreams.txt"), 2, ".gif"),
        (("stage1", "-o", "nowhere/dreams.png"), 4, "no folder"),
        (("stage1", "--from", "missing.png"), 3, "missing.png"),
        (("--how", "deepdream", "--from", "x.png"), 2, "needs a layer"),
    ],
)
def test_what_can_t_be_done_is_one_sentence(seethrough, tmp_path, monkeypatch, arguments, code, said):
    monkeypatch.chdir(tmp_path)
    done = fast(seethrough, *arguments)
    assert (done.code, done.out) == (code, "")
    assert said in done.err and len(done.err.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())
