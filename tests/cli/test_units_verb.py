"""``units`` on the command line: a folder of results, what is passed by, what is refused, a search."""

import importlib
import json
import sys

import pytest
import torch
from cli_material import contents, picture
from safetensors.torch import save_file

SMALL = ("--architecture", "units_cli_network:net", "--input-size", "3x32x32", "--preprocessing", "unit")

NETWORK = """
import torch
from torch import nn

def net():
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)
    )
    module[0].weight.data[1] = 0
    module[0].bias.data[1] = -1  # never fires
    return module.eval()
"""


@pytest.fixture
def photos(tmp_path):
    """Two classes of six pictures, in folders of their names."""
    folder = tmp_path / "photos"
    for i in range(12):
        home = folder / ("cat" if i % 2 else "dog")
        home.mkdir(parents=True, exist_ok=True)
        picture(seed=i).save(home / f"{i}.png")
    return folder


@pytest.fixture
def network(tmp_path, monkeypatch):
    """What opens a small network whose unit 1 never fires."""
    (tmp_path / "units_cli_network.py").write_text(NETWORK, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "units_cli_network", raising=False)
    torch.manual_seed(0)
    save_file(importlib.import_module("units_cli_network").net().state_dict(), tmp_path / "own.safetensors")
    return tmp_path / "own.safetensors"


def test_a_folder_gets_a_page_and_the_same_command_does_no_more(seethrough, network, photos, tmp_path):
    out = tmp_path / "units"
    done = seethrough("units", network, photos, "--layer", "1", "-o", out, *SMALL)
    assert done.code == 0, done.err
    assert "4 units of 1, on 12 pictures: 1 never fire" in done.out
    page = (out / "units.html").read_text("utf-8")
    assert 'id="1/0"' in page and 'id="1/3"' in page and "data:image/webp" in page and "Fires on none" in page
    before = contents(out / "shards")
    again = seethrough("units", network, photos, "--layer", "1", "-o", out, *SMALL)
    assert again.code == 0 and contents(out / "shards") == before
    assert (out / "units.html").read_text("utf-8") == page, "the same unit has the same address, and the same pictures"


def test_other_settings_in_the_same_folder_are_refused(seethrough, network, photos, tmp_path):
    out = tmp_path / "units"
    assert seethrough("units", network, photos, "--layer", "1", "-o", out, *SMALL).code == 0
    other = seethrough("units", network, photos, "--layer", "0", "-o", out, *SMALL)
    assert other.code == 2 and "layers" in other.err


def test_broken_pictures_are_named_and_the_rest_is_done(seethrough, network, photos, tmp_path):
    (photos / "dog" / "broken.png").write_bytes(b"no picture")
    (photos / "dog" / "empty.jpg").touch()
    done = seethrough("units", network, photos, "--layer", "1", "-o", tmp_path / "units", *SMALL, "--json")
    assert done.code == 1, done.err
    record = json.loads(done.out)
    assert record["images"] == 12 and {p["name"] for p in record["passed"]} == {"dog/broken.png", "dog/empty.jpg"}
    assert record["classes_by"] == "truth"
    assert len(record["layers"]["1"]["units"]) == 4
    page = (tmp_path / "units" / "units.html").read_text("utf-8")
    assert "dog/broken.png" in page


def test_a_search_ranks_units_on_a_picture(seethrough, network, photos, tmp_path):
    one = tmp_path / "one.png"
    picture(seed=99).save(one)
    done = seethrough(
        "units",
        network,
        photos,
        "--layer",
        "1",
        "-o",
        tmp_path / "u",
        *SMALL,
        "--search",
        one,
        "--json",
        "--no-relevance",
    )
    found = json.loads(done.out)["search"]
    assert done.code == 0 and found["images"] == 12 and len(found["found"]) == 4
    assert [f["rarer"] for f in found["found"]] == sorted(f["rarer"] for f in found["found"])
    spoken = seethrough(
        "units", network, photos, "--layer", "1", "-o", tmp_path / "u", *SMALL, "--search", one, "--no-relevance"
    )
    assert "one.png" in spoken.out and "1/" in spoken.out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--layer", "9"), 2, "no layer '9'"),
        (("--layer", "1", "--channels", "7"), 2, "no channel 7"),
        (("--layer", "1", "--top", "0"), 2, "top is at least 1"),
        (("--layer", "1", "--target", "1", "--no-relevance"), 2, "--no-relevance"),
        (("--layer", "1", "--search", "nowhere.png"), 3, "nowhere.png"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_sentence(seethrough, network, photos, tmp_path, words, code, said):
    done = seethrough("units", network, photos, "-o", tmp_path / "units", *SMALL, *words)
    assert done.code == code and said in done.err and "Traceback" not in done.err
    assert not (tmp_path / "units" / "units.html").exists()


def test_a_folder_without_pictures_is_refused(seethrough, network, tmp_path):
    (tmp_path / "none").mkdir()
    done = seethrough("units", network, tmp_path / "none", "-o", tmp_path / "units", *SMALL)
    assert done.code == 3 and "no pictures" in done.err


def test_a_file_in_the_place_of_the_folder_is_refused(seethrough, network, photos, tmp_path):
    (tmp_path / "units").write_text("mine", "utf-8")
    done = seethrough("units", network, photos, "-o", tmp_path / "units", *SMALL)
    assert done.code == 2 and (tmp_path / "units").read_text("utf-8") == "mine"
