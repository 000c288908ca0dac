"""Faithfulness: curves and costs, with exact values where they can be worked out by hand."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from trust_material import asked, drawn, noise, run_of

from seethrough.trust.covered import HALVES, from_occlusion, halves, patches
from seethrough.trust.faithfulness import STEPS, Drops, curves, drops, faithfulness, shifted
from seethrough.trust.maps import Grid
from seethrough.trust.nulls import NULLS


def added(x):
    """A network that adds up its pixels: what it loses is what a map of the pixels says."""
    return x.flatten(1).sum(1, keepdim=True)


def cells_of(x):
    return Grid.of(*x.shape[2:]).means(x.sum(1)[None])


@pytest.mark.parametrize(
    ("pixels", "shares", "deletion", "insertion"),
    [
        ([[0.4, 0.3], [0.2, 0.1]], (0, 0.5, 1), 0.4, 0.6),
        ([[0.3, 0.25, 0.2, 0.15, 0.1]], (0, 0.4, 0.8, 1), 0.41, 0.59),  # two at a time, and the last alone
    ],
)
def test_areas_under_curves_are_those_worked_out_by_hand(pixels, shares, deletion, insertion):
    x = torch.tensor(pixels)[None, None]
    run = run_of(added, x)
    found = curves(run, Grid.of(*x.shape[2:]), cells_of(x), [torch.zeros(1, 1, 1, 1)], shares)
    gained, lost = found.areas()
    assert (float(lost[0, 0, 0]), float(gained[0, 0, 0])) == pytest.approx((deletion, insertion))


def test_how_many_pictures_go_through_at_once_does_not_matter():
    x, maps = noise(2, 3, 20, 20), np.random.default_rng(0).normal(size=(3, 2, 196))
    found = [
        curves(
            run_of(lambda x: (x * x).sum((1, 2, 3))[:, None], x, together=k),
            Grid.of(20, 20),
            maps,
            [x.mean((2, 3), keepdim=True)],
        )
        for k in (1, 3, 64)
    ]
    for other in found[1:]:
        np.testing.assert_allclose(other.insertion, found[0].insertion, rtol=1e-6)


def test_a_map_that_ranks_rightly_reaches_the_best_areas_and_its_opposite_the_worst():
    x = noise(1, 3, 14, 14)
    run = run_of(added, x)
    right = cells_of(x)
    maps = np.concatenate([right, -right, np.random.default_rng(1).normal(size=(20, 1, 196))])
    gained, lost = (a[0, :, 0] for a in curves(run, Grid.of(14, 14), maps, [torch.zeros(1)]).relative())
    assert gained.argmax() == 0 and lost.argmin() == 0 and gained.argmin() == 1 and lost.argmax() == 1
    assert lost.min() >= 0 and gained.max() <= 1


def test_an_answer_that_never_moves_has_no_figures():
    run = run_of(lambda x: (x.sum((1, 2, 3)) * 0 + 3)[:, None], noise(1, 3, 14, 14))
    assert faithfulness(run, [drawn(noise(1, 14, 14))]) == [[{}]]


def test_a_map_that_is_flat_or_not_finite_has_no_figures():
    run = run_of(added, noise(1, 3, 14, 14))
    broken = torch.full((1, 14, 14), float("nan"))
    assert faithfulness(run, [drawn(torch.ones(1, 14, 14)), drawn(broken)]) == [[{}], [{}]]


def linear(seed=3):
    """Weights of which a fifth count, and pictures around 0: the map w · x tells exactly what each pixel adds."""
    w = torch.randn(3, 28, 28, generator=torch.Generator().manual_seed(seed)) * (noise(28, 28, seed=seed) > 0.8)
    x = torch.randn(1, 3, 28, 28, generator=torch.Generator().manual_seed(seed + 1))
    return w, x


def test_of_a_linear_network_the_true_map_tells_all_costs_and_nothing_is_left_unexplained():
    w, x = linear()
    run = run_of(lambda x: (x * w).sum((1, 2, 3))[:, None], x)
    true = (w * (x - x.mean((2, 3), keepdim=True))).sum(1)  # against the mean colour, which is what covers
    (figures,), (wrong,), (other,) = faithfulness(run, [drawn(true), drawn(-true), drawn(noise(1, 28, 28, seed=9))])
    assert figures["faithfulness.patches"] == pytest.approx(1, abs=1e-5)
    assert figures["faithfulness.infidelity"] == pytest.approx(0, abs=1e-5)
    assert figures["faithfulness.beaten"] > 0.99
    assert wrong["faithfulness.patches"] == pytest.approx(-1, abs=1e-5) and wrong["faithfulness.beaten"] < 0.01
    assert abs(other["faithfulness.patches"]) < 0.5 and other["faithfulness.infidelity"] > 0.1
    assert figures["faithfulness.gain"] > max(figures[f"faithfulness.{null}"] for null in NULLS)
    assert figures["faithfulness.gain"] == pytest.approx(
        figures["faithfulness.insertion"] - figures["faithfulness.deletion"]
    )


def test_slopes_are_held_to_the_size_of_what_covering_changes():
    w, x = linear()
    run = run_of(lambda x: (x * w).sum((1, 2, 3))[:, None], x)
    size = (w * (x - x.mean((2, 3), keepdim=True))).sum(1)
    (signed,), (slopes,) = faithfulness(run, [drawn(size.abs()), drawn(size.abs(), measures="slope", signed=False)])
    assert slopes["faithfulness.patches"] > signed["faithfulness.patches"] + 0.1


@settings(max_examples=25)
@given(scale=st.floats(0.01, 100), seed=st.integers(0, 5))
def test_what_a_map_is_multiplied_with_changes_nothing(scale, seed):
    alone, half = patches(Grid.of(14, 14)), halves(Grid.of(14, 14))
    m, drop = np.random.default_rng(seed).normal(size=196), np.random.default_rng(seed + 9).normal(size=(len(alone), 1))
    one = Drops(alone, drop)
    assert one.correlation(m, 0, False) == pytest.approx(one.correlation(scale * m, 0, False), abs=1e-9)
    assert -1 - 1e-9 <= float(one.correlation(m, 0, False)) <= 1 + 1e-9
    assert half.shape == (HALVES, 196)


def test_noise_beats_its_shifted_copies_as_often_as_chance_says():
    """Of maps that know nothing, few beat nineteen of twenty of their copies."""
    w, x = linear()
    run = run_of(lambda x: (x * w).sum((1, 2, 3))[:, None], x)
    figures = faithfulness(run, [drawn(noise(1, 28, 28, seed=seed)) for seed in range(60)])
    beaten = np.array([f["faithfulness.beaten"] for (f,) in figures])
    assert (beaten > 0.95).mean() < 0.15 and 0.35 < beaten.mean() < 0.65


def test_shifted_copies_hold_the_same_numbers_elsewhere():
    m = np.arange(12.0).reshape(3, 4)
    copies = shifted(m)
    assert copies.shape == (4 * 12 - 1, 12)
    assert (np.sort(copies, 1) == np.arange(12.0)).all() and not (copies == m.ravel()).all(1).any()


def test_half_of_the_blocks_are_covered_and_each_picture_has_its_complement():
    grid = Grid.of(14, 14)
    half, alone = halves(grid), patches(grid)
    assert alone.shape == (49, 196) and (alone.sum(0) == 1).all() and (alone.sum(1) == 4).all()
    assert (half[: HALVES // 2] ^ half[HALVES // 2 :]).all()
    assert set(half.sum(1)) == {24 * 4, 25 * 4}


def test_nothing_is_asked_twice_and_null_maps_once_for_all_cases():
    run = run_of(added, noise(2, 3, 28, 28))
    assert len(run.scores) == 2
    before, cases = run.counter.forward, [drawn(noise(2, 28, 28, seed=k)) for k in range(3)]
    faithfulness(run, cases)
    each = 2 * (2 * (STEPS - 1) * (len(cases) + len(NULLS)) + 1) + 49 + HALVES
    assert run.counter.forward - before == 2 * each
    drops(run, Grid.of(28, 28))
    assert run.counter.forward - before == 2 * each


def test_the_answers_of_an_occlusion_are_not_asked_for_again():
    def network(x):
        return (x * x).sum((1, 2, 3))[:, None]

    x, grid = noise(1, 3, 56, 56), Grid.of(56, 56)
    alone, _ = drops(run_of(network, x), grid)
    run = run_of(network, x)
    assert from_occlusion(run, grid, "mean") is None
    asked("occlusion", run)
    before = run.counter.forward
    shared, _ = drops(run, grid)
    assert run.counter.forward - before == HALVES
    np.testing.assert_allclose(shared.drop, alone.drop, rtol=1e-4, atol=1e-3)


def test_a_pictures_figures_do_not_depend_on_its_company():
    w, x = linear()
    x = torch.cat([x, x.flip(3)])

    def network(x):
        return (x * w).sum((1, 2, 3))[:, None]

    m = noise(2, 28, 28)
    both = faithfulness(run_of(network, x), [drawn(m)])[0]
    alone = faithfulness(run_of(network, x[1:]), [drawn(m[1:])])[0]
    assert both[1] == pytest.approx(alone[0], abs=1e-5)
