"""Partition SHAP: Owen values, equal to the mean over all orders that keep every part together."""

from itertools import product

import pytest
import torch
from masked_material import correlation, game, shapley, tangled, values_of

from seethrough.attribution import METHODS, Facts
from seethrough.attribution.partition import halvings_of, partition_shap
from seethrough.errors import UsageError
from seethrough.results import Passes


def tree(top, bottom, left, right):
    """The parts of a picture, halved across the longer side: cells as (row, column), parts as pairs."""
    down, across = bottom - top, right - left
    if down * across == 1:
        return (top, left)
    if down >= across:
        middle = top + down // 2
        return [tree(top, middle, left, right), tree(middle, bottom, left, right)]
    middle = left + across // 2
    return [tree(top, bottom, left, middle), tree(top, bottom, middle, right)]


def orders(part):
    """Every order of the cells in which those of each part stand together."""
    if isinstance(part, tuple):
        yield [part]
        return
    for first, second in product(orders(part[0]), orders(part[1])):
        yield first + second
        yield second + first


def owen(worth, along):
    """Owen values by their definition."""
    d = along[0] * along[1]
    rows = []
    every = list(orders(tree(0, along[0], 0, along[1])))
    for order in every:
        for size in range(d + 1):
            z = torch.zeros(d, dtype=torch.float64)
            z[[r * along[1] + c for r, c in order[:size]]] = 1
            rows.append(z)
    steps = worth(torch.stack(rows)).reshape(len(every), d + 1).diff(dim=1)
    values = torch.zeros(d, dtype=torch.float64)
    for order, gains in zip(every, steps):
        for (r, c), gain in zip(order, gains):
            values[r * along[1] + c] += gain / len(every)
    return values


@pytest.mark.parametrize("along", [(1, 2), (2, 2), (1, 5), (2, 4), (3, 3)])
def test_with_budget_enough_the_values_are_owens(along):
    worth = tangled(along[0] * along[1], seed=5)
    found = partition_shap(game(worth, along), cells=along, fill="zero", samples=10000)
    torch.testing.assert_close(values_of(found, along), owen(worth, along), rtol=1e-9, atol=1e-9)
    assert found.checks["resolved"]["share"] == [1.0]


def test_owen_values_are_not_shapleys_but_near():
    worth = tangled(9, seed=5)
    values, fair = owen(worth, (3, 3)), shapley(worth, 9)
    assert correlation(values, fair) > 0.9 and float((values - fair).abs().max()) > 1e-3


@pytest.mark.parametrize("samples", [2, 10, 30, 101])
def test_whatever_the_budget_the_values_add_up(samples):
    worth = tangled(16)
    found = partition_shap(game(worth, (4, 4)), cells=4, fill="zero", samples=samples)
    ends = worth(torch.stack([torch.zeros(16), torch.ones(16)]).double())
    assert float(values_of(found, (4, 4)).sum()) == pytest.approx(float(ends[1] - ends[0]), abs=1e-9)
    assert found.checks["efficiency"]["gaps"][0] < 1e-9 and 0 <= found.checks["resolved"]["share"][0] < 1


def test_where_one_cell_decides_few_samples_find_it():
    found = partition_shap(game(lambda z: z[:, 37] * 5, (8, 8)), cells=8, fill="zero", samples=200)
    values = values_of(found, (8, 8))
    assert int(values.argmax()) == 37 and float(values[37]) > 4.9 * 0.5


def test_what_is_not_halved_shares_equally():
    found = partition_shap(game(lambda z: z[:, 0] * 4, (2, 4)), cells=(2, 4), fill="zero", samples=2)
    assert values_of(found, (2, 4)).tolist() == [1, 1, 0, 0, 1, 1, 0, 0]


@pytest.mark.parametrize("samples", [20, 500])
def test_a_picture_in_company_is_halved_as_it_is_alone(samples):
    worth = tangled(12)
    both = game(worth, (3, 4), pictures=2)
    both.images[0, :, :, :5] *= 0.3
    run = game(worth, (3, 4))
    together = partition_shap(both, cells=(3, 4), fill="zero", samples=samples)
    alone = partition_shap(run, cells=(3, 4), fill="zero", samples=samples)
    torch.testing.assert_close(together.values[1], alone.values[0], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("settings", [{"samples": 31}, {"samples": 900, "cells": 2}, {"cells": (1, 5)}])
def test_what_is_declared_is_what_is_sent_through(settings):
    run = game(tangled(8))
    run.scores  # noqa: B018
    partition_shap(run, **settings)
    declared = METHODS["partition_shap"].passes(settings, Facts(8, 16))
    assert run.counter.passes == Passes(1 + declared.forward, 0)


def test_a_square_of_four_is_halved_once_and_twice_in_two_companies_each():
    assert halvings_of((0, 2, 0, 2)) == 1 + 2 * 2 and halvings_of((0, 1, 0, 1)) == 0


def test_no_samples_are_refused():
    with pytest.raises(UsageError, match="needs samples ≥ 2, not 1"):
        partition_shap(game(tangled(8)), samples=1)
