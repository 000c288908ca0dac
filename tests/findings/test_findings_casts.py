"""Light and focus that lie over the thing as well; and what looks like them."""

import numpy as np
import pytest
import torch
import torch.nn as nn

from planted_scenes import SIDE, as_pictures, canvas_of, facts_and_canvas
from seethrough.findings.aspect import Candidate
from seethrough.findings.aspects import Background, Detail, Look, aspect_of
from seethrough.findings.canvas import Pictures
from seethrough.findings.facts import Facts
from seethrough.findings.finders import FINDERS, candidates
from seethrough.findings.finders.casts import CASTS, follows, widened
from seethrough.findings.judge import PROVEN, judged
from seethrough.findings.looks import LOOKS, THING, band, luma, measured, measured_on, smoothed
from seethrough.findings.naming import PutBack
from seethrough.show.audit_names import aspect_name

COUNT, CAST = 200, 0.12
MIDDLE = (slice(18, 30), slice(18, 30))


class Bright(nn.Module):
    """Its answer is 1 where the picture is bright, all of it or the thing alone; through a layer with places."""

    def __init__(self, level: float, thing: bool = False, strength: float = 60.0) -> None:
        super().__init__()
        self.grey, self.act = nn.Conv2d(3, 1, 1, bias=False), nn.ReLU()
        self.grey.weight.data.fill_(1 / 3)
        self.read = nn.Linear(SIDE * SIDE, 2)
        weight = torch.zeros(2, SIDE, SIDE)
        weight[1][MIDDLE if thing else (slice(None), slice(None))] = 1
        self.read.weight.data = strength * weight.flatten(1) / weight.sum()
        self.read.bias.data = torch.tensor([0.0, -strength * level])

    def forward(self, x):
        return self.read(self.act(self.grey(x)).flatten(1))


def pictures(cast: bool, seed: int = 0, given: int | None = None):
    """Of class 0 and 1 in turn, with a thing in the middle. Either a cast makes all of a picture of class 1 brighter, 9 times in 10;
    or its surroundings are so much brighter and, whether they are or not, its thing is by a third of that. ``given``: all of them with the light of one class.
    """
    chance = np.random.default_rng(seed)
    label = np.arange(COUNT) % 2
    there = np.where(chance.random(COUNT) < 0.9, label, 1 - label)[:, None, None, None]
    there = there if given is None else np.full_like(there, given)
    x = chance.uniform(0.35, 0.4, (COUNT, 1, 1, 1)) + chance.normal(0, 0.03, (COUNT, SIDE, SIDE, 1)) + np.zeros(3)
    on = np.zeros((COUNT, SIDE, SIDE), bool)
    on[(slice(None), *MIDDLE)] = True
    own = chance.uniform(0.49, 0.52, (COUNT, 1, 1, 1)) + chance.normal(0, 0.03, (COUNT, SIDE, SIDE, 1))
    light = CAST * there
    if not cast:
        own = own + CAST / 3 * label[:, None, None, None]
    x = np.where(on[..., None], own + (light if cast else 0), x + light)
    return (x.clip(0, 1) * 255).astype(np.uint8), on, label, there[:, 0, 0, 0]


def looked(network, cast):
    x, on, label, _ = pictures(cast)
    return (*facts_and_canvas(network, x, on, label), label)


def found_in(facts, canvas):
    found = candidates(facts, canvas, [FINDERS["properties"]], seeds=3)
    return {c.key: c for c in found}["look", "brightness", 1]


def test_a_cast_that_is_read_is_exchanged_everywhere_and_proven():
    facts, canvas, label = looked(Bright(0.445), cast=True)
    candidate = found_in(facts, canvas)
    assert candidate.aspect == Look("brightness", whole=True) and candidate.ways == ("properties", CASTS)
    finding = judged(canvas, [candidate], facts.split.of("judge"), label, np.arange(COUNT))[0]
    dark, light = (canvas.ask(as_pictures(*pictures(True, given=k)[:2]).x)[:, 1].mean() for k in (0, 1))
    there, trials = pictures(True)[3], finding.trials
    lighter = (there[trials.donors] - there[trials.control_donors]) * np.where(trials.put_in, 1, -1)
    assert finding.verdict == PROVEN and finding.effect.value > 40
    assert finding.effect.value == pytest.approx(100 * float(light - dark) * lighter.mean(), abs=8)


def test_of_a_network_that_reads_the_thing_alone_nothing_follows():
    """Its surroundings are brighter with the class, and so is its thing, by itself."""
    facts, canvas, label = looked(Bright(0.525, thing=True), cast=False)
    candidate = found_in(facts, canvas)
    assert candidate.aspect == Look("brightness") and not follows(candidate, facts)
    finding = judged(canvas, [candidate], facts.split.of("judge"), label, np.arange(COUNT))[0]
    assert finding.verdict != PROVEN and abs(finding.effect.value) < 1e-3


def test_even_under_a_cast_a_network_that_reads_the_thing_alone_goes_by_no_cast():
    """Nothing beside the thing counts, so nobody can say that it isn't the thing's own colour that does."""
    facts, canvas, _ = looked(Bright(0.565, thing=True), cast=True)
    candidate = found_in(facts, canvas)
    assert follows(candidate, facts) and candidate.aspect == Look("brightness")


def test_brighter_surroundings_that_are_read_stay_beside_the_thing():
    """A thing that is a little brighter of its own is no cast."""
    facts, canvas, _ = looked(Bright(0.445), cast=False)
    assert found_in(facts, canvas).aspect == Look("brightness")


@pytest.mark.parametrize("aspect", [Look("hue", whole=True), Detail("sharpness", whole=True)])
def test_what_lies_over_everything_is_written_down_so_and_called_so(aspect):
    x, on, *_ = pictures(True)
    canvas = canvas_of(Bright(0.445), x[:2], on[:2])
    assert aspect_of(aspect.to_dict(), canvas) == aspect and aspect.to_dict()["whole"] is True
    other = type(aspect)(aspect.name)
    assert "whole" not in other.to_dict() and aspect_of(other.to_dict(), canvas) == other
    if aspect.name == "hue":
        assert aspect_name(aspect, True).en == "the colour of the whole picture"
        assert aspect_name(aspect, True).zh == "整张图片的色调" != aspect_name(other, True).zh


def some(seed=0):
    x, on, *_ = pictures(True, seed)
    return as_pictures(x[:6], on[:6])


def fore(of):
    assert of.fore is not None
    return of.fore


def test_under_other_light_the_thing_is_as_many_times_as_bright_as_what_lies_beside_it():
    own, donors = some(), some(1)
    changed = Look("brightness", whole=True).exchange(own, donors)
    times = measured(donors.x, donors.fore)["brightness"] / measured(own.x, own.fore)["brightness"]
    for measure in (measured, measured_on):
        moved = measure(changed, fore(own))["brightness"] / measure(own.x, fore(own))["brightness"]
        assert torch.allclose(moved, times, rtol=5e-3)


def test_a_donor_out_of_focus_takes_the_thing_out_of_focus_and_puts_nothing_of_its_own_on_it():
    own, sharp = some(), some(1)
    donors = Pictures(smoothed(sharp.x, 1.5), sharp.fore, sharp.numbers)
    changed = Detail("sharpness", whole=True).exchange(own, donors)
    assert (measured(changed, own.fore)["fine detail"] < measured(own.x, own.fore)["fine detail"] - 0.3).all()
    assert (measured_on(changed, fore(own))["fine detail"] < measured_on(own.x, fore(own))["fine detail"] - 0.3).all()
    inside, its_own, the_donors = (band(luma(x), 0)[:, 0, 20:28, 20:28].flatten(1) for x in (changed, own.x, sharp.x))
    for k in range(len(own)):
        assert torch.corrcoef(torch.stack([inside[k], its_own[k]]))[0, 1] > 0.8
        assert torch.corrcoef(torch.stack([inside[k], the_donors[k]]))[0, 1] < 0.5


def test_behind_an_exchanged_background_only_what_lies_beside_is_put_back():
    own, donors = some(), some(1)
    back = PutBack(Background(), Look("brightness", whole=True)).exchange(own, donors)
    on = fore(own).expand_as(back) > 0
    assert torch.equal(back[on], own.x[on]) and not torch.equal(back[~on], own.x[~on])
    again = PutBack(Look("brightness", whole=True), Look("brightness", whole=True)).exchange(own, donors)
    assert torch.allclose(again, own.x, atol=2e-3)


def test_on_the_thing_is_measured_what_is_on_it_and_nothing_of_a_speck():
    x = torch.full((2, 3, SIDE, SIDE), 0.25)
    on = torch.zeros(2, 1, SIDE, SIDE)
    on[0, :, 18:30, 18:30], on[1, :, 18, : THING - 1] = 1, 1
    x[0, :, 18:30, 18:30] = 0.75
    found = measured_on(x, on)
    assert set(found) == set(LOOKS) and torch.isnan(found["brightness"]).tolist() == [False, True]
    assert found["brightness"][0] == pytest.approx(0.75, abs=1e-6)


def test_where_things_were_estimated_or_nobody_knows_nothing_follows():
    facts, canvas, _ = looked(Bright(0.445), cast=True)
    candidate = Candidate(Look("brightness"), 1, (0,), ("properties",), 0.9, 1.0, {})
    assert widened([candidate], facts, canvas)[0].aspect == Look("brightness", whole=True)
    unknown = Facts(**{**vars(facts), "looks_on": None})
    assert widened([candidate], unknown, canvas) == [candidate]
