"""The suffix says which kind of file; a file is written whole or not at all."""

import json
import os
import sys

import numpy as np
import pytest

from seethrough import writing
from seethrough.errors import EnvironmentLacks, UsageError
from seethrough.report import save
from seethrough.results import Note
from seethrough.show.sentences import sentence

HEADS = {".html": b"\n<!doctype html>", ".png": b"\x89PNG", ".svg": b"<?xml", ".npz": b"PK", ".json": b"{"}


@pytest.fixture
def small(make_explanation):
    return make_explanation(images=2, height=40, width=60)


@pytest.mark.parametrize("suffix", HEADS)
def test_each_suffix_gives_its_kind_and_leaves_one_file(small, tmp_path, suffix):
    path = tmp_path / f"why{suffix.upper()}"
    assert small.save(path) == path
    assert path.read_bytes().lstrip(b"\n").startswith(HEADS[suffix].lstrip(b"\n"))
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", HEADS)
def test_an_attribution_alone_is_saved_too(small, tmp_path, suffix):
    assert save(small["occlusion"], tmp_path / f"x{suffix}").stat().st_size > 500


@pytest.mark.parametrize("name", ["why.pdf", "why", "why.html.gz"])
def test_an_unknown_suffix_is_refused_with_the_five(small, tmp_path, name):
    with pytest.raises(UsageError, match=r"\.html, \.png, \.svg, \.npz, \.json"):
        save(small, tmp_path / name)
    assert not any(tmp_path.iterdir())


def test_an_unknown_language_is_refused_before_anything_is_written(small, tmp_path):
    with pytest.raises(UsageError, match="'fr'"):
        save(small, tmp_path / "x.html", language="fr")
    assert not any(tmp_path.iterdir())


def test_a_missing_folder_is_named(small, tmp_path):
    with pytest.raises(EnvironmentLacks, match=r"no folder .*nowhere"):
        save(small, tmp_path / "nowhere" / "x.png")


def test_a_folder_in_place_of_a_file_is_refused(small, tmp_path):
    (tmp_path / "x.png").mkdir()
    with pytest.raises(EnvironmentLacks, match="is a folder"):
        save(small, tmp_path / "x.png")


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_refused(small, tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(EnvironmentLacks, match="can't be written"):
        save(small, tmp_path / "x.png")


def test_a_folder_that_the_system_closes_is_refused(small, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(EnvironmentLacks, match="can't be written"):
        save(small, tmp_path / "x.png")


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_while_writing_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, failure):
    path = tmp_path / "x.json"
    path.write_text("old")

    def fail(_):
        raise failure

    monkeypatch.setattr(writing.os, "fsync", fail)
    with pytest.raises(EnvironmentLacks if isinstance(failure, OSError) else KeyboardInterrupt):
        writing.write_whole(path, b"new")
    assert path.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["x.json"]


def test_a_symbolic_link_stays_one(tmp_path):
    (tmp_path / "real.json").write_text("old")
    (tmp_path / "link.json").symlink_to(tmp_path / "real.json")
    writing.write_whole(tmp_path / "link.json", b"new")
    assert (tmp_path / "link.json").is_symlink() and (tmp_path / "real.json").read_text() == "new"


def test_the_arrays_come_back_as_they_were(small, tmp_path):
    with np.load(small.save(tmp_path / "x.npz")) as arrays:
        for name, attribution in small.items():
            for part in ("values", "map", "seen", "scores"):
                stored = arrays[f"{name}.{part}"]
                assert stored.dtype == getattr(attribution, part).dtype
                assert np.array_equal(stored, getattr(attribution, part))
        assert np.array_equal(arrays["picture.1"], small.pictures[1].pixels)
        assert json.loads(str(arrays["about"]))["format"] == "seethrough explanation 1"


def test_the_json_holds_sentences_and_numbers_in_both_languages(make_explanation, tmp_path):
    explanation = make_explanation(height=40, width=60, notes=[Note("x", "info", {"bad": float("nan")})])
    record = json.loads(explanation.save(tmp_path / "x.json").read_text(encoding="utf-8"))
    image = record["images"][0]
    for name, attribution in explanation.items():
        said = sentence(attribution)
        assert image["maps"][name]["sentence"] == {"en": said.en, "zh": said.zh}
        total = np.maximum(attribution.map[0], 0).sum(dtype=np.float64)
        assert image["maps"][name]["evidence"]["support"]["total"] == pytest.approx(total)
    assert [a["label"] for a in image["answers"]] == list(explanation.prediction.labels[:5])
    assert record["notes"][0]["numbers"] == {"bad": None}
    assert record["provenance"] == {"source": "demo:drawn", "seed": 0}
