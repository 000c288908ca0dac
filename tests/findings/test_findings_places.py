"""Borders, and what differs everywhere, are told apart."""

import numpy as np
import pytest

from planted_scenes import SIDE, Finds, facts_and_canvas, scenes
from seethrough.findings.aspects import Region
from seethrough.findings.finders import FINDERS
from seethrough.findings.finders.places import boxes


def framed(frame, moved=0.0, count=160):
    """Scenes; in class 1, 95 times in 100, with a frame of 2 to 4 pixels, and with light of another strength, the more so where
    the ground is bright.
    """
    x, on, label, _ = scenes(count, seed=3)
    chance = np.random.default_rng(0)
    has = np.where(chance.random(count) < 0.95, label, 1 - label) > 0
    edge = np.minimum.outer(*[np.minimum(np.arange(SIDE), np.arange(SIDE)[::-1])] * 2)
    for k in np.flatnonzero(has):
        ramp = np.linspace(-1, 1, SIDE)[:, None, None] * moved * 255
        x[k] = (x[k] + np.where(on[k][..., None], 0, ramp)).clip(0, 255)
        if frame:
            x[k, edge < chance.integers(2, 5)] = 20
    return facts_and_canvas(Finds(1), x, on, label)


def found_in(facts, canvas):
    find = FINDERS["places"].find
    return {c.key: c for c in find(facts, canvas, facts.split.of("find"), np.random.default_rng(0)) if c.answer == 1}


@pytest.mark.parametrize("moved", [0.0, 0.05])
def test_a_frame_is_a_border_also_where_all_else_differs_a_little(moved):
    found = found_in(*framed(True, moved))
    border = found["region", "border", 1]
    assert (("background", "", 1) in found) == (moved > 0)
    assert border.strength > 0.8
    assert isinstance(border.aspect, Region)
    width = border.aspect.box[1]
    assert 2 / SIDE < width <= 4.5 / SIDE  # not every picture has it as broad


def test_what_differs_everywhere_alike_is_a_background_and_no_place():
    assert set(found_in(*framed(False, 0.3))) == {("background", "", 1)}


def test_a_border_is_as_broad_as_its_traces():
    seen = np.zeros((16, 16))
    seen[:] = 5
    seen[1:-1, 1:-1] = 3
    seen[2:-2, 2:-2] = 1
    assert boxes(seen, 4) == [(15 / 16, 1 / 16, 15 / 16, 1 / 16)]
    assert boxes(seen, 4, 2) == [(14 / 16, 2 / 16, 14 / 16, 2 / 16)]


def test_print_in_pieces_is_one_place_with_a_rim_and_what_lies_further_away_another_without():
    seen = np.zeros((16, 16))
    seen[2:4, 1:4] = seen[2:4, 5:8] = seen[12:14, 5:8] = 5
    half = 0.5 / 16  # where print ends, places only half differ
    assert boxes(seen, 4) == [
        (2 / 16 - half, 4 / 16 + half, 1 / 16 - half, 8 / 16 + half),
        (12 / 16, 14 / 16, 5 / 16, 8 / 16),
    ]
