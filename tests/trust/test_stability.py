"""Stability: maps of almost the same picture are compared where the answer stayed as it was."""

import pytest
import torch
from trust_material import method_of, noise, run_of

from seethrough.trust.maps import Case
from seethrough.trust.stability import Varied, stability


def smooth(x):
    return torch.stack([x.mean((1, 2, 3)), x.square().mean((1, 2, 3)) / 2], 1)


def case_of(function, run):
    return Case(method_of(function), None, {}, function(run))


def test_a_map_that_moves_with_the_picture_is_stable():
    x = torch.nn.functional.interpolate(noise(2, 3, 5, 5), (28, 28), mode="bicubic")
    run = run_of(smooth, x)
    found = stability(case_of(lambda run: run.images.sum(1), run), run, Varied(run))
    assert len(found) == 2 and all(f["stability.least"] > 0.95 for f in found)
    assert found[0]["stability.least"] == min(found[0]["stability.noise"], found[0]["stability.shift"])


def test_a_shift_is_undone_exactly_before_maps_are_compared():
    x = noise(1, 3, 28, 28)
    run = run_of(lambda x: torch.stack([x.mean((1, 2, 3)) + 5, x.mean((1, 2, 3))], 1), x)
    # one number a pixel that has nothing to do with its neighbours'
    (figures,) = stability(case_of(lambda run: run.images.sum(1), run), run, Varied(run))
    assert figures["stability.shift"] == pytest.approx(1)


def test_a_map_that_is_another_one_each_time_is_not():
    def function(run):
        seed = int(float(run.scores.sum()) * 1e7) % 2**31
        return noise(len(run.images), 28, 28, seed=seed)

    run = run_of(smooth, noise(1, 3, 28, 28))
    (figures,) = stability(case_of(function, run), run, Varied(run))
    assert abs(figures["stability.noise"]) < 0.3 and abs(figures["stability.shift"]) < 0.3


def test_where_the_answer_changes_the_map_may():
    x = noise(2, 3, 28, 28)
    x[1] = 0.5  # this picture has no range: noise and shift change nothing

    def network(x):
        return torch.stack([2 + torch.sin(5000 * x[:, 0, 3, 3]), x[:, 0, 0, 0] * 0], 1)

    run = run_of(network, x)
    varied = Varied(run)
    found = stability(case_of(lambda run: run.images.sum(1) + torch.arange(28), run), run, varied)
    assert varied.kept[0].tolist() == [False, True]
    assert "stability.noise" not in found[0] and found[1]["stability.noise"] == pytest.approx(1)


def test_a_map_made_elsewhere_is_not_asked_again():
    run = run_of(smooth, noise(1, 3, 14, 14))
    case = Case(method_of(lambda run: 1 / 0), None, {}, noise(1, 14, 14), again=False)
    assert stability(case, run, Varied(run)) == [{}]


def test_a_costly_method_is_asked_once_more_only():
    calls = []

    def function(run):
        calls.append(1)
        return run.images.sum(1)

    from seethrough.results import Passes

    run = run_of(smooth, noise(1, 3, 14, 14))
    for work, times in ((Passes(101, 0), 1), (Passes(60, 40), 2)):
        calls.clear()
        stability(Case(method_of(function, work=work), None, {}, run.images.sum(1)), run, Varied(run))
        assert len(calls) == times


def test_the_same_noise_whatever_the_company():
    x = noise(2, 3, 28, 28)
    both, alone = (run_of(smooth, part) for part in (x, x[1:]))
    found = [stability(case_of(lambda run: run.images.sum(1), run), run, Varied(run)) for run in (both, alone)]
    assert found[0][1] == pytest.approx(found[1][0])
