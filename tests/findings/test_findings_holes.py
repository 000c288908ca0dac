"""What lacks of a donor has no shape of its own class."""

import numpy as np
import pytest
import torch
import torch.nn as nn

from planted_scenes import SIDE, as_pictures, canvas_of
from seethrough.findings.aspect import Candidate
from seethrough.findings.aspects import Background, Detail, Region, Spectrum
from seethrough.findings.aspects.background import emptied, free
from seethrough.findings.canvas import Pictures
from seethrough.findings.judge import NOT_FOUND, PROVEN, donors_of, drawn, judged

COUNT = 120
WIDE, TALL = (slice(20, 28), slice(8, 40)), (slice(8, 40), slice(20, 28))


class Smooth(nn.Module):
    """Its answer is 1 where there is less change from pixel to pixel in the arms to the left and right than above and below."""

    def __init__(self, strength=400.0):
        super().__init__()
        self.change, self.act = nn.Conv2d(3, 2, (1, 2), bias=False), nn.ReLU()
        step = torch.tensor([1.0, -1.0]) / 3
        self.change.weight.data = torch.stack([step, -step])[:, None, None].expand(2, 3, 1, 2).clone()
        self.read = nn.Conv2d(2, 2, (SIDE, SIDE - 1))
        weight = torch.zeros(2, 2, SIDE, SIDE - 1)
        for sign, (rows, columns) in ((1, TALL), (-1, WIDE)):
            weight[1, :, rows, columns] += sign * strength / 256
        self.read.weight.data, self.read.bias = weight, nn.Parameter(torch.zeros(2))

    def forward(self, x):
        return self.read(self.act(self.change(x))).flatten(1)


def crosses(grain=(0.06, 0.06), seed=0):
    """Grainy ground, as grainy as the class says, before it a smooth thing: tall in class 0, wide in class 1."""
    chance = np.random.default_rng(seed)
    label = np.arange(COUNT) % 2
    x = 0.5 + np.array(grain)[label][:, None, None, None] * chance.standard_normal((COUNT, SIDE, SIDE, 1)) + np.zeros(3)
    on = np.zeros((COUNT, SIDE, SIDE), bool)
    for k in range(COUNT):
        place = WIDE if label[k] else TALL
        on[(k, *place)], x[(k, *place)] = True, (0.7, 0.3, 0.3)
    return (x.clip(0, 1) * 255).astype(np.uint8), on, label


@pytest.fixture(scope="module")
def twin():
    """Pictures in which only the things differ; and a network that goes by the things' shapes."""
    x, on, label = crosses()
    return canvas_of(Smooth(), x, on), label


def test_the_shape_of_what_was_taken_out_proves_nothing(twin):
    canvas, label = twin
    candidate = Candidate(Background(), 1, (0,), ("test",), 1.0, 1.0, {})
    numbers = np.arange(COUNT)
    finding = judged(canvas, [candidate], numbers, label, numbers)[0]
    assert (canvas.unchanged(numbers).argmax(1) == label).all()
    assert finding.verdict == NOT_FOUND and abs(finding.effect.value) < 3
    plan = drawn(candidate, numbers, label)
    own, donors, controls = map(canvas.load, (plan.numbers, plan.donors, plan.control_donors))
    changed, control = (canvas.ask(Background().exchange(own, each))[:, 1] for each in (donors, controls))
    effects = 100 * np.where(plan.put_in, changed - control, control - changed)
    assert effects.mean() > 10  # with each donor's own hole alone it would have been proven


def test_a_ground_that_is_read_is_proven_with_holes_of_one_shape_too():
    """Beside the holes there is enough of it."""
    x, on, label = crosses(grain=(0.02, 0.1))
    network = Smooth(strength=100.0)
    network.read.weight.data[1] = 100 / SIDE**2  # however much change there is, anywhere
    network.read.bias = nn.Parameter(torch.tensor([0.0, -4.0]))
    numbers = np.arange(COUNT)
    candidate = Candidate(Background(), 1, (0,), ("test",), 1.0, 1.0, {})
    assert judged(canvas_of(network, x, on), [candidate], numbers, label, numbers)[0].verdict == PROVEN


def test_both_donors_lose_the_same_places(twin):
    canvas, label = twin
    plan = drawn(Candidate(Background(), 1, (0,), ("test",), 1.0, 1.0, {}), np.arange(COUNT), label, most=8)
    donors, controls = donors_of(canvas, plan, slice(0, 8))
    assert (
        donors.hidden is not None
        and controls.hidden is not None
        and donors.fore is not None
        and controls.fore is not None
    )
    assert torch.equal(donors.hidden, controls.hidden) and not torch.equal(donors.fore, controls.fore)
    assert torch.equal(donors.hidden, torch.maximum(donors.fore, controls.fore))
    own = canvas.load(plan.donors[:8]).fore
    assert own is not None and torch.equal(donors.fore, own)  # where its own thing is stays known
    some = donors[[2, 1]].hidden
    assert some is not None and torch.equal(some, donors.hidden[[2, 1]])


def test_what_is_taken_of_a_donor_is_taken_by_every_aspect(twin):
    canvas, _ = twin
    own, donors = canvas.load([0, 2]), canvas.load([4, 6])
    less = donors.losing(canvas.load([1, 3]))
    gone = (less.hidden - donors.fore)[:, :, 22:26, 10:16]
    assert (gone == 1).all()
    mean = emptied(less)[:, :, 22:26, 10:16].std((2, 3)).max()
    assert mean < donors.x[:, :, 22:26, 10:16].std((2, 3)).min() / 3
    assert (free(own, less)[:, :, 22:26, 10:16] == 0).all() and (free(own, donors)[:, :, 22:26, 10:16] == 1).all()
    left = (slice(None), slice(None), slice(22, 26), slice(10, 16))
    for aspect in (Region("all", (0.0, 1.0, 0.0, 1.0)), Detail("fine detail")):
        assert torch.equal(aspect.exchange(own, less)[left], own.x[left])
        assert not torch.equal(aspect.exchange(own, donors)[left], own.x[left])
    waves = Spectrum(((0.25, 0.0, 0.02),)).waves
    spoilt = Pictures(torch.where(less.hidden > 0, 1.0, donors.x), donors.fore, donors.numbers, less.hidden)
    assert torch.allclose(waves(spoilt), waves(less), atol=1e-5)


def test_where_nobody_knows_where_things_are_nothing_is_taken():
    x, on, _ = crosses()
    known, unknown = as_pictures(x[:2], on[:2]), Pictures(as_pictures(x[:2], on[:2]).x, None, np.arange(2))
    assert unknown.losing(known) is unknown and known.losing(unknown) is known and unknown.hidden is None
