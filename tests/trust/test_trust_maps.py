"""Maps are brought to one grid, whatever grid a method has, and compared by cells."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr
from torch.nn.functional import interpolate
from trust_material import asked, drawn, method_of, noise, run_of

from seethrough.attribution import Dial, Reduce
from seethrough.trust.maps import Case, Grid, is_flat, spearman


def test_a_coarse_map_is_stretched_and_channels_are_reduced_as_the_method_says():
    coarse = noise(2, 3, 4)
    stretched = drawn(coarse).on_grid((12, 16))
    torch.testing.assert_close(stretched, interpolate(coarse[:, None].double(), (12, 16), mode="bilinear")[:, 0])
    values = torch.randn(2, 3, 6, 6)
    torch.testing.assert_close(drawn(values, reduce=Reduce.SUM).on_grid((6, 6)), values.double().sum(1))
    torch.testing.assert_close(drawn(values, reduce=Reduce.STRONGEST).on_grid((6, 6)), values.double().abs().amax(1))


def test_only_of_slopes_the_size_alone_counts():
    m = torch.tensor([[[-2.0, 1.0]]])
    assert drawn(m, measures="slope", signed=False).on_grid((1, 2)).tolist() == [[[2, 1]]]
    assert drawn(m).on_grid((1, 2)).tolist() == [[[-2, 1]]]


def test_inputs_without_height_and_width_have_maps_too():
    assert drawn(torch.rand(2, 7)).on_grid(()).shape == (2, 1, 7)
    assert drawn(torch.rand(2, 3, 7), reduce=Reduce.SUM).on_grid((7,)).shape == (2, 1, 7)


@given(height=st.integers(1, 40), width=st.integers(1, 40))
def test_cells_cover_every_pixel_once_and_means_are_means(height, width):
    grid = Grid.of(height, width)
    assert grid.number == min(14, height) * min(14, width)
    assert set(grid.cell.flatten().tolist()) == set(range(grid.number))
    m = torch.rand(height, width)
    means = grid.means(m[None])[0]
    for cell in (0, grid.number // 2, grid.number - 1):
        assert means[cell] == pytest.approx(float(m.double()[grid.cell == cell].mean()))
    flags = torch.rand(grid.number) > 0.5
    assert torch.equal(grid.pixels(flags), flags[grid.cell])


def test_rank_correlation_is_scipys():
    chance = np.random.default_rng(0)
    a, b = chance.normal(size=50), chance.integers(0, 5, 50).astype(float)  # ties among them
    assert spearman(a, b) == pytest.approx(spearmanr(a, b).statistic)
    assert spearman(a, 3 * a + 1) == pytest.approx(1) and spearman(a, -a) == pytest.approx(-1)


def test_a_flat_map_agrees_with_nothing():
    assert is_flat(np.full(5, 3.0)) and is_flat(np.zeros(5)) and not is_flat(np.array([1, 1.1]))
    assert spearman(np.arange(5.0), np.full(5, 2.0)) == 0
    assert spearman(np.arange(3.0), np.array([1, np.nan, 2])) == 0


def test_what_is_asked_again_is_asked_at_the_dials_cheapest_and_once():
    calls = []

    def function(run, *, steps=32, progress=None):
        calls.append(steps)
        return run.images.sum(1)

    run = run_of(lambda x: x.mean((2, 3)), noise(1, 3, 8, 8))
    dial = Dial("steps", (4, 16, 64))
    case = Case(method_of(function, dial=dial), None, {"steps": 16}, function(run))
    assert case.dialled(run) == {"steps": 4}
    case.cheap(run), case.cheap(run)
    assert calls == [32, 4]
    by_default = Case(
        method_of(function, dial=dial, defaults={"steps": None, "progress": None}), None, {}, noise(1, 8, 8)
    )
    assert by_default.dialled(run) == {"steps": 4}
    own = Case(method_of(function, dial=dial), None, {"steps": 3}, function(run))  # cheaper than that
    assert own.dialled(run) == {"steps": 3} and own.cheap(run) is own.values


def test_what_costs_hundreds_of_passes_is_costly():
    run = run_of(lambda x: x.mean((2, 3)), noise(1, 3, 56, 56))
    assert not asked("input_x_gradient", run).costly(run)
    assert not asked("occlusion", run).costly(run)
    assert asked("occlusion", run, window=8, stride=4).costly(run)


def test_an_occlusions_windows_stand_side_by_side_when_it_is_asked_again():
    run = run_of(lambda x: x.mean((2, 3)), noise(1, 3, 56, 60))
    case, before = asked("occlusion", run), run.counter.forward
    assert case.dialled(run)["stride"] == 8
    case.cheap(run)
    assert run.counter.forward - before == 7 * 8
    assert asked("occlusion", run, window=20).dialled(run)["stride"] is None
