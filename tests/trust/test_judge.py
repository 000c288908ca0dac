"""All checks together, on networks whose truth is planted: what is believed, what isn't, and what it costs."""

import pytest
import torch
import torch.nn as nn
from trust_material import asked, drawn, method_of, noise, run_of

from seethrough.graph.redraw import RUNS
from seethrough.trust import planted as bank
from seethrough.trust.covered import HALVES
from seethrough.trust.faithfulness import STEPS
from seethrough.trust.judge import judged
from seethrough.trust.maps import Case
from seethrough.trust.nulls import NULLS, blurred_map, centre, edges, random_map

SIZE = (bank.SIZE, bank.SIZE)


@pytest.fixture(scope="module", params=("joined", "striped"))
def planted_case(request):
    return bank.planted(request.param, 2, seed=3)


def said(trusts):
    return [trust.verdict for trust in trusts]


def test_true_maps_carry_weight_and_nonsense_never_does(planted_case):
    run = planted_case.run()

    def other_class(run):
        others = planted_case.others
        other = run.asking(lambda out, rows: out.gather(1, others[rows][:, None])[:, 0])
        return other.gradient().sum(1) * other.images.sum(1)

    def same(m):
        return lambda run: m.expand(len(run.images), *SIZE)

    nonsense = [
        same(random_map(*SIZE, seed=5)), same(blurred_map(*SIZE, seed=5)), same(centre(*SIZE)),
        lambda run: edges(run.images), other_class,
    ]  # fmt: skip
    cases = [
        asked("integrated_gradients", run, steps=8, baseline="mean"),
        asked("occlusion", run, window=8, stride=4),
        drawn(planted_case.truth.double()),
        *(Case(method_of(function, str(k)), None, {}, function(run)) for k, function in enumerate(nonsense)),
    ]
    verdicts = judged(run, cases)
    right = [v for each in verdicts[:3] for v in said(each)]
    wrong = [v for each in verdicts[3:] for v in said(each)]
    assert right == ["carries_weight"] * 6 and "carries_weight" not in wrong
    assert all(trust.reasons[0].name == "edge_detector_here" for each in verdicts[3:7] for trust in each)


def test_what_it_costs_is_what_was_said():
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3)
    )
    run = run_of(module, noise(1, 3, 28, 28))
    cases = [asked(name, run) for name in ("saliency", "input_x_gradient")]
    before, seen = run.counter.passes, []
    trusts = judged(run, cases, progress=lambda name, done, total: seen.append((name, done, total)))
    used = run.counter.passes - before
    covered = 2 * (2 * (STEPS - 1) * (len(cases) + len(NULLS)) + 1) + 49 + HALVES
    alike = any(trust.figures["sanity.similarity"] >= 0.8 for (trust,) in trusts)
    assert used.forward == covered + 2 + (RUNS + 1) * (1 + alike) and used.backward == 2 + 1 + alike
    assert {name for name, *_ in seen} == {"faithfulness", "sanity"} and seen[-1] == ("sanity", 2, 2)


def test_gaps_that_a_method_reports_are_among_the_figures():
    planted = bank.planted("spotted", 2, seed=0)
    run = planted.run()
    case = asked("integrated_gradients", run, steps=8)
    trusts = judged(run, [case])[0]
    assert [t.figures["completeness.gap"] for t in trusts] == pytest.approx(case.checks["completeness"]["gaps"])


def test_flat_and_broken_maps_say_nothing():
    run = run_of(nn.Sequential(nn.Flatten(), nn.Linear(3 * 196, 2)), noise(2, 3, 14, 14))
    half = noise(2, 14, 14)
    half[0] = float("nan")
    flat, broken = judged(run, [drawn(torch.ones(2, 14, 14)), drawn(half)])
    assert [*said(flat), said(broken)[0]] == ["says_nothing"] * 3 and flat[0].reasons[0].name == "trust_flat"
    assert broken[0].reasons[0].name == "trust_not_finite" and "faithfulness.gain" in broken[1].figures


def test_inputs_that_are_no_pictures_are_checked_for_what_can_be():
    torch.manual_seed(0)
    run = run_of(nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 2)), noise(2, 12))
    (trusts,) = judged(run, [asked("input_x_gradient", run)])
    for trust in trusts:
        assert trust.verdict == "with_care" and trust.reasons[0].name == "not_checked_by_covering"
        assert "sanity.similarity" in trust.figures and "stability.least" in trust.figures


def test_a_black_box_is_judged_by_covering_alone():
    class Opaque(nn.Module):
        def forward(self, x):
            found = x.detach().numpy()[:, :, 8:20, 30:44].mean((2, 3))
            return torch.from_numpy(found)

    x = noise(1, 3, *SIZE)
    x[:, :, 8:20, 30:44] += 0.8
    run = run_of(Opaque(), x)
    (trusts,) = judged(run, [asked("occlusion", run, window=8, stride=4)])
    assert trusts[0].verdict == "carries_weight"
    assert "not_checked_without_weights" in [note.name for note in trusts[0].reasons]


def test_road_is_measured_on_request_only():
    planted = bank.planted("coloured", 1, seed=0)
    run = planted.run()
    m = drawn(planted.truth.double())
    assert "road.gap" not in judged(run, [m])[0][0].figures
    figures = judged(run, [m], road=True)[0][0].figures
    assert figures["road.gap"] > figures["road.blurred"]


def test_no_maps_are_judged_at_once():
    assert judged(run_of(lambda x: x.mean((2, 3)), noise(1, 3, 8, 8)), []) == []
