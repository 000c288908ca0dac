"""Bars, frames and the corners of a round field are told by a colour that is their own."""

import numpy as np
import pytest

from planted_scenes import SIDE, Finds, facts_and_canvas, scenes
from seethrough.findings.aspect import Candidate
from seethrough.findings.aspects import Region
from seethrough.findings.finders import FINDERS, STRONG
from seethrough.findings.finders.finder import strongest
from seethrough.findings.finders.margins import colours_own, corners, differs, held_by, shape_of

GRID = 32
DOWN, ACROSS = np.mgrid[:SIDE, :SIDE]
BARS = np.minimum(DOWN, SIDE - 1 - DOWN) < 6
ROUND = np.hypot(DOWN - SIDE / 2 + 0.5, ACROSS - SIDE / 2 + 0.5) > 0.57 * SIDE


def plane(*strips):
    there = np.zeros((GRID, GRID), bool)
    for strip in strips:
        there[strip] = True
    return there


TOP, BOTTOM, LEFT, RIGHT = np.s_[:3], np.s_[-4:], np.s_[:, :3], np.s_[:, -3:]


@pytest.mark.parametrize(
    ("strips", "name", "box"),
    [
        ((TOP, BOTTOM), "border", (27 / 32, 4 / 32, 1.0, 0.0)),
        ((LEFT, RIGHT), "border", (1.0, 0.0, 28 / 32, 4 / 32)),
        ((TOP, BOTTOM, LEFT, RIGHT), "border", (27 / 32, 4 / 32, 28 / 32, 4 / 32)),
        ((LEFT,), "left", (0.0, 1.0, 0.0, 4 / 32)),
        ((BOTTOM,), "bottom", (27 / 32, 1.0, 0.0, 1.0)),
    ],
)
def test_strips_are_as_deep_as_they_are_and_a_place_in_which_they_end(strips, name, box):
    region = shape_of(plane(*strips))
    assert (region.name, region.box) == (name, box)
    inside = held_by(region, GRID)
    assert inside[plane(*strips)].all() and inside.sum() <= plane(*strips).sum() + len(strips) * GRID


def test_the_corners_of_a_round_field_are_corners():
    down, across = np.mgrid[:GRID, :GRID] + 0.5
    there = np.hypot(down - 16, across - 16) > 0.57 * GRID
    region = shape_of(there)
    assert region.name == "corners" and region.box[0] == region.box[2] == 0.0 and len(region.also) == 3
    inside = held_by(region, GRID)
    assert (inside & there).sum() >= 0.9 * there.sum() and inside.mean() < 0.2
    held = [(held_by(corners(region.box[1] - less / GRID), GRID) & there).sum() / there.sum() for less in (1, 2)]
    assert held[0] >= 0.9 > held[1]  # a place more than is needed, in which it ends


@pytest.mark.parametrize(
    "there",
    [plane(), plane(np.s_[8:20, 8:20]), plane(np.s_[:]), plane(np.s_[:6, :6])],
    ids=["nothing", "middle", "all", "one"],
)
def test_what_is_no_strip_and_not_in_all_corners_is_no_margin(there):
    assert shape_of(there) is None


def test_a_colour_is_usual_where_most_have_it_and_differs_where_others_have_not():
    chance = np.random.default_rng(0)
    x = chance.uniform(0, 1, (80, 4, 4, 3)).astype(np.float32)
    own, off = np.arange(80) % 2 > 0, np.ones((80, 4, 4), bool)
    x[own, 0] = 0.1
    off[own, 0, 0] = False  # where the thing is, nothing is seen
    has = colours_own(x, off, own)
    assert has[own, 0, 1:].all() and not has[:, 1:].any() and not has[own, 0, 0].any()
    assert has[~own, 0].mean() < 0.02
    assert differs(has, off, own).tolist() == [[False, True, True, True]] + 3 * [[False] * 4]
    assert not differs(np.ones((80, 4, 4), bool), off, own).any()


def margined(where, agree, seed=3):
    """Scenes; in class 1, so many times in 100, dark at some pixels, and under other light all over."""
    x, on, label, _ = scenes(160, seed=seed)
    has = np.where(np.random.default_rng(0).random(160) < agree, label, 1 - label) > 0
    x[has] = (x[has] * 0.9).astype(np.uint8)
    for k in np.flatnonzero(has):
        x[k, where] = 5
    return facts_and_canvas(Finds(1), x, on, label)


def found_in(facts, canvas):
    return FINDERS["margins"].find(facts, canvas, facts.split.of("find"), np.random.default_rng(0))


@pytest.mark.parametrize(("where", "name"), [(BARS, "border"), (ROUND, "corners")])
def test_a_margin_is_found_whatever_else_differs(where, name):
    facts, canvas = margined(where, 0.95)
    (found,) = found_in(facts, canvas)
    assert found.key == ("region", name, 1) and found.strength > STRONG
    inside = held_by(found.aspect, SIDE)
    assert inside[where].mean() > 0.8 and inside.mean() < 2 * where.mean() + 0.05


def test_a_margin_that_any_class_has_is_none():
    assert found_in(*margined(BARS, 0.5)) == []


def test_of_corners_as_several_draws_saw_them_the_surest_are_taken():
    seen = [Candidate(corners(size), 1, (0,), ("margins",), sure, 1.0, {}) for size, sure in ((0.1, 0.8), (0.2, 0.9))]
    (one,) = strongest(seen)
    assert one.aspect == corners(0.2) and isinstance(one.aspect, Region)
