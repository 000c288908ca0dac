"""Waves are exchanged where they run, found where they differ, and nothing else is."""

import numpy as np
import pytest
import torch

from planted_scenes import Finds, Waves, as_pictures, facts_and_canvas, opened, scenes
from seethrough.findings.aspects import Spectrum, aspect_of
from seethrough.findings.audit import audit
from seethrough.findings.finders import FINDERS
from seethrough.findings.finders.spectra import planes_of, strengths
from seethrough.findings.judge import PROVEN

WAVES = (0.125, 0.25)
STRIPES = Spectrum(((*WAVES, 0.04),))


@pytest.fixture(scope="module")
def pictures():
    return scenes(200, waves=WAVES)


def power(x, frequency):
    """Of waves of a frequency in grey pictures (n, H, W), (n,)."""
    y, across = np.mgrid[: x.shape[1], : x.shape[2]]
    wave = np.exp(2j * np.pi * (frequency[0] * y + frequency[1] * across))
    return abs(((x - x.mean((1, 2), keepdims=True)) * wave).mean((1, 2)))


def test_waves_are_taken_over_and_taken_away(pictures):
    x, on, _, _ = pictures
    strong = power(x.mean(3) / 255, WAVES)
    has, none = np.argsort(-strong)[:20], np.argsort(strong)[:20]
    full, empty = as_pictures(x[has], on[has]), as_pictures(x[none], on[none])
    put, taken = STRIPES.exchange(empty, full), STRIPES.exchange(full, empty)
    assert power(put.mean(1).numpy(), WAVES).mean() > 0.8 * strong[has].mean()
    assert power(taken.mean(1).numpy(), WAVES).mean() < 0.3 * strong[has].mean()
    for own, changed in ((empty, put), (full, taken)):
        where = (own.fore > 0).expand_as(changed)
        assert torch.equal(changed[where], own.x[where])
    assert abs(put.mean((2, 3)) - empty.x.mean((2, 3))).max() < 0.01
    assert STRIPES.amount(full).min() > STRIPES.amount(empty).max() + 0.3


def test_waves_go_on_behind_the_thing(pictures):
    x, on, _, _ = pictures
    own = as_pictures(x[:6], on[:6])
    y, across = torch.meshgrid(torch.arange(48.0), torch.arange(48.0), indexing="ij")
    wave = 0.08 * torch.sin(2 * np.pi * (WAVES[0] * y + WAVES[1] * across))
    own = type(own)((0.45 + wave).expand(6, 3, 48, 48).clone(), own.fore, own.numbers)
    own.x[own.fore.expand_as(own.x) > 0] = 0.2
    found = STRIPES.waves(own)
    where = own.fore[:, 0] > 0
    left = (found.mean(1) - wave)[where].norm() / wave.expand(6, 48, 48)[where].norm()
    assert left < 0.5  # of a twelfth of the picture, behind which nobody can look


def test_a_mirrored_frequency_is_the_same():
    on = STRIPES.inside((48, 48))
    other = Spectrum(((-WAVES[0], -WAVES[1], 0.04),)).inside((48, 48))
    assert torch.equal(on, other) and on[6, 12] == 1 and on[0, 0] == 0 and 0 < on.mean() < 0.02
    assert Spectrum(((0.5, 0.0, 0.03),)).inside((48, 48))[24, 0] == 1


def test_its_own_waves_change_nothing(pictures):
    x, on, _, _ = pictures
    own = as_pictures(x[:4], on[:4])
    assert torch.allclose(STRIPES.exchange(own, own), own.x, atol=1e-6)
    assert aspect_of(STRIPES.to_dict(), None) == STRIPES


def test_strengths_are_highest_where_the_waves_are():
    y, across = np.mgrid[:48, :48]
    grey = 0.5 + 0.1 * np.sin(2 * np.pi * (0.25 * y + 0.125 * across))
    found = strengths((grey + np.random.default_rng(0).normal(0, 0.02, grey.shape))[None].astype(np.float32))[0]
    down, right = np.unravel_index(found.argmax(), found.shape)
    assert abs(abs(down - 24) / 48 - 0.25) < 0.03 and abs(right / 48 - 0.125) < 0.03
    assert np.median(found) == pytest.approx(0, abs=0.1)


def test_the_waves_of_a_class_are_found(pictures):
    x, on, label, _ = pictures
    facts, canvas = facts_and_canvas(Waves(*WAVES), x, on, label)
    found = FINDERS["spectrum"].find(facts, canvas, facts.split.of("find"), np.random.default_rng(0))
    (candidate,) = found
    (y, across, _), *rest = candidate.aspect.discs
    assert min(abs(y - WAVES[0]), abs(y + WAVES[0])) < 0.03 and abs(across - WAVES[1]) < 0.03 and len(rest) < 3
    assert candidate.strength > 0.85 and candidate.numbers["spectrum"]["more"]
    assert planes_of(facts, canvas) is planes_of(facts, canvas)


def test_where_no_waves_come_with_the_classes_none_are_found():
    x, on, label, _ = scenes(160, agree=0.5, waves=WAVES)
    facts, canvas = facts_and_canvas(Finds(1), x, on, label)
    found = [
        FINDERS["spectrum"].find(facts, canvas, facts.split.of("find"), np.random.default_rng(k)) for k in range(5)
    ]
    assert sum(bool(each) for each in found) <= 2  # of five draws


def test_waves_that_a_network_reads_are_proven_and_others_are_not(pictures):
    x, on, label, _ = pictures
    truth = [["grey", "blue"][k] for k in label]
    found = audit(opened(Waves(*WAVES)), list(x), truth=truth, masks=list(on), finders=["spectrum"])
    proven = {f.candidate.key for f in found.proven}
    assert ("spectrum", "", 1) in proven
    reads_the_thing = audit(opened(Finds(1)), list(x), truth=truth, masks=list(on), finders=["spectrum"])
    assert not reads_the_thing.proven
    assert any(f.candidate.aspect.kind == "spectrum" for f in reads_the_thing.findings)
    assert all(f.verdict != PROVEN for f in reads_the_thing.findings)
