"""``audit``: what it prints and writes, how it goes on, its exit codes, and what it refuses."""

import json

import numpy as np
import pytest
from corner_network import CLASSES, OPEN, photo, save, stand_in, write_network, write_weights

COUNT = 96
BLACK_BOX = """
import numpy as np

def black_box(images):
    score = 14 * images[:, :4, :4].mean((1, 2, 3)) / 255 - 7
    return np.stack([1 / (1 + np.exp(score)), 1 / (1 + np.exp(-score))], 1)
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A network that reads a corner, and a folder for each class; boxes are around the middle, which it should read."""
    home, chance = tmp_path_factory.mktemp("audited"), np.random.default_rng(0)
    lines = ["image,x0,y0,x1,y1"]
    for k in range(COUNT):
        name = f"{CLASSES[k % 2]}/{k:03}.png"
        save(photo(chance, k % 2, k % 16 <= 1, 1), home / "photos" / name)
        lines.append(f"{name},6,6,9,9")
    (home / "boxes.csv").write_text("\n".join(lines))
    write_weights(home / "reads.safetensors", 1, mark=14.0, thing=0.0)
    write_network(home, 1, BLACK_BOX)
    return home


@pytest.fixture
def ask(seethrough, home, monkeypatch):
    """A function (*arguments) → Outcome, of an audit of that network there."""
    stand_in(home, monkeypatch)
    return lambda *said: seethrough("audit", "reads.safetensors", *said, *OPEN)


def test_what_is_proven_is_said_with_its_n_written_and_gone_on_with(ask, home):
    said = ("photos", "--boxes", "boxes.csv", "--finders", "places", "-o", "audit/", "--strict")
    outcome = ask(*said)
    assert outcome.code == 1 and outcome.err == ""
    assert outcome.out.startswith("This network tells “light” from “dark” largely by ")
    assert "What stands at the top left [Proven]" in outcome.out and "of 24 pictures" in outcome.out
    *_, page, record, more = outcome.out.rstrip().splitlines()
    assert (page, record) == ("written to audit/audit.html", "written to audit/findings.json")
    assert "seethrough repair reads.safetensors photos --findings audit/ --answer 1=background --architecture" in more
    record = json.loads((home / "audit" / "findings.json").read_text("utf-8"))
    assert record["findings"][0]["verdict"] == "proven" and record["provenance"]["called"] == {
        "dark": "dark",
        "light": "light",
    }
    page = (home / "audit" / "audit.html").read_text("utf-8")
    assert 'class="section finding"' in page and '"fingerprint": "' + record["provenance"]["fingerprint"] in page
    shards = {p.name: p.stat().st_mtime_ns for p in (home / "audit" / "looked").rglob("*.safetensors")}
    (home / "audit" / "audit.html").unlink()
    (home / "audit" / "findings.json").unlink()  # as if it had been killed while it judged
    again = ask(*said, "--json")
    assert again.code == 1 and json.loads(again.out)["findings"] == record["findings"]
    assert {p.name: p.stat().st_mtime_ns for p in (home / "audit" / "looked").rglob("*.safetensors")} == shards != {}


@pytest.mark.parametrize("moment", ["judged", "Audit.save"])
def test_who_interrupts_it_is_told_how_to_go_on(ask, tmp_path, monkeypatch, moment):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(f"seethrough.findings.audit.{moment}", interrupted)
    outcome = ask("photos", "--finders", "places", "-o", tmp_path / "kept")
    assert (
        outcome.code == 130 and outcome.out == "" and "kept in" in outcome.err and "run the same again" in outcome.err
    )
    assert (tmp_path / "kept" / "looked").is_dir() and not (tmp_path / "kept" / "audit.html").exists()


def test_a_black_box_is_audited_and_a_broken_picture_named(seethrough, home, monkeypatch, tmp_path):
    monkeypatch.chdir(home)
    copy = tmp_path / "with_broken"
    for place in ("dark", "light"):
        (copy / place).mkdir(parents=True)
        for file in (home / "photos" / place).iterdir():
            (copy / place / file.name).symlink_to(file)
    (copy / "dark" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    outcome = seethrough(
        "audit", "corner_cli_network.py:black_box", copy, "--finders", "places", "--input-size", "16", "--classes", "classes.txt",
        "--called", "dark=0", "--lang", "zh", "--allow-code",
    )  # fmt: skip
    assert outcome.code == 1 and "broken.png" in outcome.err
    assert "左上角" in outcome.out and "[已证实]" in outcome.out and "因此无法交换背景" in outcome.out


@pytest.mark.parametrize(
    ("code", "message", "arguments"),
    [
        (2, "no finder 'luck'", ("photos", "--finders", "luck")), (2, "'fr'", ("photos", "--lang", "fr")),
        (2, "name one such as audit/", ("photos", "-o", "audit.html")), (2, "--called takes", ("photos", "--called", "dark")),
        (2, "class is called 'cat'", ("photos", "--called", "cat=dark")), (2, "No output is called 'wolf'", ("photos", "--called", "dark=wolf")),
        (2, "nothing says it", ("photos/dark",)), (3, "no folder or picture", ("nowhere",)),
        (3, "can't be read", ("photos", "--truth", "none.csv")), (4, "no folder", ("photos", "-o", "missing/audit/")),
        (2, "give one of them", ("photos", "--boxes", "boxes.csv", "--masks", "photos")),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_one_sentence(ask, home, code, message, arguments):
    before = sorted(home.rglob("*"))
    outcome = ask(*arguments)
    assert outcome.code == code and outcome.out == "" and message in outcome.err, outcome
    assert len(outcome.err.strip().splitlines()) == 1
    assert [p for p in sorted(home.rglob("*")) if "__pycache__" not in p.parts] == [
        p for p in before if "__pycache__" not in p.parts
    ]


def test_pictures_called_otherwise_are_asked_for_their_classes(ask, home, tmp_path):
    for own, place in (("night", "dark"), ("day", "light")):
        (tmp_path / own).symlink_to(home / "photos" / place)
    outcome = ask(tmp_path)
    assert (
        outcome.code == 2
        and "('day', 'night') are none of the network's outputs, which are 'dark', 'light'" in outcome.err
    )
    assert "as in --called day=dark." in outcome.err


def test_an_audit_of_another_network_is_not_gone_on_with(seethrough, ask, home, tmp_path):
    few = ("photos", "--finders", "places")
    folder = tmp_path / "kept"
    assert ask(*few, "-o", folder).code == 0
    other = seethrough(
        "audit", "corner_cli_network.py:black_box", *few, "-o", folder, "--input-size", "16", "--classes", "classes.txt",
        "--allow-code",
    )  # fmt: skip
    assert other.code == 2 and "holds another run" in other.err and len(other.err.strip().splitlines()) == 1
