"""Where the thing is: as drawn, in a box, estimated; and whether what was drawn fits."""

import numpy as np
import pytest
import torch
import torch.nn as nn

import seethrough as st
from seethrough.datasets.collection import collect
from seethrough.datasets.leopards import leopards
from seethrough.errors import UsageError
from seethrough.findings.audit import audit
from seethrough.findings.estimate import _between, _by_areas, alone, fenced_off, grown, in_box
from seethrough.findings.fitting import fits, notes_of_masks
from seethrough.findings.foreground import Boxed, Drawn, Estimated, foreground_of

SIDE = 64


def disc(at=(32, 32), radius=12, side=SIDE):
    y, x = np.mgrid[:side, :side]
    return (y - at[0]) ** 2 + (x - at[1]) ** 2 <= radius**2


def picture(on, seed=0, thing=(0.8, 0.3, 0.2), ground=(0.3, 0.5, 0.3)):
    """A red thing on mottled green ground, float32 (3, H, W)."""
    chance = np.random.default_rng(seed)
    x = np.where(on[..., None], thing, ground) + chance.normal(0, 0.04, (*on.shape, 3))
    return x.clip(0, 1).astype(np.float32).transpose(2, 0, 1)


def around(on):
    rows, columns = np.flatnonzero(on.any(1)), np.flatnonzero(on.any(0))
    box = np.zeros_like(on)
    box[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
    return box


def overlap(a, b):
    return (a & b).sum() / (a | b).sum()


def test_in_a_box_the_ground_is_told_from_the_thing():
    on = disc()
    found = in_box(picture(on), around(on))
    assert overlap(found, on) > 0.93 > overlap(around(on), on) and not (found & ~around(on)).any()


def test_each_of_several_boxes_has_its_thing():
    on = disc((20, 20), 8) | disc((46, 44), 9)
    boxes = around(disc((20, 20), 8)) | around(disc((46, 44), 9))
    assert overlap(in_box(picture(on), boxes), on) > 0.85


def test_a_box_that_tells_nothing_is_taken_as_it_is():
    chance, box = np.random.default_rng(0), around(disc())
    flat = np.full((3, SIDE, SIDE), 0.5, np.float32)
    assert (in_box(flat, box) == box).all()
    noise = chance.random((3, SIDE, SIDE), np.float32)
    found = in_box(noise, box)
    assert found.sum() >= 0.15 * box.sum() and not (found & ~box).any()
    everything, nothing = np.ones((SIDE, SIDE), bool), np.zeros((SIDE, SIDE), bool)
    assert in_box(noise, everything).all() and not in_box(noise, nothing).any()


def test_of_a_leopard_in_a_box_hardly_a_hair_is_lost():
    drawn, kept, gained = leopards(4, seed=11), [], []
    for pixels, on in zip(drawn.pictures, drawn.masks):
        found = in_box(pixels.transpose(2, 0, 1).astype(np.float32) / 255, around(on))
        kept.append((found & on).sum() / on.sum())
        gained.append(overlap(found, on) - overlap(around(on), on))
    assert np.mean(kept) > 0.95 and min(kept) > 0.9 and min(gained) > 0.05


def test_what_stands_out_is_estimated_and_the_guesses_agree():
    on = disc((28, 36), 11)
    guess = alone(picture(on))
    assert guess.good and guess.agreement > 0.8 and overlap(guess.mask, on) > 0.95
    assert guess.area == pytest.approx(guess.mask.mean())


def test_a_picture_without_a_thing_gives_no_good_estimate():
    noise = np.random.default_rng(0).random((3, SIDE, SIDE), np.float32)
    assert not alone(noise).good and not alone(np.full((3, SIDE, SIDE), 0.3, np.float32)).good


def test_where_the_pictures_guesses_disagree_the_network_is_asked(monkeypatch):
    on = disc((28, 36), 11)
    x, spots = picture(on), np.zeros((7, 7), np.float32)
    spots[2:4, 3:5] = 1
    elsewhere = np.roll(spots, 3, 0)
    assert alone(x, elsewhere).agreement == alone(x).agreement
    monkeypatch.setattr("seethrough.findings.estimate.AGREE", 0.99)
    assert alone(x, spots).agreement > 0.5 and alone(x, elsewhere).agreement < 0.1


def test_what_edges_fence_off_is_far_from_the_border():
    on = disc()
    far = fenced_off(picture(on))
    assert far[on].mean() > 0.8 and far[~on].mean() < 0.3 and far.max() <= 1
    assert on[20:44, 20:44].mean() > 0.5 and far[0].max() < 0.1


def test_what_can_not_be_the_thing_is_not():
    prior = np.zeros((SIDE, SIDE), np.float32)
    prior[10:40, 10:40] = 0.6
    chance = grown(picture(disc()), prior)
    assert (chance[prior == 0] == 0).all() and chance.max() <= 1


def test_two_heaps_are_parted_between_them():
    values = np.concatenate([np.full(300, 0.1), np.full(100, 0.9)]) + np.random.default_rng(0).normal(0, 0.02, 400)
    assert 0.15 < _between(values) < 0.85


@pytest.mark.parametrize("size", [5, 7, 24, 64])
def test_a_smaller_picture_has_the_means_of_its_parts(size):
    x = np.random.default_rng(0).random((3, 64, 64), np.float32)
    small = _by_areas(_by_areas(x, 1, size), 2, size)
    assert small.shape == (3, size, size) and small.mean() == pytest.approx(x.mean(), abs=1e-5)
    if 64 % size == 0:
        k = 64 // size
        assert np.allclose(small, x.reshape(3, size, k, size, k).mean((2, 4)), atol=1e-5)


class Reads(nn.Module):
    """Its answer is 1 where the middle is red; behind a layer with places."""

    def __init__(self):
        super().__init__()
        self.see, self.act = nn.Conv2d(3, 2, 3, padding=1), nn.ReLU()
        self.see.weight.data.zero_()
        self.see.bias.data.zero_()
        self.see.weight.data[0, :, 1, 1] = torch.tensor([2.0, -1.0, -1.0])  # red
        self.see.weight.data[1, :, 1, 1] = torch.tensor([-1.0, -1.0, 2.0])  # blue
        self.read = nn.Linear(2, 2)
        self.read.weight.data = torch.tensor([[-60.0, 60.0], [60.0, -60.0]])
        self.read.bias.data.zero_()

    def forward(self, x):
        return self.read(self.act(self.see(x)).mean((2, 3)))


@pytest.fixture(scope="module")
def things():
    """Pictures of red and blue things at changing places on green ground; masks and boxes."""
    chance = np.random.default_rng(0)
    masks = [disc(chance.integers(18, 46, 2), chance.integers(7, 13)) for _ in range(72)]
    colours = [(0.2, 0.3, 0.8), (0.8, 0.3, 0.2)]
    x = [(picture(on, k, colours[k % 2]).transpose(1, 2, 0) * 255).astype(np.uint8) for k, on in enumerate(masks)]
    return x, masks, [("blue", "red")[k % 2] for k in range(72)]


@pytest.fixture(scope="module")
def net():
    return st.open(Reads().eval(), input_size=(3, SIDE, SIDE), preprocessing="unit", classes=["blue", "red"])


def test_where_things_are_is_drawn_cut_or_estimated(net, things):
    x, masks, truth = things
    collection = collect(x[:30], truth=truth[:30])
    boxes = [
        (
            np.flatnonzero(m.any(0))[0],
            np.flatnonzero(m.any(1))[0],
            np.flatnonzero(m.any(0))[-1],
            np.flatnonzero(m.any(1))[-1],
        )
        for m in masks[:30]
    ]
    kinds = {
        Drawn: foreground_of(net, collection, masks=masks[:30]),
        Boxed: foreground_of(net, collection, boxes=boxes),
        Estimated: foreground_of(net, collection, masks="estimate"),
    }
    assert foreground_of(net, collection) is None
    prepared = net.prepare([x[3]])
    wanted = prepared.geometries[0].on_grid(masks[3], (SIDE, SIDE))
    for kind, foreground in kinds.items():
        assert isinstance(foreground, kind)
        found = foreground.on(3, prepared, prepared.batch[0])
        assert found.shape == (1, SIDE, SIDE) and overlap(found[0].numpy() > 0.5, wanted) > 0.85, kind
    with pytest.raises(UsageError, match="nothing is left to estimate"):
        foreground_of(net, collection, masks="estimate", boxes=boxes)


def test_where_nothing_stands_out_nothing_is_estimated(net):
    chance = np.random.default_rng(0)
    noise = [chance.integers(0, 255, (SIDE, SIDE, 3), np.uint8) for _ in range(10)]
    assert foreground_of(net, collect(noise), masks="estimate") is None


def test_an_audit_says_that_the_foreground_was_estimated_and_how_well(net, things, tmp_path):
    x, _, truth = things
    found = audit(net, x, truth=truth, masks="estimate", finders=["evidence"], folder=tmp_path)
    (note,) = [note for note in found.notes if note.name == "foreground_estimated"]
    assert note.numbers["count"] > 60 and note.numbers["agreement"] > 0.5 and 0.01 < note.numbers["area"] < 0.2
    assert found.provenance["masks"] == "estimated" and found.facts.agreement is not None
    assert [f.candidate.aspect.kind for f in found.findings] == ["background"] and not found.proven
    again = audit(net, x, truth=truth, masks="estimate", finders=["evidence"], folder=tmp_path)
    assert again.to_dict()["notes"] == found.to_dict()["notes"]  # from what was kept


def test_masks_of_other_pictures_are_noticed(net, things):
    x, masks, truth = things
    right = audit(net, x, truth=truth, masks=masks, finders=["evidence"]).facts
    wrong = audit(net, x, truth=truth, masks=masks[1:] + masks[:1], finders=["evidence"])
    assert fits(right) > 0.85 and "masks_elsewhere" not in {n.name for n in notes_of_masks(right, right.classes)}
    assert fits(wrong.facts) < 0.6 and "masks_elsewhere" in {n.name for n in wrong.notes}


def test_masks_that_are_all_in_one_place_tell_nothing(net, things):
    x, _, truth = things
    facts = audit(net, x, truth=truth, masks=[disc()] * len(x), finders=["evidence"]).facts
    assert fits(facts) is None
