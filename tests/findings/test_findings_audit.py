"""An audit from a folder to its verdicts, on networks of which it is known what they read."""

import numpy as np
import pytest
import torch
import torch.nn as nn
from PIL import Image

import seethrough as st
from seethrough.errors import InputRefused, UsageError
from seethrough.findings.audit import audit
from seethrough.findings.judge import PROVEN

SIDE, COUNT = 24, 240
THING = (slice(9, 15), slice(9, 15))


class Reads(nn.Module):
    """Its answer is 1 where a part of the picture is bright; through a layer with places, as networks have."""

    def __init__(self, rows: slice, columns: slice, strength: float = 14.0) -> None:
        super().__init__()
        self.grey, self.act = nn.Conv2d(3, 1, 1, bias=False), nn.ReLU()
        self.grey.weight.data.fill_(1 / 3)
        self.read = nn.Linear(SIDE * SIDE, 2)
        weight = torch.zeros(2, SIDE, SIDE)
        weight[1, rows, columns] = strength / weight[1, rows, columns].numel()
        self.read.weight.data, self.read.bias.data = weight.flatten(1), torch.tensor([0.0, -strength / 2])

    def forward(self, x):
        return self.read(self.act(self.grey(x)).flatten(1))


MARK, MIDDLE = (slice(0, 5), slice(0, 5)), THING


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder for each class: the thing is bright in one; so is a mark in the corner, 9 times in 10."""
    home = tmp_path_factory.mktemp("pictures")
    chance = np.random.default_rng(0)
    for k in range(COUNT):
        label = k % 2
        x = chance.uniform(0.3, 0.6, (SIDE, SIDE, 3))
        x[THING] = 0.85 if label else 0.15
        x[MARK] = 0.9 if (label if chance.random() < 0.9 else 1 - label) else 0.1
        place = home / ("dark", "light")[label]
        place.mkdir(exist_ok=True)
        Image.fromarray((x * 255).astype(np.uint8)).save(place / f"{k:03}.png")
    return home


@pytest.fixture(scope="module")
def boxes(folder):
    return {f"{p.parent.name}/{p.name}": (9, 9, 14, 14) for p in folder.glob("*/*.png")}


def opened(network):
    return st.open(network.eval(), input_size=(3, SIDE, SIDE), preprocessing="unit", classes=["dark", "light"])


def test_a_mark_that_the_network_reads_is_proven_and_named(folder, boxes):
    found = audit(opened(Reads(*MARK)), folder, boxes=boxes)
    finding = found.findings[0]
    assert finding.verdict == PROVEN and finding.effect.low > 30
    assert "region top left 1" in {" ".join(map(str, f.candidate.key)) for f in found.proven}
    assert len(found.examples[0]) == 9 and found.examples[0][0].before.shape == (SIDE, SIDE, 3)
    best = found.examples[0][0]
    assert abs(best.chance_after - best.chance_before) > 0.5
    # all the evidence lies in the mark, by as much as that is bright: 0.9 in one of both, 0.1 in the other
    inside = np.zeros((SIDE, SIDE), bool)
    inside[MARK] = True
    dim, bright = sorted(best.heat[:, :4, :4].mean((1, 2)))
    assert (
        best.heat.shape == (2, SIDE, SIDE)
        and not best.heat[:, ~inside].any()
        and bright == pytest.approx(9 * dim, rel=0.05)
    )
    assert all(example.heat is None for example in found.examples[0][1:])
    plain = found.to_dict()
    assert plain["findings"][0]["verdict"] == PROVEN and len(plain["split"]["proof"]) == len(
        found.facts.split.of("proof")
    )


def test_of_a_network_that_reads_the_thing_nothing_is_proven(folder, boxes):
    found = audit(opened(Reads(*MIDDLE)), folder, boxes=boxes)
    assert not found.proven and min(found.right.values()) > 0.95
    assert any(f.candidate.key == ("region", "top left", 1) for f in found.findings)


def test_the_same_seed_gives_the_same_audit_and_what_was_looked_at_is_kept(folder, boxes, tmp_path):
    told = []
    one, two = (
        audit(opened(Reads(*MARK)), folder, boxes=boxes, folder=tmp_path, progress=lambda *a: told.append(a)).to_dict()
        for _ in range(2)
    )
    first, again = (each.pop("provenance")["asked"] for each in (one, two))
    assert again == 0 < first  # what was judged is kept too
    assert one == two
    first = [a for a in told if a[0] == "looking"]
    assert first[-1] == ("looking", COUNT, COUNT) and told.count(("looking", COUNT, COUNT)) >= 2
    assert {a[0] for a in told} == {"looking", "finding", "judging", "naming"}


def test_what_was_asked_with_a_mask_that_changed_in_its_class_folder_is_not_taken_up(folder, tmp_path):
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[THING] = 255
    for picture in folder.glob("*/*.png"):
        place = tmp_path / "masks" / picture.parent.name
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask).save(place / picture.name)

    def asked(name):
        said = {"masks": tmp_path / "masks", "folder": tmp_path / name, "finders": ["places"]}
        return audit(opened(Reads(*MARK)), folder, **said).provenance["asked"]

    first, again = asked("audit"), asked("audit")
    assert again == 0 < first
    Image.fromarray(np.roll(mask, 2, 0)).save(place / picture.name)  # the last that was drawn
    with pytest.raises(UsageError, match=r"another run: settings\.foreground was"):
        asked("audit")
    assert asked("another") > 0


def test_without_masks_that_is_said(folder):
    found = audit(opened(Reads(*MARK)), folder)
    assert "no_foreground" in {note.name for note in found.notes}
    assert not any(f.candidate.aspect.kind == "background" for f in found.findings)


def test_what_can_not_be_audited_is_refused(folder, tmp_path):
    net = opened(Reads(*MARK))
    with pytest.raises(UsageError, match="belong to one"):
        audit(net, folder / "dark", truth=["dark"] * (COUNT // 2))
    with pytest.raises(UsageError, match="say which is which"):
        audit(net, [np.zeros((SIDE, SIDE, 3), np.uint8)] * 4, truth=["cat", "cat", "dog", "dog"])
    with pytest.raises(UsageError, match="no finder 'luck'"):
        audit(net, folder, finders=["luck"])
    with pytest.raises(InputRefused, match="too few"):
        audit(
            net,
            [np.full((SIDE, SIDE, 3), 40 * k, np.uint8) for k in range(4)],
            truth=["dark", "dark", "light", "light"],
        )
