"""``audit --words``: a finding in the person's words, and what is said to words that are none."""

import json

import numpy as np
import pytest
from corner_network import OPEN, SIDE, save, stand_in, write_masked_photos, write_network, write_weights

SAID = ("photos", "--masks", "masks", "--finders", "places")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The network that reads a corner, bright in photos of one class; and words for bright, dark, and too little of a third."""
    home, chance = tmp_path_factory.mktemp("own_words"), np.random.default_rng(1)
    write_network(home, 1)
    write_weights(home / "reads.safetensors", 1, mark=14.0, thing=0.0)
    write_masked_photos(home, 120, 1)
    for word, level in (("chalk", 0.9), ("coal", 0.1)):
        for k in range(6):
            x = np.full((SIDE, SIDE, 3), level) + chance.normal(0, 0.02, (SIDE, SIDE, 3)) + chance.normal(0, 0.03)
            save((255 * x.clip(0, 1)).astype(np.uint8), home / "words" / word / f"{k}.png")
    (home / "bare").mkdir()
    save(np.zeros((SIDE, SIDE, 3), np.uint8), home / "one" / "chalk" / "0.png")
    save(np.zeros((SIDE, SIDE, 3), np.uint8), home / "few" / "chalk" / "0.png")
    save(np.zeros((SIDE, SIDE, 3), np.uint8), home / "few" / "coal" / "0.png")
    return home


@pytest.fixture
def ask(seethrough, home, monkeypatch):
    """A function (*arguments) → Outcome, there."""
    stand_in(home, monkeypatch)
    return lambda *said: seethrough("audit", "reads.safetensors", *said, *OPEN)


def test_a_corner_is_said_in_the_persons_words_and_words_can_be_added_to_a_finished_audit(ask, home):
    before = ask(*SAID, "-o", "audit/")
    assert before.code == 0 and "In your words" not in before.out
    judged = {p.name: p.stat().st_mtime_ns for p in (home / "audit" / "judged").iterdir()}
    outcome = ask(*SAID, "-o", "audit/", "--words", "words")
    said = [line for line in outcome.out.replace("\xa0", " ").splitlines() if "In your words" in line]
    assert outcome.code == 0 and outcome.err == "" and len(said) == 1, outcome
    assert "this part looks like “chalk” in " in said[0] and " For “coal” it is " in said[0]
    assert [line for line in outcome.out.splitlines() if "In your words" not in line] == before.out.splitlines()
    record = json.loads((home / "audit" / "findings.json").read_text("utf-8"))
    word = record["findings"][0]["words"]["words"][0]
    assert word["word"] == "chalk" and 0.5 < word["own"]["low"] < 0.8 < word["own"]["high"]
    assert word["rivals"]["low"] < 0.2 < word["rivals"]["high"] < 0.5
    assert "In your words: this part" in (home / "audit" / "audit.html").read_text("utf-8")
    assert {p.name: p.stat().st_mtime_ns for p in (home / "audit" / "judged").iterdir()} == judged != {}
    chinese = ask(*SAID, "-o", "audit/", "--words", "words", "--lang", "zh")
    assert "用您的词说：“light”的图片中，这一处像“chalk”的占 " in chinese.out


def test_a_repair_goes_on_from_a_record_with_words(ask, seethrough, home):
    assert ask(*SAID, "-o", "told/", "--words", "words").code == 0
    said = ("repair", "reads.safetensors", "photos", "--findings", "told/", "--answer", "1=class", *OPEN)
    outcome = seethrough(*said)
    assert outcome.code == 2 and "there only by chance" in outcome.err  # it was read, and found nothing to mend


@pytest.mark.parametrize(
    ("code", "message", "words"),
    [
        (3, "no folder of words 'nowhere'", "nowhere"), (2, "There is no folder in 'bare'", "bare"),
        (2, "give 2 to 50 of them, and not 1", "one"), (3, "The word 'chalk' has one picture that can be read; give 4", "few"),
    ],
)  # fmt: skip
def test_what_are_no_words_is_one_sentence_and_nothing_is_written(ask, home, code, message, words):
    outcome = ask(*SAID, "-o", "refused/", "--words", words)
    assert outcome.code == code and outcome.out == "" and message in outcome.err, outcome
    assert len(outcome.err.strip().splitlines()) == 1 and not (home / "refused").exists()
