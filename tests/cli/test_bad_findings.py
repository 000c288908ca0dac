"""What an audit, a repair and a proof say to pictures, masks and networks that they can do little with; one sentence each."""

import shutil

import numpy as np
import pytest
from corner_network import CLASSES, OPEN, SIDE, save, stand_in, write_masked_photos, write_network, write_weights
from PIL import Image

CELL = 4
FEW = ("--finders", "places")
MORE = """

def thousand():
    return Thousand()


class Thousand(Reads):
    def __init__(self):
        super().__init__()
        self.read = nn.Linear(16, 1000)


def black_box(images):
    import numpy as np
    score = 14 * images[:, :4, :4].mean((1, 2, 3)) / 255 - 7
    return np.stack([1 / (1 + np.exp(score)), 1 / (1 + np.exp(-score))], 1)
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The network that reads a corner, one that always says the same, and photos with masks."""
    home = tmp_path_factory.mktemp("bad_findings")
    write_network(home, CELL, MORE)
    write_weights(home / "first.safetensors", CELL, mark=14.0, thing=9.0)
    write_weights(home / "same.safetensors", CELL, mark=0.0, thing=0.0)
    write_masked_photos(home, 160, CELL)
    return home


@pytest.fixture
def ask(seethrough, home, monkeypatch):
    """A function (verb, *arguments) → Outcome, there."""
    stand_in(home, monkeypatch)
    return lambda verb, *said: seethrough(verb, *said, *OPEN)


def linked(home, folder, **places):
    """A folder with these classes, each like the photos of one."""
    (home / folder).mkdir()
    for own, theirs in places.items():
        (home / folder / own).symlink_to(home / "photos" / theirs)


def refused(outcome, code, words):
    assert outcome.code == code and outcome.out == "" and words in outcome.err, outcome
    assert len(outcome.err.strip().splitlines()) == 1


def test_masks_that_miss_are_said_to_and_leave_nothing_behind(ask, home):
    whole, none = np.full((SIDE, SIDE), 255, np.uint8), np.zeros((SIDE, SIDE), np.uint8)
    for folder, mask, rename in (
        ("all", whole, "{}"), ("empty", none, "{}"), ("large", np.ones((2 * SIDE, SIDE), np.uint8), "{}"), ("other", whole, "x{}"),
    ):  # fmt: skip
        for file in sorted((home / "masks").iterdir()):
            save(mask, home / folder / rename.format(file.name))
    (home / "bare").mkdir()
    for masks, code, words in (
        ("all", 3, "On 160 of 160 pictures the masks or boxes cover nothing, or everything"), ("empty", 3, "cover nothing, or everything"),
        ("large", 3, "has the shape (32, 16), and the picture 16 × 16 pixels"), ("other", 2, "name them alike"),
        ("bare", 3, "There are no masks in 'bare'"), ("nowhere", 3, "no folder or file of masks 'nowhere'"),
    ):  # fmt: skip
        refused(ask("audit", "first.safetensors", "photos", "--masks", masks, *FEW, "-o", "missed/"), code, words)
        assert not (home / "missed").exists(), masks
    kept = home / "kept"
    kept.mkdir()
    refused(ask("audit", "first.safetensors", "photos", "--masks", "empty", *FEW, "-o", "kept/"), 3, "cover nothing")
    assert kept.is_dir()  # somebody else made it


def test_what_each_class_is_taken_for_is_shown_and_mixed_up_classes_are_noticed(ask, home):
    linked(home, "called", night="dark", day="light")
    said = ("audit", "first.safetensors", "called", *FEW)
    mapped = ask(*said, "--called", "night=dark", "--called", "day=light")
    assert mapped.code == 0 and "“night” (its “dark”) " in mapped.out and "“day” (its “light”) " in mapped.out
    assert "mixed up" not in mapped.out
    swapped = ask(*said, "--called", "night=light", "--called", "day=dark", "--lang", "zh")
    assert swapped.code == 0 and "“day”（网络称“dark”）" in swapped.out and "类别对错了号" in swapped.out
    refused(ask(*said, "--called", "night=light", "--called", "day=light"), 2, "belong to one")


def test_of_a_network_that_is_right_by_chance_only_it_is_said_so(ask):
    outcome = ask("audit", "same.safetensors", "photos", "--masks", "masks", *FEW)
    assert outcome.code == 0 and "no wrong reason was found" in outcome.out
    assert "the network is right 50 % of the time, and guessing would be 50 %" in outcome.out.replace("\xa0", " ")


def test_a_class_with_one_picture_is_left_out_or_refused(ask, home):
    shutil.copytree(home / "photos", home / "one")
    for file in sorted((home / "one" / "light").iterdir())[1:]:
        file.unlink()
    refused(ask("audit", "first.safetensors", "one", *FEW), 3, "too few pictures of 'light' (1) to find, judge")
    shutil.copytree(home / "photos", home / "third")
    save(np.zeros((SIDE, SIDE, 3), np.uint8), home / "third" / "grey" / "0.png")
    outcome = ask("audit", "first.safetensors", "third", *FEW)
    assert outcome.code == 0 and "grey" in outcome.out and "[Proven]" in outcome.out


def test_among_a_thousand_outputs_two_are_audited_and_mended(ask, home, seethrough):
    import torch
    from safetensors.torch import load_file, save_file

    state = load_file(home / "first.safetensors")
    weight, bias = torch.zeros(1000, 16), torch.full((1000,), -50.0)
    weight[500], bias[0], bias[500] = state["read.weight"][1], 0.0, state["read.bias"][1]
    save_file({**state, "read.weight": weight, "read.bias": bias}, home / "thousand.safetensors")
    network = ("--architecture", "corner_cli_network:thousand", *OPEN[2:6])
    said = ("thousand.safetensors", "photos", *network)
    called = ("--called", "dark=0", "--called", "light=500")
    outcome = seethrough("audit", *said, "--masks", "masks", *FEW, *called, "-o", "audit-thousand/")
    assert outcome.code == 0 and "“light” (its “500”) " in outcome.out and "[Proven]" in outcome.out
    mended = seethrough(
        "repair",
        *said,
        "--findings",
        "audit-thousand/",
        "--answer",
        "1=background",
        "-o",
        "thousand-mended.safetensors",
    )
    assert mended.code == 0 and "[Mended]" in mended.out
    changed = load_file(home / "thousand-mended.safetensors")
    assert torch.equal(changed["grey.weight"], state["grey.weight"])


def test_where_no_picture_goes_against_it_pictures_are_made_that_do(ask, home):
    for file in sorted((home / "photos").rglob("*.png")):
        x, label = np.array(Image.open(file)), file.parent.name
        x[:4, :4] = 230 if label == CLASSES[1] else 25
        save(x, home / "always" / label / file.name)
    outcome = ask("audit", "first.safetensors", "always", "--masks", "masks", *FEW, "-o", "audit-always/")
    assert outcome.code == 0 and "[Proven]" in outcome.out
    said = ("repair", "first.safetensors", "always", "--findings", "audit-always/", "--answer", "1=background")
    mended = ask(*said, "-o", "always-mended.safetensors")
    assert mended.code == 0 and "[Mended]" in mended.out and (home / "always-mended.safetensors").exists()
    assert "too few pictures go against" in mended.out and "exchanged at random: passes" in mended.out
    none = ask(*said, "--rungs", "grouped", "-o", "none.safetensors", "--anyway")
    assert none.code == 1 and "None of the ways to mend it could be tried" in none.out
    assert "too few pictures go against" in none.out and not (home / "none.safetensors").exists()


def test_an_empty_folder_and_pictures_that_had_a_part_in_the_audit(ask, home):
    (home / "emptied" / "dark").mkdir(parents=True)
    refused(ask("audit", "first.safetensors", "emptied", *FEW, "-o", "empty-audit/"), 3, "There are no pictures in")
    assert not (home / "empty-audit").exists()
    audited = ("--masks", "masks", *FEW, "-o", "audit/")
    assert ask("audit", "first.safetensors", "photos", *audited).code == 0
    for file in (home / "photos").rglob("*.png"):
        save(np.array(Image.open(file)), home / "copies" / file.parent.name / f"copy{file.name}")
        save(np.array(Image.open(home / "masks" / file.name)), home / "copied-masks" / f"copy{file.name}")
    write_weights(home / "mended.safetensors", CELL, mark=0.1, thing=20.0)
    proof = ("prove", "first.safetensors", "mended.safetensors", "copies", "--findings", "audit/")
    refused(ask(*proof), 2, "give masks or boxes")
    refused(
        ask(*proof, "--masks", "copied-masks", "-o", "p.html"), 3, "160 of these 160 pictures, or nearly the same ones"
    )
    assert not (home / "p.html").exists() and not (home / "audit" / "proved.json").exists()
