"""Each way to find, on cases in which it is known what is there."""

from dataclasses import replace

import numpy as np
import pytest

from planted_scenes import Finds, facts_and_canvas, scenes
from seethrough.findings.aspects import Background, Region, Thing
from seethrough.findings.finders import FINDERS, candidates
from seethrough.findings.finders.cells import cells_of, rows_among
from seethrough.findings.finders.concepts import amounts_of, factors, importance
from seethrough.findings.finders.contributions import components, pooled, share_beside
from seethrough.findings.finders.explanations import clusters
from seethrough.findings.finders.finder import both_ways, strongest
from seethrough.findings.finders.grouping import agreement, kinds_of
from seethrough.findings.finders.placed import placed
from seethrough.findings.finders.pointed import furthest, pointed
from seethrough.findings.finders.slices import breaking, mixture, within

CHANCE = np.random.default_rng


@pytest.fixture(scope="module")
def looked():
    """A network that goes by how much red there is; in scenes where a red square comes with the class, 9 times in 10."""
    x, on, label, at = scenes(240, mark=8)
    return (*facts_and_canvas(Finds(0, mean=True), x, on, label), at[:, 0] >= 0)


def found_by(name, looked):
    facts, canvas, _ = looked
    return {c.key: c for c in FINDERS[name].find(facts, canvas, facts.split.of("find"), CHANCE(0))}


def test_what_adds_to_the_answer_beside_the_thing_is_a_thing(looked):
    facts, canvas, _ = looked
    assert pooled(facts, cells_of(facts, canvas))
    seen = found_by("contributions", looked)["thing", "", 1]
    assert isinstance(seen.aspect, Thing) and seen.strength > 0.9 and seen.numbers["contributions.share"] > 0.9
    assert max(seen.aspect.traits[0].size) < 0.4


def test_a_component_is_turned_so_that_it_raises_the_answer():
    chance = CHANCE(0)
    own = chance.normal(0, 0.1, (30, 3)) - np.array([0, 2.0, 0]) * chance.integers(0, 2, (30, 1))
    rival = chance.normal(0, 0.1, (30, 3)) - np.array([0, 2.0, 0])
    (first, auc), *_ = components(own.astype(np.float32), rival.astype(np.float32))
    assert np.allclose(first, [0, 1, 0], atol=0.1) and auc > 0.7


def test_of_what_adds_a_share_lies_beside(looked):
    facts, canvas, has = looked
    cells = cells_of(facts, canvas)
    own, rival = (cells.rows(facts.split.of("find")[mine[facts.split.of("find")]]) for mine in (has, ~has))
    red, blue = np.array([1.0, 0]), np.array([0, 1.0])
    assert share_beside(cells, red, own, rival) > 0.95 and share_beside(cells, blue, own, rival) < 0.05


def test_a_concept_beside_the_thing_that_counts_is_a_thing(looked):
    seen = found_by("concepts", looked)["thing", "", 1]
    assert isinstance(seen.aspect, Thing) and seen.strength > 0.9
    assert seen.numbers["concept"]["beside"] > 0.9 and seen.numbers["concept"]["counts"] > 0.5


def test_factors_of_which_values_are_made_are_found():
    chance = CHANCE(0)
    wanted = np.array([[1, 0, 0, 1, 0, 0], [0, 1, 0, 0, 1, 0], [0, 0, 1, 0, 0, 1.0]]) / np.sqrt(2)
    amounts = chance.exponential(1, (400, 3)) * chance.integers(0, 2, (400, 3))
    found = factors((amounts @ wanted).astype(np.float32), 3, chance)
    alike = found @ wanted.T
    assert (np.sort(alike.max(1)) > 0.95).all() and len(set(alike.argmax(1))) == 3
    again = amounts_of((amounts @ wanted).reshape(20, 20, 1, 6), wanted.astype(np.float32))
    assert np.allclose(again.reshape(400, 3), amounts, atol=0.05)


def test_what_the_answer_hangs_on_takes_part_in_its_variance(looked):
    facts, canvas, has = looked
    cells = cells_of(facts, canvas)
    rows = cells.rows(facts.split.of("find")[has[facts.split.of("find")]])[:4]
    red, blue = (importance(cells, canvas, rows, np.eye(2, dtype=np.float32), k, 1, CHANCE(0)) for k in (0, 1))
    assert red > 0.6 and blue < 1e-6  # all of it is red's, however few designs there are


def test_where_the_network_looks_lies_a_thing(looked):
    seen = found_by("explanations", looked)
    assert ("thing", "", 1) in seen and isinstance(seen["thing", "", 1].aspect, Thing)


def test_maps_of_two_kinds_are_two_clusters_and_of_one_kind_one():
    chance = CHANCE(0)
    corner, middle = np.zeros((2, 14, 14))
    corner[:4, :4], middle[5:9, 5:9] = 1, 1
    maps = np.stack([corner] * 20 + [middle] * 30) + 0.2 * chance.random((50, 14, 14))
    maps /= maps.sum((1, 2), keepdims=True)
    of = clusters(maps.astype(np.float32), chance)
    assert agreement(of, np.repeat([0, 1], [20, 30])) == 1
    assert clusters(maps[20:].astype(np.float32), chance).max() == 0


def test_what_breaks_the_habit_is_told_first(looked):
    facts, _, has = looked
    numbers = np.flatnonzero(facts.classes >= 0)
    breaks = has[numbers] != (facts.classes[numbers] == 1)
    score = breaking(facts, numbers)
    first = np.argsort(-score)[:10]
    assert breaks.sum() >= 15 and breaks[first].mean() >= 0.9


def test_within_classes_chance_is_not_taken_for_a_difference():
    chance = CHANCE(0)
    own, against = np.repeat([True, False], 50), np.tile([True] * 8 + [False] * 42, 2)
    score = np.where(own, 1.0, -1.0) * np.where(against, -1, 1) + chance.normal(0, 0.3, 100)
    assert within(score, own, against) > 0.95
    assert within(-score, own, against) is None and within(chance.normal(0, 1, 100), own, against) is None
    assert within(np.where(own, 1.0, -1.0) + chance.normal(0, 0.3, 100), own, against) is None  # the class alone


def test_a_mixture_finds_the_small_part():
    chance = CHANCE(1)
    rows = np.concatenate([chance.normal(2, 0.5, (80, 2)), chance.normal(-2, 0.5, (8, 2))])
    share, posterior, centres = mixture(rows, chance)
    small = int(share.argmin())
    assert share[small] == pytest.approx(8 / 88, abs=0.02) and np.allclose(centres[small], -2, atol=0.5)
    assert (posterior[80:, small] > 0.99).all() and (posterior[:80, small] < 0.01).all()


def test_a_direction_is_found_though_nobody_says_at_which_place():
    chance = CHANCE(0)
    own, rival = chance.normal(0, 1, (2, 60, 25, 8)).astype(np.float32)
    for k in range(60):
        own[k, chance.integers(25), 3] += 6
    free, half = np.ones((60, 25), bool), np.arange(60) % 2 == 0
    seen = pointed(own, rival, (free, free), (half, half), chance)
    assert seen.auc > 0.95 and abs(seen.vector[3]) > 0.95
    assert (furthest(own, free, seen.vector) > 3).mean() > 0.9
    nothing = pointed(rival[:30], rival[30:], (free[:30], free[30:]), (half[:30], half[30:]), chance)
    assert abs(nothing.auc - 0.5) < 0.2


@pytest.mark.parametrize("kind", ["thing", "fixed", "wide"])
def test_where_a_trait_lies_says_what_it_is(kind):
    chance, heat = CHANCE(0), np.zeros((30, 12, 12), np.float32)
    for k in range(30):
        top, left = chance.integers(0, 10, 2) if kind == "thing" else (8, 1)
        heat[k, top : top + 2, left : left + 2] = 1
        if kind == "wide":
            heat[k] = chance.uniform(0.6, 1, (12, 12))
    where = placed(heat, np.ones_like(heat, bool), usual=0.0)
    assert (where.wide, where.fixed and not where.wide) == (kind == "wide", kind == "fixed")
    if kind != "wide":
        assert np.allclose(where.size, 3 / 12)
    assert placed(np.zeros((30, 12, 12), np.float32), np.ones_like(heat, bool), level=0.5) is None


@pytest.mark.parametrize("often, fixed", [((10, 10, 10, 10), False), ((3, 4, 4, 0), False), ((25, 5, 5, 5), True)])
def test_only_what_is_mostly_in_one_corner_lies_at_a_fixed_place(often, fixed):
    """Three, four and four times: mostly above and mostly left, but seldom both."""
    at = np.repeat([(2, 2), (2, 9), (9, 2), (9, 9)], often, axis=0)
    heat = np.zeros((len(at), 12, 12), np.float32)
    heat[np.arange(len(at)), at[:, 0], at[:, 1]] = 1
    where = placed(heat, np.ones_like(heat, bool))
    assert where is not None and not where.wide and where.fixed == fixed


def test_of_the_same_candidates_the_strongest_stays_and_regions_keep_all_their_places(looked):
    some = found_by("contributions", looked)["thing", "", 1]
    boxes = [(0.0, 0.1, 0.0, 0.2), (0.15, 0.25, 0.05, 0.3)]
    parts = [
        type(some)(Region("top left", box), 1, (0,), ("places",), 0.7 + k / 10, 1.0, {}) for k, box in enumerate(boxes)
    ]
    weaker = type(some)(Background(), 1, (0,), ("evidence",), 0.6, 1.0, {})
    found = strongest([*parts, weaker, type(some)(Background(), 1, (0,), ("evidence",), 0.9, 1.0, {})])
    assert [c.strength for c in found] == pytest.approx([0.8, 0.9])
    assert found[0].aspect.box == (0.0, 0.25, 0.0, 0.3)


def test_of_two_classes_what_speaks_against_is_sought_too(looked):
    facts, _, _ = looked
    asked = list(both_ways(facts, facts.split.of("find")))
    assert [(answer, against) for answer, *_, against in asked] == [(1, False), (1, True)]
    assert (asked[0][2] == asked[1][3]).all() and (asked[0][3] == asked[1][2]).all()


def test_several_ways_see_the_same_thing_and_nothing_fixed(looked):
    facts, canvas, _ = looked
    found = {c.key: c for c in candidates(facts, canvas)}
    assert len(found["thing", "", 1].ways) >= 3 and found["thing", "", 1].reappeared == 1
    assert all(0 <= c.reappeared <= 1 for c in found.values())


def test_kinds_of_rows_are_told_apart():
    chance = CHANCE(0)
    rows = np.concatenate([chance.normal(at, 0.1, (20, 2)) for at in (0, 3, 6)])
    centres, of = kinds_of(rows, 3, chance)
    assert agreement(of, np.repeat([0, 1, 2], 20)) == 1 and np.allclose(np.sort(centres[:, 0]), [0, 3, 6], atol=0.1)
    assert len(kinds_of(np.ones((5, 2)), 3, chance)[0]) == 1


def test_agreement_is_the_adjusted_rand_index():
    known = pytest.importorskip("sklearn.metrics").adjusted_rand_score
    chance = CHANCE(0)
    for _ in range(5):
        one, other = chance.integers(0, 3, (2, 40))
        assert agreement(one, other) == pytest.approx(known(one, other))
    assert agreement(np.zeros(4, int), np.zeros(4, int)) == 1


def test_numbers_that_were_not_read_are_left_out():
    known = np.array([2, 5, 9])
    assert rows_among(known, np.array([9, 1, 2, 2, 10])).tolist() == [2, 0, 0]
    assert rows_among(known[:0], known).tolist() == []


def test_where_things_were_only_estimated_nothing_but_the_background_is_sought_beside_them(looked):
    """A piece of the thing that an estimate leaves over is no thing beside it."""
    facts, canvas, _ = looked
    guessed = replace(facts, agreement=np.full(len(facts), 0.8, np.float32))
    other = replace(canvas)  # what was read of the first isn't taken for it
    for name in ("things", "contributions", "concepts", "explanations", "spectrum"):
        found = FINDERS[name].find(guessed, other, guessed.split.of("find"), CHANCE(0))
        assert {c.aspect.kind for c in found} <= {"background"}


def test_of_things_that_fill_their_pictures_nothing_is_sought_beside_them():
    chance = CHANCE(0)
    own, rival = chance.normal(0, 1, (2, 20, 9, 4)).astype(np.float32)
    half, some, none = np.arange(20) % 2 == 0, np.ones((20, 9), bool), np.zeros((20, 9), bool)
    assert pointed(own, rival, (none, some), (half, half), chance) is None
    assert pointed(own, rival, (some, none), (half, half), chance) is None
    none[0, 0] = True
    assert pointed(own, rival, (some, none), (half, half), chance) is None
