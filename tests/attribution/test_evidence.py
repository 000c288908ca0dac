"""The numbers about a map are those of the formulas in the docstrings, by hand on small maps and on any map at all."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from seethrough.attribution.evidence import CELLS, CONSTANT, EVERYWHERE, QUARTERS, evidence_of
from seethrough.errors import UsageError

maps = st.tuples(st.integers(1, 9), st.integers(1, 9)).flatmap(
    lambda size: arrays(np.float32, size, elements=st.floats(-8, 8, width=32, allow_subnormal=False))
)


def test_one_bright_pixel_is_the_spot_the_cell_and_all_of_the_evidence():
    m = np.zeros((6, 9), np.float32)
    m[5, 1] = 2.5
    side = evidence_of(m, signed=False).support
    assert (side.spot.x, side.spot.y, side.spot.value) == (1, 5, 2.5)
    assert side.region == "lower_left" and side.share == 1
    assert side.half_area == 1 / 54 and side.total == 2.5


def test_a_quarter_is_named_where_the_evidence_fills_it_evenly():
    m = np.zeros((12, 12), np.float32)
    m[6:, :6] = 1
    side = evidence_of(m, signed=False).support
    assert side.region == "lower_left_quarter" and side.share == 1 and side.half_area == 18 / 144


def test_slightly_uneven_evidence_is_everywhere():
    m = np.ones((30, 30), np.float32)
    m[:15, :15] = 1.2
    side = evidence_of(m, signed=True).support
    assert side.region == EVERYWHERE and side.share == 1


def test_the_two_sides_of_a_signed_map_are_counted_apart():
    m = np.array([[3, 0, 0], [0, 0, 0], [0, 0, -1]], np.float32)
    found = evidence_of(m, signed=True)
    assert found.support.region == "upper_left" and found.against.region == "lower_right"
    assert found.total == 4 and found.share_against == 0.25
    assert evidence_of(m, signed=False).against is None and evidence_of(m, signed=False).total == 3


def test_a_mask_splits_the_evidence():
    m = np.array([[1, 2], [3, 4]], np.float32)
    mask = np.array([[True, False], [False, True]])
    assert evidence_of(m, signed=False, mask=mask).support.on_mask == 0.5


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_map_with_a_number_that_is_none_is_flat_and_not_finite(bad):
    m = np.ones((4, 5), np.float32)
    m[2, 3] = bad
    found = evidence_of(m, signed=True)
    assert found.flat and not found.finite and found.total == 0


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("level", [0.0, 1.0, -2.0, 1e-20])
def test_a_constant_map_is_flat_whatever_its_level(level, signed):
    assert evidence_of(np.full((7, 3), level, np.float32), signed=signed).flat


def test_constant_where_the_network_looked_is_flat_although_zero_outside():
    seen = np.zeros((4, 8), bool)
    seen[:, 2:6] = True
    assert evidence_of(seen.astype(np.float32), signed=False, seen=seen).flat
    assert not evidence_of(seen.astype(np.float32), signed=False).flat


def test_what_was_not_seen_does_not_count():
    m = np.array([[np.nan, 1, 2]], np.float32)
    found = evidence_of(m, signed=False, seen=np.array([[False, True, True]]))
    assert found.finite and found.total == 3


def test_shapes_that_do_not_agree_are_refused():
    with pytest.raises(UsageError, match="one flag a pixel"):
        evidence_of(np.ones((2, 3)), signed=False, mask=np.ones((3, 2), bool))
    with pytest.raises(UsageError, match="height, width"):
        evidence_of(np.ones((1, 2, 3)), signed=False)


@given(maps, st.booleans())
def test_every_number_is_its_formula(m, signed):
    found = evidence_of(m, signed=signed)
    height, width = m.shape
    y, x = np.mgrid[:height, :width]
    for side, p in ((found.support, np.maximum(m, 0)), (found.against, np.maximum(-m, 0))):
        if side is None:
            continue
        p = p.astype(np.float64)
        assert side.total == pytest.approx(p.sum())
        if not side.total:
            assert side.spot is None and not any(side.cells) and side.half_area == 0
            continue
        shares = dict(zip(CELLS + QUARTERS, side.cells + side.quarters))
        for grid, names in ((3, CELLS), (2, QUARTERS)):
            for i, name in enumerate(names):
                inside = (grid * y // height == i // grid) & (grid * x // width == i % grid)
                assert shares[name] == pytest.approx(p[inside].sum() / p.sum(), abs=1e-12)
            assert sum(shares[name] for name in names) == pytest.approx(1)
        assert p[side.spot.y, side.spot.x] == p.max() == side.spot.value
        k = round(side.half_area * p.size)
        falling = np.sort(p.ravel())[::-1]
        assert falling[:k].sum() >= p.sum() / 2 * (1 - 1e-12) and falling[: k - 1].sum() < p.sum() / 2 * (1 + 1e-12)
        assert side.region == EVERYWHERE or side.share == shares[side.region]
    counted = m if signed else np.maximum(m, 0)
    assert found.flat == (counted.max() - counted.min() <= CONSTANT * np.abs(counted).max())


@given(maps)
def test_turning_the_sign_swaps_the_sides(m):
    one, other = evidence_of(m, signed=True), evidence_of(-m, signed=True)
    assert one.support == other.against and one.against == other.support and one.flat == other.flat


@given(maps, st.sampled_from([2.0, 0.5, 1024.0]))
def test_a_common_factor_changes_totals_but_no_share(m, factor):
    one, other = evidence_of(m, signed=True), evidence_of(m * np.float32(factor), signed=True)
    assert one.support.cells == other.support.cells and one.support.region == other.support.region
    assert one.support.half_area == other.support.half_area
    assert other.support.total == pytest.approx(one.support.total * factor)


def test_the_widest_gap_is_the_region_whose_shares_differ_most_for_its_size():
    from seethrough.attribution.evidence import widest_gap

    one, other, even = np.zeros((6, 6)), np.zeros((6, 6)), np.ones((6, 6))
    one[:2, 4:] = 1
    one[3:, :3] = 0.1
    other[3:, :3] = 1
    a, b = (evidence_of(m, signed=False).support for m in (one, other))
    region, here, there = widest_gap(a, b)
    assert (region, here, there) == (
        "upper_right",
        pytest.approx(4 / 4.9),
        0,
    )  # a ninth, so more telling than a quarter
    assert widest_gap(b, a) == (region, there, here)
    assert widest_gap(a, a)[0] == EVERYWHERE
    assert widest_gap(a, evidence_of(np.zeros((6, 6)), signed=False).support)[0] == EVERYWHERE
    spread = evidence_of(even, signed=False).support
    ninth = np.zeros((6, 6))
    ninth[2:4, 2:4] = 1
    assert widest_gap(evidence_of(ninth, signed=False).support, spread) == ("centre", 1.0, pytest.approx(1 / 9))


@given(maps, st.booleans())
def test_whether_a_map_is_flat_is_had_without_the_rest(m, signed):
    from seethrough.attribution.evidence import is_flat

    seen = np.ones(m.shape, bool)
    seen[0, 0] = m.size == 1
    broken = m.copy()
    broken[-1, -1] = np.nan
    for values in (m, broken):
        assert is_flat(values, signed=signed, seen=seen) == evidence_of(values, signed=signed, seen=seen).flat
