"""Pictures that vary while they are learned from: only what the network takes for the same, only the thing, only so far."""

import numpy as np
import pytest
import torch
from planted_ward import COUNT, SIDE, THING, Cells, drawn, planted, ward_of

import seethrough as st
from seethrough.findings.canvas import Pictures
from seethrough.remedies.pool import NOBODY, learning, made
from seethrough.remedies.rungs.tail import tail_of
from seethrough.remedies.rungs.varied import EDGE, LIGHT, Varied, in_light, light, narrowed, same_lit, varied


@pytest.fixture(scope="module")
def ward():
    return planted("colours", masks=True)[0]


def a_thing(side=64):
    fore = torch.zeros(3, 1, side, side)
    fore[:, :, 16:48, 16:48] = 1
    return Pictures(torch.full((3, 3, side, side), 0.5), fore, np.arange(3))


def test_light_falls_on_the_thing_alone_and_goes_no_further_than_it_may():
    by = light(400, 4, 1, np.random.default_rng(0))
    assert by.shape == (400, 3, 1, 1) and LIGHT < float(by.abs().max()) <= 2 * LIGHT and abs(float(by.mean())) < 0.02
    pictures = a_thing()
    assert pictures.fore is not None
    found = in_light(pictures.x, pictures.fore, by[:3], 0.0, 1.0)
    assert torch.allclose(found[:, :, 20, 20], 0.5 * (1 + by[:3, :, 0, 0])) and bool((found[:, :, :16] == 0.5).all())


def test_nothing_is_darker_than_black_or_brighter_than_white_whichever_is_the_larger_number():
    x, by = torch.tensor([0.9, 0.1, -0.9]).reshape(3, 1, 1, 1), torch.full((3, 1, 1, 1), 0.25)
    plain = in_light(x, 1.0, by, -1.0, 1.0).flatten()
    inverted = in_light(-x, 1.0, by, 1.0, -1.0).flatten()
    assert torch.allclose(plain, torch.tensor([1.0, 0.375, -0.875])) and torch.allclose(inverted, -plain)


def test_a_narrowed_thing_lacks_a_strip_of_one_of_a_few_widths():
    chance, widths = np.random.default_rng(1), set()
    for _ in range(12):
        found = narrowed(a_thing(), chance)
        assert found.fore is not None
        sides = found.fore.sum((1, 2, 3)).sqrt()
        widths |= {int(w) for w in (32 - sides) / 2}
        assert torch.equal(found.fore[:, :, 31, 31], torch.ones(3, 1))
    assert widths == set(range(round(EDGE * 64) + 1))


def test_where_nobody_knows_of_a_thing_nothing_is_narrowed():
    pictures = Pictures(torch.zeros(2, 3, 8, 8), None, np.arange(2))
    assert narrowed(pictures, np.random.default_rng(0)) is pictures


def test_what_is_held_anew_is_what_is_exchanged_and_pictures_as_they_are_stay(ward):
    pool = learning(ward)
    rows = np.r_[np.flatnonzero(~pool.exchanged)[:4], np.flatnonzero(pool.exchanged)[:4]]
    numbers, donors = pool.numbers[rows], pool.donors[rows]

    def everything(own):  # then nothing of a region beside the thing can be given away
        return Pictures(own.x, torch.ones_like(own.fore), own.numbers)

    own = ward.canvas.load(numbers).x
    assert torch.equal(made(ward, numbers, donors, everything), own)
    plain = made(ward, numbers, donors)
    assert torch.equal(plain[:4], own[:4]) and not torch.equal(plain[4:], own[4:])
    assert (donors[:4] == NOBODY).all()


def test_rows_vary_in_the_order_of_axes_of_the_network(ward):
    pool, tail = learning(ward), tail_of(ward, 10**6)
    assert tail is not None
    how = varied(ward, tail, pool)
    assert how.things is not None and how.things.shape[1:] == (1, SIDE, SIDE) and (how.colours, how.across) == (1, 3)
    rows = np.array([0, len(pool) - 1, 3])
    values = tail.values(made(ward, pool.numbers[rows], pool.donors[rows]))
    lit = Varied(**{**vars(how), "mirrored": False, "lit": True, "moved": 0})
    found = lit(rows, values, np.random.default_rng(3))
    moved = (found - values).abs().amax(1)
    beside = torch.ones(SIDE, SIDE, dtype=torch.bool)
    beside[THING] = False
    assert bool((moved[:, beside] == 0).all()) and float(moved.max()) > 0.01
    turned = Varied(
        how.black.permute(0, 2, 3, 1), how.white.permute(0, 2, 3, 1), how.things.permute(0, 2, 3, 1), how.thing, 3, 2, False,
        True, 0,
    )  # fmt: skip
    again = turned(rows, values.permute(0, 2, 3, 1), np.random.default_rng(3))
    assert torch.allclose(again.permute(0, 3, 1, 2), found)


def test_things_are_lit_only_where_their_light_is_not_what_the_network_knows(ward):
    pictures, label, _ = drawn(COUNT, 0.85, False)
    by_light = st.open(Cells(thing=60.0, mark=0.0).eval(), input_size=(3, SIDE, SIDE), preprocessing="unit")
    x = np.where(pictures > 0, 127 + (pictures.astype(int) - 127) // 12, 0).clip(0, 255).astype(np.uint8)
    assert not same_lit(ward_of(by_light, x, label, masks=True))
    by_mark = st.open(Cells(thing=0.0, mark=14.0).eval(), input_size=(3, SIDE, SIDE), preprocessing="unit")
    assert same_lit(ward_of(by_mark, pictures, label, masks=True))
