"""Sanity: a method that shows the picture and not the network is found out, and nobody's network is touched."""

import gc

import numpy as np
import pytest
import torch
import torch.nn as nn
from trust_material import asked, method_of, noise, run_of

from seethrough.graph.redraw import RUNS
from seethrough.trust import sanity as room
from seethrough.trust.maps import Case
from seethrough.trust.nulls import edges
from seethrough.trust.sanity import ENOUGH, Redrawn, complexity, sanity


def network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(4),
        nn.Flatten(), nn.Linear(128, 4),
    ).eval()  # fmt: skip


def case_of(function, run):
    return Case(method_of(function), None, {}, function(run))


def test_edges_stay_the_same_without_the_weights_and_a_gradient_does_not():
    run = run_of(network(), noise(2, 3, 28, 28))
    other = Redrawn(run, 0)
    fixed = sanity(case_of(lambda run: edges(run.images), run), run, other)
    assert fixed["sanity.similarity"] == pytest.approx(1) and fixed["sanity.rise"] == pytest.approx(0)
    assert sanity(asked("input_x_gradient", run), run, other)["sanity.similarity"] < 0.7


def test_what_only_scales_with_the_weights_is_an_edge_detector_too():
    run = run_of(network(), noise(1, 3, 28, 28))
    case = case_of(lambda run: -edges(run.images) * run.scores[:, None, None].double(), run)
    assert sanity(case, run, Redrawn(run, 0))["sanity.similarity"] == pytest.approx(1)


def test_it_is_averaged_over_the_pictures_seen_and_then_nobody_asks_again():
    calls = []

    def function(run):
        calls.append(len(run.images))
        return run.images.sum(1) * run.gradient().sum(1)

    run = run_of(network(1), noise(3, 3, 16, 16))
    case = case_of(function, run)
    figures = [sanity(case, run, Redrawn(run, 0)) for _ in range(5)]
    assert [f["sanity.pictures"] for f in figures] == [3, 6, 9, 9, 9] and ENOUGH == 8
    assert calls == [3] * 4  # the map itself, and three times without the weights
    assert figures[2] == figures[4]


def test_a_changed_weight_makes_another_network_of_it():
    module, x = network(2), noise(1, 3, 16, 16)
    first = run_of(module, x)
    sanity(asked("saliency", first), first, Redrawn(first, 0))
    before = dict(room._SEEN[first.graph])
    with torch.no_grad():
        module[0].weight.mul_(1.1)
    second = run_of(module, x)
    assert second.graph is not first.graph
    sanity(asked("saliency", second), second, Redrawn(second, 0))
    assert room._SEEN[first.graph] == before and len(room._SEEN[second.graph]) == 1


def test_what_was_seen_goes_with_the_network():
    run = run_of(network(3), noise(1, 3, 16, 16))
    sanity(asked("saliency", run), run, Redrawn(run, 0))
    known = len(room._SEEN)
    del run
    gc.collect()
    assert len(room._SEEN) < known


def test_the_network_is_drawn_once_for_all_methods_and_counted():
    module = network(4)
    kept = {name: t.clone() for name, t in module.state_dict().items()}
    run = run_of(module, noise(2, 3, 16, 16))
    cases = [asked(name, run) for name in ("saliency", "input_x_gradient")]
    other, before = Redrawn(run, 0), run.counter.passes
    for case in cases:
        sanity(case, run, other)
    used = run.counter.passes - before
    # the drawing's own forwards; then both methods share a forward and a walk back
    assert (used.forward, used.backward) == (RUNS + 2, 2)
    assert all(torch.equal(t, kept[name]) for name, t in module.state_dict().items())


def test_a_likeness_by_chance_is_looked_at_twice():
    """One filter of three numbers: a drawing may well be the filter itself."""
    drawn = []

    class Twice(Redrawn):
        def __call__(self, drawing=0):
            drawn.append(drawing)
            # the first drawing is the network itself, as chance may have it
            return self.run if drawing == 0 else super().__call__(drawing)

    run = run_of(network(5), noise(1, 3, 28, 28))
    found = sanity(asked("input_x_gradient", run), run, Twice(run, 0))
    assert drawn == [0, 1] and found["sanity.similarity"] < 0.7


def test_a_network_that_cannot_be_written_down_says_nothing_of_it():
    class Opaque(nn.Module):
        def forward(self, x):
            return torch.from_numpy(x.detach().numpy().mean((2, 3)))

    run = run_of(Opaque(), noise(1, 3, 14, 14))
    assert sanity(asked("occlusion", run), run, Redrawn(run, 0)) == {}


def test_complexity_is_the_entropy_of_a_hundred_bins():
    m = torch.randn(20, 20, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    share, _ = np.histogram(m.abs().numpy(), 100, (0, float(m.abs().max())))
    share = share[share > 0] / share.sum()
    assert complexity(m) == pytest.approx(float(-(share * np.log(share)).sum()))
    assert complexity(torch.zeros(3, 3)) == 0 == complexity(torch.full((3, 3), float("nan")))
    one = torch.zeros(10, 10)
    one[0, 0] = 1
    assert complexity(one) < complexity(torch.linspace(0, 1, 100)) == pytest.approx(np.log(100))
