"""Which pictures had a part in the audit already."""

import numpy as np
import pytest
from safetensors.numpy import save_file

from seethrough.findings.record import Record
from seethrough.findings.split import NEAR
from seethrough.remedies.held_out import _seen


@pytest.fixture
def audited(tmp_path):
    """Two pictures in a shard, and one in another without its small picture; a third shard is broken off."""
    chance = np.random.default_rng(0)
    small = chance.integers(0, 256, (3, 32, 32, 3), np.uint8)
    marks = np.array([0, 0xFFFF, 0xFFFF0000], np.uint64)
    shards = tmp_path / "looked" / "shards"
    shards.mkdir(parents=True)
    save_file({"mark": marks[:2], "small": small[:2]}, shards / "0.safetensors")
    save_file({"mark": marks[2:]}, shards / "1.safetensors")
    (shards / "2.safetensors").write_bytes(b"broken off")
    return Record({}, folder=tmp_path), marks, small


def test_near_marks_alone_do_not_make_a_picture_one_that_was_audited(audited):
    record, marks, small = audited
    near, other = marks ^ np.uint64((1 << NEAR) - 1), small[::-1].copy()
    assert _seen(record, near, small).tolist() == [True, True, True]
    assert _seen(record, near[:1], other[:1]).tolist() == [False]
    assert _seen(record, marks ^ np.uint64(0xFF << 40), small).tolist() == [False, False, False]


def test_where_pictures_were_not_kept_marks_alone_say_it(audited):
    record, marks, small = audited
    assert _seen(record, marks[2:], small[:1]).tolist() == [True]
    assert _seen(Record({}), marks, small).tolist() == [False] * 3
