"""``repair``: what it prints and writes, that it opens again and is proved, and when it refuses."""

import json
import shlex

import pytest
from corner_network import OPEN, stand_in, write_masked_photos, write_network, write_weights

BLACK_BOX = """
def predict(images):
    return images.mean((1, 2))[:, :2]
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Weights of a network that reads a corner, and photos in which the corner is that of the class 8 times in 10."""
    home = tmp_path_factory.mktemp("repaired")
    write_masked_photos(home, 280, 4)
    write_weights(home / "first.safetensors", 4, mark=14.0, thing=9.0)
    write_network(home, 4, BLACK_BOX)
    return home


@pytest.fixture
def ask(seethrough, home, monkeypatch):
    """A function (verb, *arguments) → Outcome, there."""
    stand_in(home, monkeypatch)
    return lambda verb, *said: seethrough(verb, *said, *OPEN)


@pytest.fixture
def audited(ask, home):
    """The audit's folder."""
    if not (home / "audit").exists():
        said = ("first.safetensors", "photos", "--masks", "masks", "--finders", "places", "-o", "audit/")
        assert ask("audit", *said).code == 0
    return home / "audit"


REPAIR = ("repair", "first.safetensors", "photos", "--findings", "audit/")


def test_it_is_repaired_written_opened_again_and_proved(ask, audited, home, seethrough):
    done = ask(*REPAIR, "--answer", "region=background", "-o", "repaired.safetensors")
    assert done.code == 0, done.err
    assert "[Mended]" in done.out and "no longer go by what stands at the top left" in done.out
    assert "Right in all usual pictures" in done.out and "read.weight" in done.out
    assert "not tried" in done.out or "left out" in done.out
    line = next(line for line in done.out.splitlines() if line.startswith("It opens with: "))
    assert "repaired.safetensors --architecture corner_cli_network:Reads --input-size 3x16x16" in line
    predicted = ask("predict", "repaired.safetensors", home / "photos" / "dark" / "000.png")
    assert predicted.code == 0 and "dark" in predicted.out
    record = json.loads((audited / "repair" / "repair.json").read_text())
    assert record["verdict"] == "passed" and record["file"] == "repaired.safetensors"
    assert (audited / "repair" / "controls.safetensors").exists()
    line = next(line for line in done.out.splitlines() if line.startswith("Prove it with: seethrough "))
    said = shlex.split(
        line.removeprefix("Prove it with: seethrough ").replace("FOLDER/", "photos").replace("MASKS/", "masks")
    )
    assert said[:3] == ["prove", "first.safetensors", "repaired.safetensors"]
    proved = seethrough(*said)
    assert proved.code == 0, proved.err


def test_it_says_so_in_chinese_and_as_json(ask, audited):
    done = ask(*REPAIR, "--answer", "region=background", "--lang", "zh")
    assert done.code == 0 and "已修复" in done.out and "左上角" in done.out
    record = json.loads(ask(*REPAIR, "--answer", "region=background", "--json").out)
    assert record["verdict"] == "passed" and record["files"] == [] and record["scores"]["after"]["usual"] > 0.9


def test_what_is_not_better_is_not_written_without_being_asked_for(ask, audited, home):
    """By a way that has no pictures to learn from."""
    said = (*REPAIR, "--answer", "region=background", "--rungs", "subtraction", "-o", "worse.safetensors")
    done = ask(*said)
    assert done.code == 1 and "was not written" in done.out and not (home / "worse.safetensors").exists()
    assert "--allow-wrapper" in done.out


def test_what_can_not_be_is_refused_before_any_work(ask, audited, home):
    for said, words in (
        (REPAIR, "--answer 1=background"),
        ((*REPAIR, "--answer", "1=class"), "nothing to mend"),
        ((*REPAIR, "--answer", "99=background"), "no finding 99"),
        ((*REPAIR, "--answer", "1=background", "--rungs", "luck"), "no rung 'luck'"),
        ((*REPAIR, "--answer", "1=background", "-o", "repaired.keras"), "written as .safetensors"),
        ((*REPAIR, "--answer", "1=background", "-o", "first.safetensors"), "the network itself"),
        ((*REPAIR, "--answer", "1=background", "--answers", "a.json"), "leave one of them out"),
        ((*REPAIR, "--answer", "1=background", "--minutes", "0"), "minutes is a time above 0"),
        ((*REPAIR[:3], "--findings", "photos", "--answer", "1=background"), "can't be read"),
        ((*REPAIR, "--answer", "1=background", "--lang", "fr"), "'fr'"),
    ):
        refused = ask(*said)
        assert refused.code in (2, 3) and words in refused.err and "\n" not in refused.err.strip(), (said, refused.err)
    state = (home / "first.safetensors").read_bytes()
    from safetensors.torch import load, save_file

    other = load(state)
    other["read.bias"] += 1
    save_file(other, home / "other.safetensors")
    refused = ask("repair", "other.safetensors", "photos", "--findings", "audit/", "--answer", "1=background")
    assert refused.code == 2 and "is of another network" in refused.err


def test_of_a_function_it_is_said_why_not(seethrough, audited, home):
    refused = seethrough(
        "repair", "corner_cli_network.py:predict", "photos", "--findings", "audit/", "--answer", "1=background",
        "--input-size", "16x16x3",
    )  # fmt: skip
    assert refused.code == 3 and "nothing of its inside is known" in refused.err


def test_what_the_name_said_is_said_of_the_file():
    """The file doesn't know how its pictures are prepared."""
    from pathlib import Path

    import seethrough as st
    from seethrough.cli.opening import Words
    from seethrough.cli.repairing import reopened

    net = st.open("keras:MobileNet", input_size=(32, 32, 3), classes=["a", "b"])
    words = Words("keras:MobileNet", classes="ab.txt")
    assert reopened(net, words, Path("r.keras")) == ["r.keras", "--classes", "ab.txt", "--preprocessing", "tf"]
    by_name = ["keras:MobileNet", "--weights", "r.weights.h5", "--classes", "ab.txt"]
    assert reopened(net, words, Path("r.weights.h5")) == by_name
    assert reopened(st.open("demo:leopards"), Words("demo:leopards"), Path("r.pt")) == [
        "demo:leopards",
        "--weights",
        "r.pt",
    ]
