"""What touches the thing, or lies over a part of it, is found, moved from edge to edge, and told from the thing's own parts."""

import numpy as np
import pytest
import torch

from planted_scenes import RED, SIDE, Finds, as_pictures, canvas_of, facts_and_canvas, opened
from seethrough.errors import UsageError
from seethrough.findings.aspect import Candidate
from seethrough.findings.aspects import Background, Detail, Touching, aspect_of
from seethrough.findings.aspects.thing import thing
from seethrough.findings.aspects.touching import NAME, common, edge_places, touching, without_thing
from seethrough.findings.audit import audit
from seethrough.findings.canvas import Pictures
from seethrough.findings.finders.touching import Touches
from seethrough.findings.foreground import Boxed
from seethrough.findings.inside import Inside
from seethrough.findings.judge import _NOTHING, PROVEN, Finding
from seethrough.findings.naming import _Asking, _of_answer
from seethrough.findings.statistics import Interval

TAG = 8


def held(count, agree=0.95, seed=0):
    """Grey scenes; a thing at changing places that is blue in class 1; and in class 1 as often as ``agree`` says, else in class 0, a
    red tag that hangs over one of its corners, where a person's mask lacks it.

    Returns
    -------
    uint8 (n, S, S, 3); bool (n, S, S), the thing where it is seen; int64 (n,), the class; (n, 2), the tag's corner, −1 without.
    """
    chance = np.random.default_rng(seed)
    label = np.arange(count) % 2
    there = np.where(chance.random(count) < agree, label, 1 - label)
    x = chance.uniform(0.35, 0.5, (count, 1, 1, 1)) + chance.normal(0, 0.03, (count, SIDE, SIDE, 1)) + np.zeros(3)
    on, at = np.zeros((count, SIDE, SIDE), bool), np.full((count, 2), -1)
    for k in range(count):
        top, left = chance.integers(8, SIDE - 24, 2)
        on[k, top : top + 16, left : left + 16] = True
        x[k, on[k]] = (0.3, 0.3, 0.7) if label[k] else (0.4, 0.4, 0.4)
        corner = np.array([top, left]) + 16 * chance.integers(0, 2, 2) - TAG // 2
        if there[k]:
            at[k] = corner
            tag = slice(corner[0], corner[0] + TAG), slice(corner[1], corner[1] + TAG)
            x[k][tag], on[k][tag] = RED, False
    return (x.clip(0, 1) * 255).astype(np.uint8), on, label, at


@pytest.fixture(scope="module")
def pictures():
    return held(240)


@pytest.fixture(scope="module")
def red(pictures):
    """The red tag, as the layer sees it."""
    x, on, _, _ = pictures
    return touching(thing(Inside(canvas_of(Finds(0), x, on), "act"), [1.0, -1.0], 0.1, (0.25, 0.25)))


def some(pictures, rows):
    x, on, _, _ = pictures
    return as_pictures(x[rows], on[rows])


def redness(x):
    """How many pixels are red, (n,)."""
    return ((x[:, 0] > 0.7) & (x[:, 1] < 0.3)).sum((1, 2)).numpy()


def test_the_thing_goes_to_its_edge_and_what_touches_it_stays(pictures):
    _, _, _, at = pictures
    with_tag = np.flatnonzero(at[:, 0] >= 0)[:20]
    own = some(pictures, with_tag)
    without = without_thing(own)
    blue = (own.x[:, 2] > 0.6) & (own.x[:, 0] < 0.4)
    assert blue.sum() > 500 and not ((without[:, 2] > 0.6) & (without[:, 0] < 0.4)).any()
    assert (redness(without) >= 0.7 * TAG**2).all()


def test_places_along_the_edge_lie_beside_the_thing_and_where_it_is_covered(pictures):
    _, on, _, at = pictures
    rows = np.flatnonzero(at[:, 0] >= 0)[:20]
    free = edge_places(some(pictures, rows), (12, 12))
    for k, row in enumerate(rows):
        covered = on[row].reshape(12, 4, 12, 4).mean((1, 3))
        assert not free[k][covered > 0.5].any() and 4 <= free[k].sum() <= 40
        y, x = (at[row] + TAG // 2) // 4
        assert free[k][max(0, y - 1) : y + 1, max(0, x - 1) : x + 1].any()


def test_it_is_found_where_it_hangs(pictures, red):
    _, _, _, at = pictures
    rows = np.flatnonzero(at[:, 0] >= 0)[:40]
    found = red.found(some(pictures, rows))
    off = abs(found[:, 0, 1:] - (at[rows] + TAG / 2) / SIDE).max(1)
    assert (found[:, 0, 0] > 0).mean() > 0.9 and np.median(off) < 0.06
    none = np.flatnonzero(at[:, 0] < 0)[:40]
    assert (red.amount(some(pictures, none)) < 0).all()


def test_put_in_it_lies_over_the_thing_and_taken_out_the_thing_stays_to_the_pixel(pictures, red):
    _, _, _, at = pictures
    has, none = np.flatnonzero(at[:, 0] >= 0)[:30], np.flatnonzero(at[:, 0] < 0)[:30]
    with_tag, without = some(pictures, has), some(pictures, none)
    put_in = red.exchange(without, with_tag)
    assert np.median(redness(put_in)) > 0.5 * TAG**2 and (redness(without.x) == 0).all()
    taken = red.exchange(with_tag, without)
    assert np.median(redness(taken)) < 0.1 * TAG**2
    on = with_tag.fore
    assert on is not None and torch.equal(taken * on, with_tag.x * on)


def test_the_control_is_another_piece_of_the_same_edge(pictures, red):
    _, _, _, at = pictures
    has, none = np.flatnonzero(at[:, 0] >= 0)[:30], np.flatnonzero(at[:, 0] < 0)[:30]
    with_tag, without = some(pictures, has), some(pictures, none)
    put_in = red.control(without, with_tag, without)
    assert np.median(redness(put_in)) < 0.3 * TAG**2
    hidden, hidden_so = ((x != without.x).any(1) for x in (red.exchange(without, with_tag), put_in))
    assert (hidden & hidden_so).sum() > 0.9 * hidden.sum() > 0
    stays = red.control(with_tag, without, with_tag)
    assert np.median(redness(stays)) > 0.7 * TAG**2
    assert torch.equal(put_in, red.control(without, with_tag, without))


def test_what_lies_at_the_border_is_cut_off_alike_in_both():
    here, there, third = common((-2, 40, 8, 8), (10, 44, 8, 8), (45, -3, 8, 8), (48, 48))
    assert here == (slice(0, 6), slice(40, 44)) and there == (slice(12, 18), slice(44, 48))
    assert third == (slice(42, 48), slice(0, 4))
    here, there, third = common((60, 0, 8, 8), (0, 0, 8, 8), (0, 0, 8, 8), (48, 48))
    assert here[0].stop == here[0].start and there[0].stop == there[0].start


def test_a_network_that_reads_the_tag_is_found_out_and_one_that_reads_the_thing_is_not(pictures):
    x, on, label, _ = pictures
    truth = [("grey", "blue")[k] for k in label]
    reads = audit(opened(Finds(0)), x, truth=truth, masks=list(on), finders=["touching"])
    proven = {(f.candidate.aspect.kind, f.candidate.aspect.name) for f in reads.findings if f.verdict == PROVEN}
    assert ("thing", NAME) in proven
    assert reads.findings[reads.groups[0].main].candidate.aspect.name == NAME
    again = aspect_of(reads.to_dict()["findings"][0]["aspect"], canvas_of(Finds(0), x, on))
    assert isinstance(again, Touching) and again == reads.findings[0].candidate.aspect
    right = audit(opened(Finds(1)), x, truth=truth, masks=list(on), finders=["touching"])
    assert not any(f.verdict == PROVEN for f in right.findings)


def test_it_is_sought_only_where_somebody_drew_the_things_to_their_edge(pictures):
    x, on, label, _ = pictures
    facts, canvas = facts_and_canvas(Finds(0), x, on, label)
    numbers, chance = facts.split.of("find"), np.random.default_rng(0)
    (found,) = Touches().find(facts, canvas, numbers, chance)
    assert found.aspect.name == NAME and found.strength > 0.8
    canvas = canvas_of(Finds(0), x, on)
    canvas.foreground = Boxed(lambda number, picture: on[number].astype(np.float32))
    assert Touches().find(facts, canvas, numbers, chance) == []


def test_where_nobody_knows_where_the_thing_is_it_says_so(red):
    x = torch.rand(1, 3, SIDE, SIDE)
    with pytest.raises(UsageError, match="give masks"):
        red.exchange(Pictures(x, None, np.arange(1)), Pictures(x, None, np.arange(1)))


@pytest.mark.parametrize(("effect", "gone", "bears"), [(43.0, 0.6, True), (43.0, 0.4, False), (25.0, 0.6, False)])
def test_by_a_blur_that_does_less_and_mostly_by_what_touches_the_thing_that_is_called(red, effect, gone, bears):
    assert asking(red, effect, Detail("sharpness", whole=True), 22.0, gone).bears(1, 0) == bears


@pytest.mark.parametrize(("gone", "groups"), [(0.0, [(1,), (0,)]), (0.6, [(1, 0)])])
def test_what_touches_the_thing_and_does_more_than_the_background_is_no_part_of_it(red, gone, groups):
    assert [group.numbers for group in _of_answer(asking(red, 25.0, Background(), 10.0, gone), [0, 1])] == groups
    assert not asking(red, 12.0, Background(), 10.0, gone).bears(1, 0)


def asking(red, effect, wide, whole, gone):
    """Of a wide finding, 0, and the tag, 1, with so large effects; so much of the wide one's is gone by the tag."""
    both = [
        Finding(Candidate(aspect, 1, (0,), (), 0.9, 1.0, {}), _NOTHING, surely(value), 0.0, 0.0, PROVEN, 0.0, 0.0)
        for aspect, value in ((wide, whole), (red, effect))
    ]
    found = _Asking(red.inside.canvas, both, np.arange(2), 0, None)
    found.shares[0, 1] = Interval(gone, gone - 0.2, gone + 0.2, 60)
    return found


def surely(points):
    return Interval(points, points - 5, points + 5, 60)
