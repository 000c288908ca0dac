"""Ways in which what is wrong is laid over pictures to learn from: what each leaves, and that the thing follows."""

from dataclasses import replace

import numpy as np
import planted_ward
import pytest
import torch
from planted_ward import FAULT, planted, ward_of

from seethrough.findings.aspect import Candidate
from seethrough.findings.aspects import Background
from seethrough.findings.aspects.detail import Detail, strength
from seethrough.findings.aspects.layout import Layout, spans
from seethrough.findings.aspects.look import Look
from seethrough.findings.aspects.spectrum import Spectrum
from seethrough.findings.aspects.touching import Touching
from seethrough.findings.canvas import Pictures
from seethrough.findings.inside import Inside
from seethrough.findings.looks import chroma
from seethrough.findings.record import Record
from seethrough.remedies.admitted import _grounds
from seethrough.remedies.pool import _on_things, choosing, drawn, learning, made
from seethrough.remedies.rungs.training import another_version
from seethrough.remedies.rungs.varied import same_moved, shifted
from seethrough.remedies.ways import AS_JUDGED, is_cast, laid

SIDE = 64
ON = (slice(24, 40), slice(24, 40))
WAVES = Spectrum(((0.25, 0.25, 0.03), (0.25, -0.25, 0.03)))


def pictures_of(x, number=3):
    fore = torch.zeros(len(x), 1, SIDE, SIDE)
    fore[(..., *ON)] = 1
    return Pictures(x, fore, np.arange(number, number + len(x)))


def flat(*colour):
    return torch.tensor(colour)[None, :, None, None].expand(1, 3, SIDE, SIDE).clone()


def waves(down, across):
    at = torch.arange(SIDE, dtype=torch.float32)
    return 0.1 * torch.sin(2 * torch.pi * (down * at[:, None] + across * at[None]) + 0.4).expand(1, 3, SIDE, SIDE)


def noise(strong, seed):
    return 0.5 + strong * torch.randn(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("way", [2, 3])
def test_waves_of_the_donor_lie_over_the_thing_too_and_its_own_are_gone(way):
    own = pictures_of(flat(0.5, 0.4, 0.5) + waves(0.25, 0.25))
    donor = pictures_of(flat(0.3, 0.3, 0.6) + waves(0.25, -0.25))
    found = laid(WAVES, own, donor, np.array([way]))
    assert float((found - flat(0.5, 0.4, 0.5) - waves(0.25, -0.25)).abs().max()) < 0.02
    judged = laid(WAVES, own, donor, np.array([AS_JUDGED]))
    assert torch.equal(judged[(..., *ON)], own.x[(..., *ON)])


def test_a_hue_is_laid_on_by_several_ways_that_agree_on_a_flat_picture_and_differ_in_the_dark():
    own, donor = flat(0.5, 0.5, 0.5), flat(0.6, 0.5, 0.3)
    own[(..., *ON)] = 0.0
    found = [laid(Look("hue", whole=True), pictures_of(own), pictures_of(donor), np.array([way])) for way in (3, 4, 5)]
    beside = [chroma(each)[..., 0, 0] for each in found]
    assert all(torch.allclose(each, chroma(donor)[..., 0, 0], atol=1e-4) for each in beside)
    dark = [float(each[..., 30, 30].max()) for each in found]
    assert dark[0] > 0.05 and dark[1] == dark[2] == 0.0


def test_a_things_detail_becomes_as_strong_as_the_donors_or_stays_where_that_was_not_judged():
    weak, strong = pictures_of(noise(0.02, 1)), pictures_of(noise(0.06, 2))
    assert weak.fore is not None
    on = Pictures(weak.x, 1 - weak.fore, weak.numbers)  # strength is measured off what is the thing
    kept = 0
    for own, donor, by in ((weak, strong, 3.0), (strong, weak, 1 / 3)):
        before = strength(Pictures(own.x, on.fore, own.numbers), 0)
        for way in range(9, 18):
            for aspect in (Detail("fine detail"), Detail("fine detail", whole=True)):
                found = laid(aspect, own, donor, np.array([way]))
                if torch.equal(found[(..., *ON)], own.x[(..., *ON)]):
                    kept += 1
                    assert not aspect.whole
                    continue
                after = strength(Pictures(found, on.fore, own.numbers), 0)
                # the next level reaches into this one: a third is left of what is this level's alone
                assert by * 0.75 < float(after / before) < max(by * 1.25, 0.55), way
    assert kept == 6  # three of nine ways, in both directions


def test_grain_that_is_laid_on_is_not_the_things_own_made_stronger():
    weak, strong = pictures_of(noise(0.02, 1)), pictures_of(noise(0.06, 2))
    aspect = Detail("fine detail", whole=True)
    own = (weak.x - 0.5)[(0, 0, *ON)].flatten()

    def alike(way):
        there = (laid(aspect, weak, strong, np.array([way])) - 0.5)[(0, 0, *ON)].flatten()
        return float(torch.corrcoef(torch.stack([own, there]))[0, 1])

    assert alike(9) > 0.85 and alike(10) < 0.6


def test_a_thing_becomes_as_large_as_the_donors_by_any_way_and_noise_stays_on_it():
    own, donor = pictures_of(noise(0.02, 1)), pictures_of(noise(0.02, 2))
    assert donor.fore is not None
    donor = Pictures(
        donor.x, torch.nn.functional.interpolate(donor.fore[..., 16:48, 16:48], scale_factor=2), donor.numbers
    )
    assert donor.fore is not None and float(spans(donor.fore)[0, 0].diff()) == 32
    inner = torch.zeros(1, 1, SIDE, SIDE)
    inner[..., 20:44, 20:44] = 1
    found = [laid(Layout("size"), own, donor, np.array([way])) for way in (2, 3)]
    spread = [float(each[..., 20:44, 20:44].std()) for each in found]
    before = float(own.x[(..., *ON)].std())
    assert spread[0] < 0.9 * before and spread[1] > spread[0]
    assert torch.allclose(found[0][..., :8, :], found[1][..., :8, :], atol=1e-3)


def test_what_touches_a_thing_lies_over_it_beside_a_cast_too_and_a_ground_does_not():
    ward, _, _ = planted(masks=True)
    edge = Touching("", (), Inside(ward.canvas, ""))
    aspects = Background(), WAVES, edge
    faults = tuple(replace(FAULT, aspect=aspect) for aspect in aspects)
    assert _on_things(replace(ward, faults=faults)) == [1, 2]
    assert _on_things(replace(ward, faults=faults[:1])) is None


def test_what_was_named_a_part_of_the_background_stays_beside_things():
    ward, _, _ = planted(masks=True)
    aspects = Background(), Detail("sharpness"), WAVES
    faults = tuple(replace(FAULT, aspect=aspect) for aspect in aspects)
    assert _on_things(replace(ward, faults=faults)) == [1, 2]
    assert _on_things(replace(ward, faults=faults, grounds=frozenset({1}))) == [2]
    assert _on_things(replace(ward, faults=faults, grounds=frozenset({1, 2}))) is None
    named = replace(ward, faults=faults[:2], grounds=frozenset({1}))
    rows = ward.learn[:6]
    donors = np.stack([ward.learn[6:12]] * 2, 1)
    own = ward.canvas.load(rows)
    assert own.fore is not None
    for way in range(1, 10):
        changed = made(named, rows, donors, ways=np.full(6, way)) - own.x
        assert (changed * (own.fore > 0.99)).abs().max() < 1e-5 and changed.abs().max() > 0.05


def test_parts_of_the_background_are_those_that_the_audit_named_so_and_only_where_it_is_at_fault_too():
    findings = [{"aspect": {"kind": kind}} for kind in ("background", "detail", "spectrum", "detail")]
    groups = [
        {"main": 1, "parts": [{"finding": 2}]},
        {"main": 3, "parts": [{"finding": 4}]},
    ]
    record = Record({"findings": findings, "groups": groups})
    assert _grounds(record, (1, 2, 3, 4)) == {1}
    assert _grounds(record, (2, 3)) == set()
    assert _grounds(Record({"findings": findings}), (1, 2)) == set()


def test_what_is_learned_from_has_the_cast_on_the_thing_though_its_ground_is_exchanged_too():
    _, _, net = planted()
    chance = np.random.default_rng(0)
    cues = np.arange(40) % 2
    pictures = np.full((40, 24, 24, 3), 128.0) + chance.normal(0, 2, (40, 24, 24, 3))
    at = np.arange(24)
    for k, cue in enumerate(cues):
        pictures[k] += 30 * np.sin(np.pi / 2 * (at[:, None] + (1 - 2 * cue) * at[None]))[..., None]
    aspect = Spectrum(((0.25, 0.25, 0.06), (0.25, -0.25, 0.06)))
    faults = [
        Candidate(aspect, 1, (0,), ("test",), 1.0, 1.0, {}),
        Candidate(Background(), 1, (0,), ("test",), 1.0, 1.0, {}),
    ]
    assert is_cast(aspect) and not is_cast(Background())
    ward = ward_of(net, pictures.clip(0, 255).astype(np.uint8), cues, masks=True, faults=faults)
    rows = np.flatnonzero(cues == 0)[:6]
    donors = np.stack([np.flatnonzero(cues == 1)[:6]] * 2, 1)
    things = (..., slice(6, 12), slice(6, 12))
    judged, learned = made(ward, rows, donors), made(ward, rows, donors, ways=np.full(6, 1))
    own, given = (ward.canvas.load(some).x for some in (rows, donors[:, 0]))

    def goes_with(x, other):
        a, b = (each[things].mean(1).flatten() - each[things].mean() for each in (x, other))
        return float((a * b).sum() / (a.norm() * b.norm()))

    assert goes_with(judged, own) > 0.95 and goes_with(learned, given) > 0.9 and goes_with(learned, own) < 0.3


def test_only_pictures_to_learn_from_are_given_ways():
    ward, _, _ = planted()
    learn, choose = learning(ward), choosing(ward)
    assert (learn.ways[learn.exchanged] > 0).all() and (learn.ways[~learn.exchanged] == AS_JUDGED).all()
    assert (choose.ways == AS_JUDGED).all() and choose.exchanged.any()


def test_half_have_one_donor_for_all_faults_and_one_kind_always_the_same():
    net = planted()[2]
    again = [Candidate(Background(), 1, (0,), ("test",), 1.0, 1.0, {}) for _ in range(2)]
    pictures, label, _ = planted_ward.drawn(360, 0.85, False)
    both = ward_of(net, pictures, label, masks=True, faults=(FAULT, *again))
    _, donors = drawn(both, both.learn, 400)
    one = donors[:, 0] == donors[:, 1]
    assert 0.4 < one.mean() < 0.62 and (donors[:, 1] == donors[:, 2]).all()
    given = both.facts.classes[donors]
    assert all(abs(given[:, k].mean() - 0.5) < 0.08 for k in range(3))


def test_beside_a_picture_another_version_of_it_is_drawn_if_one_is_learned_from():
    numbers = np.array([5, 7, 5, 9, 7, 5, 9])
    weights = np.array([1, 1, 1, 1, 0, 1, 1]) / 6
    others = another_version(numbers, weights, np.random.default_rng(0))
    seen = set()
    for _ in range(50):
        rows = np.array([0, 2, 5, 1, 3, 6])
        found = others(rows)
        assert (numbers[found] == numbers[rows]).all() and (weights[found] > 0).all()
        assert (found[[0, 1, 2, 4, 5]] != rows[[0, 1, 2, 4, 5]]).all() and found[3] == 1
        seen |= {int(found[0])}
    assert seen == {2, 5}


def test_a_picture_is_moved_as_a_whole_and_continued_at_its_edges_in_any_order_of_axes():
    x = torch.arange(2 * 3 * 6 * 5, dtype=torch.float32).reshape(2, 3, 6, 5)
    found = shifted(x, 2, 3, np.random.default_rng(4))
    by = np.random.default_rng(4).integers(-2, 3, (2, 2))
    rows, columns = (np.clip(np.arange(n) + by[axis, 1], 0, n - 1) for axis, n in enumerate((6, 5)))
    assert torch.equal(found[1], x[1][:, rows][:, :, columns])
    turned = shifted(x.permute(0, 2, 3, 1), 2, 2, np.random.default_rng(4))
    assert torch.equal(turned.permute(0, 3, 1, 2), found)


def test_pictures_are_moved_only_where_the_network_takes_both_for_the_same():
    by_place, by_colour = planted("cells")[0], planted("colours")[0]
    assert same_moved(by_colour, 1) and not same_moved(by_place, 5)
