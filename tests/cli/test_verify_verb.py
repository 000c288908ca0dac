"""The verb ``verify``: 0 where the folder of a run is whole, 1 where it isn't, and what is wrong with it."""

import importlib
import json

import numpy as np
import pytest


class Sums:
    """A work that adds up pixels; the network only says how they are prepared."""

    name, settings = "sums", {}

    def part(self):
        return Sum()


class Sum:
    def __init__(self):
        self.rows = []

    def add(self, batch):
        self.rows.append(batch.prepared.batch.sum((1, 2, 3)).numpy())

    def arrays(self):
        return {"sums": np.concatenate(self.rows)}


@pytest.fixture
def done(tmp_path):
    """A run over 20 images in 5 shards."""
    import seethrough as st
    from seethrough.datasets.collection import collect
    from seethrough.jobs import run

    pixels = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), np.uint8)
    run(st.open("demo:leopards"), collect(pixels), Sums(), folder=tmp_path / "sums", shard=4, batch=4)
    return tmp_path / "sums"


def test_a_whole_folder(seethrough, done):
    outcome = seethrough("verify", done)
    assert outcome.code == 0 and outcome.err == ""
    assert "sums, 20 of 20 images" in outcome.out and "5 of 5 shards are as they were written" in outcome.out
    assert json.loads(seethrough("verify", done, "--json").out)["whole"] is True


def test_a_flipped_byte(seethrough, done):
    path = done / "shards" / "000003.safetensors"
    content = bytearray(path.read_bytes())
    content[50] ^= 1
    path.write_bytes(content)
    outcome = seethrough("verify", done)
    assert outcome.code == 1 and "000003.safetensors isn't as it was written" in outcome.err
    assert "1 of 5 shards" in outcome.out
    said = seethrough("verify", done, "--json")
    assert said.code == 1 and json.loads(said.out)["faults"][0]["shard"] == 3


def test_no_run_at_all(seethrough, tmp_path):
    outcome = seethrough("verify", tmp_path)
    assert outcome.code == 3 and outcome.out == "" and "holds no run" in outcome.err


def test_images_passed_by_are_named_and_make_the_code_1(capsys):
    from seethrough.cli.counting import LISTED, say_passed
    from seethrough.jobs import Passed

    assert say_passed([]) == 0
    assert say_passed([Passed(i, f"{i}\x1b.png", "broken") for i in range(LISTED + 2)]) == 1
    err = capsys.readouterr().err
    assert err.count("broken") == LISTED and "2 images more" in err and "\x1b" not in err


def test_an_interruption_says_what_whoever_was_interrupted_has_to_say(seethrough, tmp_path, monkeypatch):
    """What a run that is stopped leaves on the exception reaches the person, although the parser knows Ctrl-C too."""

    def interrupted(folder):
        stop = KeyboardInterrupt()
        stop.add_note("64 of 210 images are done.")
        raise stop

    monkeypatch.setattr(importlib.import_module("seethrough.jobs.verify"), "verify", interrupted)
    outcome = seethrough("verify", tmp_path)
    assert outcome.code == 130
    assert outcome.err == "seethrough: Interrupted; nothing is left half-written. 64 of 210 images are done.\n"
