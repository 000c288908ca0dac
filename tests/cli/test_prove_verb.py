"""``prove``: what it prints and writes, when it refuses, and that pictures prove once."""

import json

import numpy as np
import pytest
from corner_network import CLASSES, OPEN, photo, save, stand_in, write_network, write_weights


def pictures(home, count, seed):
    """The corner is that of the class 8 times in 10. Where it isn't, the picture's group is ``odd``."""
    chance = np.random.default_rng(seed)
    boxes, groups = ["image,x0,y0,x1,y1"], ["image,group"]
    for k in range(count):
        label, odd = k % 2, chance.random() < 0.2
        name = f"{CLASSES[label]}/{seed}{k:03}.png"
        save(photo(chance, label, odd, 1), home / name)
        boxes.append(f"{name},6,6,9,9")
        groups.append(f"{name},{'odd' if odd else 'usual'}")
    home.with_suffix(".boxes.csv").write_text("\n".join(boxes))
    home.with_suffix(".groups.csv").write_text("\n".join(groups))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A network that reads a corner, one that doesn't any more, an audit of the first, and fresh pictures."""
    home = tmp_path_factory.mktemp("proved")
    pictures(home / "photos", 80, 0)
    pictures(home / "fresh", 64, 1)
    write_weights(home / "first.safetensors", 1, mark=14.0, thing=6.0)
    write_weights(home / "repaired.safetensors", 1, mark=0.1, thing=20.0)
    write_network(home, 1)
    return home


@pytest.fixture
def ask(seethrough, home, monkeypatch):
    """A function (verb, *arguments) → Outcome, there."""
    stand_in(home, monkeypatch)
    return lambda verb, *said: seethrough(verb, *said, *OPEN)


@pytest.fixture
def audited(ask, home):
    """The audit's folder, in which nothing was proved yet."""
    if not (home / "audit").exists():
        said = ("first.safetensors", "photos", "--boxes", "photos.boxes.csv", "--finders", "places", "-o", "audit/")
        assert ask("audit", *said).code == 0
    (home / "audit" / "proved.json").unlink(missing_ok=True)
    return home / "audit"


FRESH = ("first.safetensors", "repaired.safetensors", "fresh", "--findings", "audit/", "--boxes", "fresh.boxes.csv")


def test_a_verdict_is_said_with_its_numbers_and_written(ask, audited, home):
    outcome = ask("prove", *FRESH, "--groups", "fresh.groups.csv", "-o", "proof.html", "--strict")
    assert outcome.code == 0 and outcome.err == "", outcome
    assert outcome.out.startswith("[Improved] The repair helped. In its weakest group the first network was right in 0")
    assert "Weakest group: 0" in outcome.out and "All pictures: " in outcome.out and "[Gone]" in outcome.out
    assert "What stands at the top left" in outcome.out and "percentage points before" in outcome.out
    assert outcome.out.rstrip().splitlines()[-1] == "written to proof.html"
    page = (home / "proof.html").read_text("utf-8")
    assert 'class="verdict-line improved"' in page and "group “odd”" in page
    again = ask("prove", *FRESH, "-o", "proof.html")
    assert again.code == 2 and again.out == "" and "used for a proof before" in again.err and "--force" in again.err


def test_no_improvement_is_an_answer(ask, audited, home):
    write_weights(home / "hardly.safetensors", 1, mark=13.8, thing=6.2)
    said = (
        "first.safetensors",
        "hardly.safetensors",
        "photos",
        "--findings",
        "audit/",
        "--answer",
        "region=background",
    )
    outcome = ask("prove", *said, "--lang", "zh", "--json")
    assert outcome.code == 0
    record = json.loads(outcome.out)
    assert record["verdict"] == "no improvement" and record["own_part"] and record["count"] < 30
    assert {f["aspect"]["kind"] for f in record["findings"] if f["fault"]} == {"region"}
    strict = ask("prove", *said, "--lang", "zh", "--strict", "--force")
    assert (
        strict.code == 1
        and strict.out.startswith("[没有改善] 看不出改善")
        and "此前已用于验证 1 次" in strict.out + strict.err
    )


def test_what_a_repair_wrote_is_proved_beside_the_controls_that_it_left(ask, audited, home):
    mended = ask(
        "repair", "first.safetensors", "photos", "--findings", "audit/", "--answer", "region=background", "--rungs", "exchanged",
        "-o", "mended.safetensors",
    )  # fmt: skip
    assert (home / "mended.safetensors").exists(), mended
    outcome = ask(
        "prove", "first.safetensors", "mended.safetensors", *FRESH[2:], "--groups", "fresh.groups.csv", "--json"
    )
    record = json.loads(outcome.out)
    assert record["verdict"] == "improved" and sorted(record["controls"]) == ["plain", "shuffled"]
    assert {f["aspect"]["kind"] for f in record["findings"] if f["fault"]} == {"region"}
    assert {"plain", "shuffled"} == set(record["figures"][0]["controls"])


def test_weights_are_for_a_network_that_goes_by_its_name():
    from seethrough.cli.opening import Words
    from seethrough.cli.proving import repaired_words

    named = repaired_words(Words("demo:leopards"), "repaired.safetensors")
    assert (named.model, named.weights) == ("demo:leopards", "repaired.safetensors")
    of_its_own = repaired_words(Words("keras:VGG16", weights="imagenet"), "repaired.keras")
    assert (of_its_own.model, of_its_own.weights) == ("repaired.keras", None)


@pytest.mark.parametrize(
    ("code", "message", "change"),
    [
        (2, "'fr'", ("--lang", "fr")), (2, "suffix", ("-o", "proof.txt")), (4, "no folder", ("-o", "missing/proof.html")),
        (2, "both say", ("--answer", "1=background", "--answers", "answers.json")), (2, "no finding 99", ("--answer", "99=background")),
        (2, "--called takes", ("--called", "dark")), (3, "can't be read", ("--groups", "none.csv")),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_one_sentence(ask, audited, code, message, change):
    outcome = ask("prove", *FRESH, *change)
    assert outcome.code == code and outcome.out == "" and message in outcome.err, outcome
    assert len(outcome.err.strip().splitlines()) == 1 and not (audited / "proved.json").exists()


def test_what_is_no_audit_or_of_another_network_is_refused(ask, audited):
    none = ask("prove", "first.safetensors", "repaired.safetensors", "fresh", "--findings", "photos")
    assert none.code == 3 and "audit -o" in none.err
    other = ask("prove", "repaired.safetensors", "first.safetensors", "fresh", "--findings", "audit/")
    assert other.code == 2 and "of another network" in other.err
    same = ask("prove", "first.safetensors", "first.safetensors", "fresh", "--findings", "audit/")
    assert same.code == 2 and "the same network" in same.err
