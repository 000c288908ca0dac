"""An exchanged aspect is the donor's, and the thing stays to the pixel."""

import numpy as np
import pytest
import torch
from torch.nn.functional import max_pool2d

from seethrough.attribution.inpaint import inpainted
from seethrough.errors import UsageError
from seethrough.findings.aspects import Background, Detail, Look, Region, aspect_of
from seethrough.findings.aspects.background import ON, emptied
from seethrough.findings.aspects.detail import LEVELS
from seethrough.findings.aspects.look import LOOKS_EXCHANGED
from seethrough.findings.canvas import Made, Pictures
from seethrough.findings.finders.margins import corners
from seethrough.findings.looks import LOOKS, band, chroma, coloured, luma, measured, ramps, smoothed, weights

SIDE = 48


def some(count=3, seed=0, low=0.3, high=0.6, fore=True):
    """Soft pictures with a bright thing somewhere; no change takes them to black or white."""
    g = torch.Generator().manual_seed(seed)
    x = smoothed(torch.rand(count, 3, SIDE, SIDE, generator=g), 1.5)
    x = low + (high - low) * (x - x.amin()) / (x.amax() - x.amin())
    on = torch.zeros(count, 1, SIDE, SIDE)
    for k in range(count):
        at = 6 + 5 * k + 3 * seed
        on[k, :, at : at + 14, at : at + 12] = 1
    x = torch.where(on > 0, torch.tensor([0.7, 0.2, 0.1])[:, None, None], x)
    return Pictures(x, on if fore else None, np.arange(count))


ASPECTS = [
    Background(),
    Region("top left", (0.0, 0.25, 0.0, 0.25)),
    Region("border", (0.9, 0.1, 0.9, 0.1)),
    corners(0.2),
    *(Look(name) for name in LOOKS_EXCHANGED),
    *(Detail(name) for name in LEVELS),
]


@pytest.mark.parametrize("aspect", ASPECTS, ids=lambda a: f"{a.kind} {a.name}")
def test_the_thing_stays_to_the_pixel(aspect):
    own, donors = some(seed=0), some(seed=1)
    before = own.x.clone(), donors.x.clone()
    changed = aspect.exchange(own, donors)
    assert changed.shape == own.x.shape and changed.min() >= 0 and changed.max() <= 1
    assert torch.equal(changed[own.fore.expand_as(changed) > 0], own.x[own.fore.expand_as(changed) > 0])
    assert not torch.equal(changed, own.x)
    assert torch.equal(own.x, before[0]) and torch.equal(donors.x, before[1])


@pytest.mark.parametrize("aspect", ASPECTS, ids=lambda a: f"{a.kind} {a.name}")
def test_its_own_aspect_changes_nothing(aspect):
    if aspect.kind == "background":
        return  # what is behind the thing isn't known
    own = some()
    assert torch.allclose(aspect.exchange(own, own), own.x, atol=1e-5)


@pytest.mark.parametrize("aspect", ASPECTS, ids=lambda a: f"{a.kind} {a.name}")
def test_an_aspect_that_was_written_down_is_the_same(aspect):
    assert aspect_of(aspect.to_dict(), None) == aspect


@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation", "light from above", "light from the side", "vignette"])  # fmt: skip
@pytest.mark.parametrize("known", [True, False])
def test_a_look_is_the_donors(name, known):
    """Beside the thing, where it is known where that is; as measured there."""
    own, donors = some(seed=0, low=0.42, high=0.5, fore=known), some(seed=1, low=0.4, high=0.55, fore=known)
    changed = Look(name).exchange(own, donors)
    found, wanted = (measured(p, f)[name] for p, f in ((changed, own.fore), (donors.x, donors.fore)))
    assert torch.allclose(found, wanted, atol=2e-3 if known else 2e-2)


@pytest.mark.parametrize("name", ["light from above", "light from the side"])
def test_light_that_falls_from_a_side_is_the_donors_to_the_pixel(name):
    along = ramps(torch.zeros(1, 3, SIDE, SIDE))["down" if name == "light from above" else "across"]
    colour = torch.tensor([0.5, 0.4, 0.2])[:, None, None]
    own, donor = (
        Pictures((tone * (1 + slope * along)), None, np.arange(1)) for tone, slope in ((colour, 0.2), (0.5, -0.4))
    )
    donor = Pictures(donor.x.expand(1, 3, -1, -1), None, donor.numbers)
    assert torch.allclose(Look(name).exchange(own, donor), colour * (1 - 0.4 * along), atol=1e-5)


def test_dark_corners_are_taken_away_and_black_stays_black():
    """As bright as the middle is then everything; and light makes nothing of what has none."""
    outwards = ramps(torch.zeros(1, 3, SIDE, SIDE))["outwards"]
    outwards = outwards - outwards.min()
    own = Pictures((0.6 * (1 - 0.3 * outwards)).repeat(1, 3, 1, 1), None, np.arange(1))
    flat = Pictures(torch.full((1, 3, SIDE, SIDE), 0.3), None, np.arange(1))
    assert torch.allclose(Look("vignette").exchange(own, flat), torch.tensor(0.6), atol=2e-3)
    own.x[:, :, 2, 2] = 0
    assert (Look("vignette").exchange(own, flat)[:, :, 2, 2] == 0).all()


@pytest.mark.parametrize("times", [0.6, 1.5])
def test_under_less_or_more_light_a_picture_is_what_it_was_seen_as_under_that_light(times):
    """Dusk, a shorter exposure: the picture itself so many times as bright is what comes out, black stays black."""
    own = some(fore=False)
    own.x[:, :, 2, 2] = 0
    donors = Pictures(own.x * times, None, own.numbers)
    changed = Look("brightness", whole=True).exchange(own, donors)
    assert torch.allclose(changed, (times * own.x).clamp(max=1), atol=1e-5) and (changed[:, :, 2, 2] == 0).all()


def test_what_is_all_but_black_is_raised_four_times_at_most():
    dark, light = (Pictures(torch.full((1, 3, 8, 8), level), None, np.arange(1)) for level in (0.01, 0.8))
    assert torch.allclose(Look("brightness").exchange(dark, light), torch.tensor(0.04), atol=1e-6)


def test_corners_are_exchanged_and_nothing_between_them():
    own, donors = some(fore=False), some(seed=1, fore=False)
    changed = corners(0.25).exchange(own, donors)
    taken = torch.zeros(SIDE, SIDE, dtype=torch.bool)
    for rows in (slice(0, 12), slice(36, 48)):
        for columns in (slice(0, 12), slice(36, 48)):
            taken[rows, columns] = True
    assert torch.equal(changed[..., taken], donors.x[..., taken]) and torch.equal(
        changed[..., ~taken], own.x[..., ~taken]
    )


def test_bars_above_and_below_leave_the_sides():
    bars = Region("border", (0.75, 0.25, 1.0, 0.0)).inside(torch.zeros(1, 1, 16, 16))[0, 0]
    assert bars[:4].all() and bars[12:].all() and not bars[4:12].any()


def test_a_hue_is_the_donors_and_brightness_stays():
    own, donors = some(seed=0, low=0.4, high=0.5), some(seed=1, low=0.4, high=0.5)
    donors.x[:, 0] += 0.15 * (1 - donors.fore[:, 0])
    changed = Look("hue").exchange(own, donors)
    before, after, wanted = (measured(p, q.fore) for p, q in ((own.x, own), (changed, own), (donors.x, donors)))
    for name in ("redness", "blueness"):
        assert torch.allclose(after[name], wanted[name], atol=1e-3)
    assert torch.allclose(after["brightness"], before["brightness"], atol=1e-3)


def test_under_light_of_another_colour_black_stays_black_and_what_is_dark_moves_less():
    own = some(fore=False)
    own.x[:, :, 2, 2], own.x[:, :, 3, 3] = 0, 0.16
    donors = Pictures(own.x * torch.tensor([1.2, 1.0, 0.8])[:, None, None], None, own.numbers)
    by = Look("hue", whole=True).exchange(own, donors) - own.x
    assert (by[:, :, 2, 2] == 0).all() and (by[:, 0] >= 0).all() and (by[:, 2] <= 0).all()
    assert torch.allclose(
        by[:, :, 3, 3] / own.x[:, :, 3, 3].sqrt(), by[:, :, 9, 9] / own.x[:, :, 9, 9].sqrt(), rtol=1e-4
    )


def test_colours_come_apart_and_together():
    x = some().x
    assert torch.allclose(coloured(luma(x), chroma(x)), x, atol=1e-6)


def test_a_blurred_donor_blurs():
    own, donors = some(fore=False), some(seed=1, fore=False)
    donors = Pictures(smoothed(donors.x, 4.0), None, donors.numbers)
    changed = Detail("sharpness").exchange(own, donors)
    before, after = measured(own.x), measured(changed)
    assert (after["fine detail"] < before["fine detail"] - 0.3).all()
    assert torch.allclose(after["brightness"], before["brightness"], atol=1e-3)


def test_bands_add_up_to_the_picture():
    x = some().x
    assert torch.allclose(sum(band(x, k) for k in range(3)) + smoothed(x, 0.7 * 4), x, atol=1e-5)


def test_of_the_donors_thing_nothing_is_left():
    """The red thing isn't in what is put behind another."""
    donors = some(seed=1)
    gone = emptied(donors)
    assert (chroma(gone)[:, 0].amax() < 0.2) and (chroma(donors.x)[:, 0].amax() > 0.3)
    changed = Background().exchange(some(seed=0), donors)
    off = some(seed=0).fore < 0.5
    assert torch.allclose(changed[off.expand_as(changed)], gone[off.expand_as(gone)])


def test_what_is_behind_a_thing_is_solved_around_it_as_in_the_whole_picture():
    donors = some(seed=1)
    on = max_pool2d((donors.fore > ON).float(), 5, 1, 2) > 0  # a 32nd of the side, rounded
    whole = inpainted(donors.x, ~on)
    off = (emptied(donors) - whole).abs()
    assert off.max() < 0.02 and torch.equal(emptied(donors)[~on.expand_as(whole)], donors.x[~on.expand_as(whole)])


def test_what_is_behind_a_thing_is_made_once(monkeypatch):
    donors, plain = some(seed=1), emptied(some(seed=1))
    object.__setattr__(donors, "made", Made())
    first = emptied(donors)
    assert (first - plain).abs().max() <= 0.5 / 255 + 1e-6
    monkeypatch.setattr("seethrough.findings.aspects.background.inpainted", None)
    assert torch.equal(emptied(donors), first)


def test_no_more_is_kept_than_there_is_room_for():
    pictures, made, asked = some(seed=1), Made(room=2 * 3 * SIDE * SIDE), []

    def make(of):
        asked.extend(of.numbers.tolist())
        return of.x

    for rows in ([0, 1, 2], [0, 0], [2]):
        found = made.of("as they are", pictures[rows], make)
        assert (found - pictures.x[rows]).abs().max() <= 0.5 / 255 + 1e-6
    assert asked == [0, 1, 2, 0]  # the first had to go


def test_a_background_needs_to_know_where_the_thing_is():
    with pytest.raises(UsageError, match="masks or boxes"):
        Background().exchange(some(fore=False), some())


def test_a_region_takes_no_thing_along():
    own, donors = some(seed=0), some(seed=1)
    where = Region("all", (0.0, 1.0, 0.0, 1.0)).exchange(own, donors)
    assert torch.equal(where[donors.fore.expand_as(where) > 0], own.x[donors.fore.expand_as(where) > 0])


def test_a_thing_that_fills_the_picture_is_measured_with_it():
    x = some().x
    full = torch.ones_like(x[:, :1])
    assert torch.allclose(weights(x, full), weights(x, None))
    assert set(measured(x, full)) == set(LOOKS)
