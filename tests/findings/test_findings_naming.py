"""What several proven findings are called by, on networks of which it is known what they read."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn as nn

import seethrough as st
from seethrough.datasets.collection import collect
from seethrough.findings.aspect import Candidate
from seethrough.findings.aspects import Background, Detail, Look, Region
from seethrough.findings.canvas import Canvas
from seethrough.findings.judge import NOT_FOUND, PROVEN, SUSPECTED, judged
from seethrough.findings.kept import KeptTrials
from seethrough.findings.naming import PAIRS, Group, Part, PutBack, _share_gone, alone, grouped, in_order

SIDE, COUNT = 16, 160
CORNER, OTHER = (slice(0, 4), slice(0, 4)), (slice(12, 16), slice(12, 16))
THING = (slice(6, 10), slice(6, 10))
TOP_LEFT, BOTTOM_RIGHT = Region("top left", (0.0, 0.25, 0.0, 0.25)), Region("bottom right", (0.75, 1.0, 0.75, 1.0))


class Reads(nn.Module):
    """Its answer is 1 by the mean of given weights (3, H, W) over the picture, above a half."""

    def __init__(self, *weights, strength=12.0):
        super().__init__()
        self.read = nn.Conv2d(3, 2, SIDE)
        weight = torch.zeros(2, 3, SIDE, SIDE)
        weight[1] = strength * sum(weights) / len(weights)
        self.read.weight.data = weight
        self.read.bias.data = torch.tensor([0.0, -strength / 2])

    def forward(self, x):
        return self.read(x).flatten(1)


def at(place):
    weight = torch.zeros(3, SIDE, SIDE)
    weight[(slice(None), *place)] = 1.0
    return weight / weight.sum()


def colour():
    """Red less blue beside the thing, at whatever brightness; 0.5 where they are alike."""
    weight = torch.zeros(3, SIDE, SIDE)
    weight[0], weight[2] = 1.0, -1.0
    weight[(slice(None), *THING)] = 0.0
    return weight / weight[0].sum()


def drawn(corners=True):
    """In class 1 the surroundings are warm and two corners bright, 95 times in 100 each, and together."""
    chance = np.random.default_rng(0)
    label = np.arange(COUNT) % 2
    sign = np.where(np.arange(COUNT) % 40 < 2, 1 - label, label)
    x = chance.uniform(0.4, 0.6, (COUNT, SIDE, SIDE, 3))
    x[..., 0] += np.where(sign, 0.12, -0.12)[:, None, None]
    x[..., 2] -= np.where(sign, 0.12, -0.12)[:, None, None]
    for row in range(COUNT):
        for place in (CORNER, OTHER) if corners else ():
            x[(row, *place)] = 0.9 if sign[row] else 0.1
        x[(row, *THING)] = 0.9 if label[row] else 0.1
    return (x * 255).astype(np.uint8), label


@pytest.fixture(scope="module")
def pictures():
    return drawn()


class Known:
    """Where the thing is, as it was drawn."""

    def on(self, number, prepared, x):
        fore = torch.zeros(1, SIDE, SIDE)
        fore[(slice(None), *THING)] = 1
        return fore


def judge(network, pictures, aspects, folder=None, foreground=True):
    x, label = pictures
    seen = {"scale": 1 / 255, "fit": "stretch"}  # nothing is enlarged, nothing cut off
    net = st.open(network.eval(), input_size=(3, SIDE, SIDE), preprocessing=seen, classes=["dark", "bright"])
    canvas = Canvas(net, collect(list(x)), Known() if foreground else None)
    candidates = [Candidate(aspect, 1, (0,), ("test",), 1.0, 1.0, {}) for aspect in aspects]
    findings = judged(canvas, candidates, np.arange(COUNT), label, np.arange(COUNT))
    recall = None if folder is None else KeptTrials(folder, "here")
    return findings, grouped(canvas, findings, np.arange(COUNT), recall=recall), canvas


def names(findings, group):
    return [
        f"{f.candidate.aspect.kind} {f.candidate.aspect.name}".strip() for f in (findings[k] for k in group.numbers)
    ]


def test_a_mark_that_travels_with_the_background_is_the_name(pictures):
    findings, groups, _ = judge(Reads(at(CORNER)), pictures, [Background(), TOP_LEFT, Look("hue")])
    assert [f.verdict for f in findings] == [PROVEN, PROVEN, NOT_FOUND]
    assert [names(findings, g) for g in groups] == [["region top left", "background"]]
    (part,) = groups[0].parts
    assert part.carries and part.within.value > 0.99 and part.within.low > 0.95 and part.within.n == 2 * PAIRS


def test_a_scene_of_which_a_mark_is_but_a_part_is_the_background_with_it(pictures):
    """Two corners count the same: the background has what the one leaves."""
    findings, groups, _ = judge(Reads(at(CORNER), at(OTHER)), pictures, [TOP_LEFT, Background()])
    assert [names(findings, g) for g in groups] == [["background", "region top left"]]
    (part,) = groups[0].parts
    assert not part.carries and part.within is None and 0.1 < part.through.value < 0.8


def test_two_marks_are_two_habits_where_no_background_is_known(pictures):
    network = Reads(at(CORNER), at(OTHER), strength=10.0)
    findings, groups, _ = judge(network, pictures, [TOP_LEFT, BOTTOM_RIGHT], foreground=False)
    assert [f.verdict for f in findings] == [PROVEN, PROVEN] and [g.parts for g in groups] == [(), ()]


def test_a_colour_by_which_alone_the_background_counts_is_the_name():
    findings, groups, _ = judge(Reads(2 * colour(), strength=20), drawn(corners=False), [Background(), Look("hue")])
    assert [f.verdict for f in findings] == [PROVEN, PROVEN]
    assert [names(findings, g) for g in groups] == [["look hue", "background"]] and groups[0].parts[0].carries


def test_a_colour_that_does_less_than_the_background_is_what_of_it_counts(pictures):
    """The network reads a corner beside it, which the background has too."""
    network = Reads(2 * colour(), at(CORNER), strength=20)
    findings, groups, _ = judge(network, pictures, [Background(), Look("hue")])
    assert [names(findings, g) for g in groups] == [["background", "look hue"]]
    assert 0.3 < groups[0].parts[0].through.value < 0.8


class ReadsBoth(nn.Module):
    """Its answer is 1 where two means are above a half, and not where one is: the lesser counts."""

    def __init__(self, one, other, strength=16.0):
        super().__init__()
        self.read, self.strength = nn.Conv2d(3, 2, SIDE, bias=False), strength
        self.read.weight.data = torch.stack([one, other])

    def forward(self, x):
        lesser = self.read(x).flatten(1).amin(1)
        return torch.stack([torch.zeros_like(lesser), self.strength * (lesser - 0.5)], 1)


def test_what_is_needed_and_not_enough_is_no_name_but_what_of_the_background_counts(pictures):
    """Either corner, put back, undoes what both put in, and nothing of what both took out."""
    findings, groups, _ = judge(ReadsBoth(at(CORNER), at(OTHER)), pictures, [Background(), TOP_LEFT, BOTTOM_RIGHT])
    assert [f.verdict for f in findings] == [PROVEN] * 3
    assert names(findings, groups[0])[0] == "background" and len(groups[0].parts) == 2 and len(groups) == 1
    assert all(0.3 < part.through.value < 0.7 for part in groups[0].parts)


class ReadsDetail(nn.Module):
    """Its answer is 1 where there is little of the finest detail: half of what some pictures have on the mean, and less."""

    def __init__(self, clear, strength=8.0):
        super().__init__()
        self.read, self.act, self.mean = nn.Conv2d(3, 2, 3, bias=False), nn.ReLU(), nn.AdaptiveAvgPool2d(1)
        cross = torch.tensor([[0.0, -1, 0], [-1, 4, -1], [0, -1, 0]]) / 12
        self.read.weight.data = torch.stack([cross, -cross])[:, None].expand(2, 3, 3, 3).clone()
        usual = self.act(self.read(clear)).mean().item()
        self.head = nn.Linear(2, 2)
        self.head.weight.data = torch.tensor([[0.0, 0.0], [-strength / usual / 2] * 2])
        self.head.bias.data = torch.tensor([0.0, 0.75 * strength])

    def forward(self, x):
        return self.head(self.mean(self.act(self.read(x))).flatten(1))


def weaker(coarse_too):
    """In class 1, 95 times in 100, there is half as much of a fine wave, and perhaps of a coarse one with it."""
    chance = np.random.default_rng(0)
    label = np.arange(COUNT) % 2
    sign = np.where(np.arange(COUNT) % 40 < 2, 1 - label, label)
    y, x = np.mgrid[:SIDE, :SIDE]
    found = np.empty((COUNT, SIDE, SIDE, 3))
    for row in range(COUNT):
        fine, coarse = (np.sin(2 * np.pi * (x + y) / long + chance.uniform(0, 6.3)) for long in (3, 16))
        left = chance.uniform(0.95, 1.05) * (0.5 if sign[row] else 1.0)
        found[row] = (0.5 + 0.1 * left * fine + 0.2 * (left if coarse_too else 0.75) * coarse)[..., None]
    return (found * 255).round().astype(np.uint8), label


@pytest.mark.parametrize(("coarse_too", "name"), [(True, "look contrast"), (False, "detail sharpness")])
def test_detail_of_which_there_is_less_of_all_sizes_is_called_contrast(coarse_too, name):
    """The network reads the finest alone; what differs in the pictures is more."""
    pictures = weaker(coarse_too)
    clear = torch.from_numpy(pictures[0][pictures[1] == 0]).permute(0, 3, 1, 2).float() / 255
    findings, groups, _ = judge(ReadsDetail(clear), pictures, [Detail("sharpness"), Look("contrast")], foreground=False)
    assert findings[0].verdict == PROVEN and names(findings, groups[0])[0] == name
    assert not coarse_too or len(groups[0].parts) == 1


class ReadsDots(nn.Module):
    """Its answer is 1 where dots are there, by how much of finest detail there is or by their being bright ones."""

    def __init__(self, bright, strength):
        super().__init__()
        self.read, self.bright, self.strength = nn.Conv2d(3, 1, 3, bias=False), bright, strength
        ring = torch.full((3, 3), -1.0)
        ring[1, 1] = 8.0
        self.read.weight.data = (ring / 24).expand(1, 3, 3, 3).clone()

    def forward(self, x):
        fine = self.read(x)
        found = (fine**3 if self.bright else fine**2).flatten(1).mean(1, keepdim=True)
        return self.strength * torch.cat([torch.zeros_like(found), found - (0 if self.bright else 0.003)], 1)


def dotted(bright):
    """In class 1, 95 times in 100, dots beside the thing are bright and else dark; or there are more and fainter ones of either."""
    chance = np.random.default_rng(0)
    label = np.arange(COUNT) % 2
    sign = np.where(np.arange(COUNT) % 40 < 2, 1 - label, label)
    dots = (chance.random((COUNT, SIDE, SIDE, 1)) < 0.08).astype(float)
    noise = chance.standard_normal((COUNT, SIDE, SIDE, 1))
    lit = np.where(sign, 1, -1)[:, None, None, None]
    x = 0.5 + (0.3 * lit * dots if bright else np.where(lit > 0, 0.1, 0.02) * noise)
    x[:, *THING] = 0.5
    return (np.repeat(x, 3, 3).clip(0, 1) * 255).round().astype(np.uint8), label


@pytest.mark.parametrize(
    ("bright", "strength", "name"), [(True, 6000, "background"), (False, 1500, "detail sharpness")]
)
def test_detail_is_the_name_where_its_amount_counts_and_not_what_it_draws(bright, strength, name):
    """Bright dots and dark ones have the same frequencies, and differ by their phases alone."""
    aspects = [Detail("sharpness"), Background()]
    findings, groups, _ = judge(ReadsDots(bright, strength), dotted(bright), aspects)
    assert [f.verdict for f in findings] == [PROVEN, PROVEN]
    assert names(findings, groups[0])[0] == name and len(groups) == 1


def test_pairs_that_were_asked_are_kept(pictures, tmp_path):
    aspects = [Background(), TOP_LEFT]
    _, first, _ = judge(Reads(at(CORNER)), pictures, aspects, tmp_path)
    kept = sorted(tmp_path.glob("*.npz"))
    findings, again, canvas = judge(Reads(at(CORNER)), pictures, aspects, tmp_path)
    asked = canvas.asked
    grouped(canvas, findings, np.arange(COUNT), recall=KeptTrials(tmp_path, "here"))
    assert first == again and canvas.asked == asked and sorted(tmp_path.glob("*.npz")) == kept != []


def test_what_is_put_back_is_the_pictures_own(pictures):
    _, _, canvas = judge(Reads(at(CORNER)), pictures, [])
    own, donors = canvas.load(range(8)), canvas.load(range(9, 17))
    changed = PutBack(Background(), TOP_LEFT).exchange(own, donors)
    assert torch.equal(changed[:, :, :4, :4], own.x[:, :, :4, :4])
    plain = Background().exchange(own, donors)
    assert torch.equal(changed[:, :, 4:], plain[:, :, 4:]) and not torch.equal(changed, plain)
    assert torch.allclose(PutBack(TOP_LEFT, Background()).exchange(own, donors)[:, :, :4], own.x[:, :, :4])


def test_suspicions_beside_the_thing_are_told_with_the_background_and_others_alone(pictures):
    findings, _, canvas = judge(Reads(at(CORNER), at(OTHER)), pictures, [Background(), TOP_LEFT])
    doubtful = [findings[0], replace(findings[1], verdict=SUSPECTED)]
    assert [g.numbers for g in grouped(canvas, doubtful, np.arange(COUNT))] == [(0, 1)]
    nothing = [replace(f, verdict=SUSPECTED) for f in findings]
    assert (
        [g.numbers for g in grouped(canvas, nothing, np.arange(COUNT))]
        == [(0,), (1,)]
        == [g.numbers for g in alone(nothing)]
    )


def test_findings_are_told_in_the_order_of_their_groups():
    groups = (Group(3, (Part(1, carries=True),)), Group(0))
    order, renamed = in_order([None] * 5, groups)
    assert order == [3, 0, 1, 2, 4]
    assert renamed == (Group(0, (Part(2, carries=True),)), Group(1))
    assert renamed[0].to_dict() == {
        "main": 1,
        "parts": [{"finding": 3, "within": None, "through": None, "carries": True}],
    }


def test_the_share_that_is_gone_is_that_of_the_means():
    drawn = np.array([[[10.0, 1.0], [30.0, 3.0]], [[5.0, 5.0], [5.0, 5.0]]])
    assert np.allclose(_share_gone(drawn), [0.9, 0.0])
