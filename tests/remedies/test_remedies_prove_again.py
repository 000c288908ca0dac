"""A proof that was broken off goes on: what its finders asked the repaired network isn't asked again."""

import numpy as np
import pytest
from PIL import Image
from proof_material import SIDE, THING, boxes_of, opened

from seethrough.findings.audit import audit
from seethrough.remedies.prove import prove

EVERYWHERE = (slice(None), slice(None))


def write(home, count, seed):
    """A folder for each class: the thing is a little brighter in one, of which 9 in 10 have more light, all over."""
    chance = np.random.default_rng(seed)
    for k in range(count):
        label = k % 2
        x = chance.uniform(0.38, 0.4) + chance.normal(0, 0.03, (SIDE, SIDE, 1)) + np.zeros(3)
        x[THING] += 0.12 + 0.02 * label
        x += 0.12 * (label == (chance.random() < 0.9))
        name = f"{('dark', 'light')[label]}/{seed}-{k:03}.png"
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((x.clip(0, 1) * 255).astype(np.uint8)).save(home / name)


def test_a_proof_that_was_broken_off_keeps_what_its_finders_asked(tmp_path):
    write(tmp_path / "photos", 120, seed=0)
    write(tmp_path / "fresh", 160, seed=1)
    first, repaired = opened((EVERYWHERE, 60.0)), opened((EVERYWHERE, 40.0), (THING, 20.0))
    boxes = boxes_of(tmp_path / "photos")
    found = audit(first, tmp_path / "photos", boxes=boxes, folder=tmp_path / "audit", finders=["properties"])
    found.save(tmp_path / "audit" / "findings.json")
    given = {"findings": tmp_path / "audit", "boxes": boxes_of(tmp_path / "fresh"), "answers": {1: "background"}}

    def interrupted(what, done, of):
        if what == "exchanging":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prove(first, repaired, tmp_path / "fresh", progress=interrupted, **given)
    kept = {p: p.stat().st_mtime_ns for p in (tmp_path / "audit" / "proof" / "found").iterdir()}
    gone_on = prove(first, repaired, tmp_path / "fresh", **given)
    assert kept and {p: p.stat().st_mtime_ns for p in kept} == kept
    again = prove(first, repaired, tmp_path / "fresh", **given, force=True)
    assert again.to_dict()["findings"] == gone_on.to_dict()["findings"]
