"""Verify: a flipped byte, a missing file, a shard in another's place, a run that isn't finished."""

import json
import shutil
import sqlite3

import pytest
from jobs_material import Answers

from seethrough.datasets.collection import collect
from seethrough.errors import InputRefused
from seethrough.jobs import run, verify
from seethrough.jobs.manifest import NAME
from seethrough.jobs.store import shard_file


@pytest.fixture
def folder(net, pictures, tmp_path):
    """A run of 50 images in 4 shards."""
    run(net, collect(pictures), Answers(net), folder=tmp_path / "run", shard=16, batch=8)
    return tmp_path / "run"


def edited(folder, statement):
    with sqlite3.connect(folder / NAME) as manifest:
        manifest.execute(statement)
    manifest.close()


def test_a_whole_run_is_whole(folder):
    found = verify(folder)
    assert found.whole and (found.images, found.done, found.passed, found.shards, found.missing) == (50, 50, 0, 4, 0)
    assert found.work == "answers" and found.to_dict()["whole"] is True and json.dumps(found.to_dict())


@pytest.mark.parametrize("place", [0, 9, 200, -1])
def test_a_flipped_byte_is_found_wherever_it_is(folder, place):
    path = shard_file(folder, 2)
    content = bytearray(path.read_bytes())
    content[place] ^= 16
    path.write_bytes(content)
    found = verify(folder)
    (fault,) = found.faults
    assert not found.whole and (fault.shard, fault.kind) == (2, "changed") and path.name in fault.said


def test_a_missing_shard_and_one_in_anothers_place_are_found(folder):
    shard_file(folder, 0).unlink()
    shutil.copy(shard_file(folder, 1), shard_file(folder, 2))
    assert [(fault.shard, fault.kind) for fault in verify(folder).faults] == [(0, "changed"), (2, "changed")]


def test_a_shard_recorded_as_another_holds_the_wrong_images(folder):
    shutil.copy(shard_file(folder, 1), shard_file(folder, 2))
    edited(
        folder,
        "UPDATE shards SET (size, sha256) = (SELECT size, sha256 FROM shards WHERE number = 1) WHERE number = 2",
    )
    (fault,) = verify(folder).faults
    assert fault.kind == "images" and "lacks 16 of its 16" in fault.said and "number 16" in fault.said


def test_a_run_that_isnt_finished_says_what_is_missing(folder):
    edited(folder, "DELETE FROM shards WHERE number = 3")
    found = verify(folder)
    assert not found.whole and not found.faults and (found.missing, found.done) == (1, 48)


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(InputRefused, match="holds no run"):
        verify(tmp_path)
    with pytest.raises(InputRefused, match="holds no run"):
        verify(tmp_path / "gone")
    (tmp_path / NAME).write_bytes(b"")
    with pytest.raises(InputRefused, match="ended before it began"):
        verify(tmp_path)
