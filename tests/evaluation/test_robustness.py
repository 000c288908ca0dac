"""Robustness and randomisation: methods whose behaviour is known beforehand."""

import math

import numpy as np
import pytest
import torch
from evaluation_material import Weighted, asked
from torch import nn

import seethrough as st
from seethrough.errors import NetworkRefused, UsageError
from seethrough.evaluation.axioms import input_invariance
from seethrough.evaluation.randomisation import asked_about, cascade, emprt, mprt, random_logit, smprt
from seethrough.evaluation.robustness import avg_sensitivity, lipschitz, local_lipschitz, max_sensitivity
from seethrough.evaluation.similarity import histogram_entropy, kendall, pearson, similarity, spearman, ssim
from seethrough.graph.run import Run


def small(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 8, 3), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5),
    ).double().eval()  # fmt: skip


PICTURES = torch.randn(2, 3, 20, 20, generator=torch.Generator().manual_seed(4), dtype=torch.float64)


def gradient(run):
    return run.gradient()


def ignoring(run):
    """A method that doesn't look at the network."""
    return run.images.abs()


@pytest.fixture
def run():
    return asked(small(), PICTURES, index=2)


def test_the_gradient_of_a_linear_network_does_not_move():
    run = asked(Weighted(3, 20), PICTURES)
    for metric in (max_sensitivity, avg_sensitivity, local_lipschitz):
        assert metric(run, run.gradient(), gradient).tolist() == [0, 0]


def test_contributions_of_a_linear_network_move_as_much_as_its_weights_say():
    run = asked(Weighted(3, 20), PICTURES)
    weight, disturbance = run.gradient(), torch.full_like(PICTURES, 0.01)
    found = lipschitz(run, PICTURES * weight, lambda r: r.images * r.gradient(), [disturbance])
    wanted = weight.flatten(1).norm(dim=1) / math.sqrt(weight[0].numel())
    torch.testing.assert_close(found[0], wanted)


def test_the_mean_is_at_most_the_largest_and_both_are_the_same_alone(run):
    values = run.gradient()
    largest, mean = (m(run, values, gradient, samples=4) for m in (max_sensitivity, avg_sensitivity))
    assert (mean > 0).all() and (mean <= largest).all()
    alone = asked(small(), PICTURES[1:], index=2)
    # The noise scales with each picture's own range, so company changes nothing.
    torch.testing.assert_close(max_sensitivity(alone, alone.gradient(), gradient, samples=4), largest[1:])


def test_a_method_that_ignores_the_network_is_the_same_without_it(run):
    values = ignoring(run)
    assert mprt(run, values, ignoring).tolist() == [1, 1]
    assert smprt(run, values, ignoring, samples=3).tolist() == [1, 1]
    assert emprt(run, values, ignoring).tolist() == [0, 0]
    torch.testing.assert_close(random_logit(run, values, ignoring), torch.ones(2, dtype=torch.float64))


def test_the_gradient_depends_on_weights_and_on_what_was_asked(run):
    values = run.gradient()
    assert (mprt(run, values, gradient) < 0.8).all()
    assert (random_logit(run, values, gradient) < 0.9).all()


def test_weights_are_drawn_from_either_end_and_the_persons_own_stay(run):
    before = {name: t.clone() for name, t in run.source.module.state_dict().items()}
    graph = run.graph
    down, up = (list(cascade(graph, 3, 0, top_down=way)) for way in (True, False))

    def drawn(other):
        return [k for k, (a, b) in enumerate(zip(graph.operations, other.operations)) if a is not b]

    assert [len(drawn(g)) for g in down] == [len(drawn(g)) for g in up] == [1, 2, 3]
    assert drawn(down[0])[0] > drawn(up[0])[0] and drawn(down[-1]) == drawn(up[-1])
    assert all(torch.equal(t, before[name]) for name, t in run.source.module.state_dict().items())


def test_what_was_asked_is_read_off_the_target():
    run = asked(small(), PICTURES, index=3)
    assert asked_about(run).tolist() == [3, 3]


def test_a_network_whose_weights_cannot_be_seen_is_refused():
    def box(images):
        return np.stack([images.mean((1, 2, 3)), images.max((1, 2, 3))], 1)

    net = st.open(box, input_size=(8, 8, 3), preprocessing="unit")
    prepared = net.prepare(np.full((1, 8, 8, 3), 9, np.uint8))
    run = Run(net.source_of(prepared), prepared.batch, lambda out, rows: out[:, 0])
    with pytest.raises(NetworkRefused, match="can't be drawn anew"):
        mprt(run, run.images, ignoring)


def test_the_gradient_survives_a_shift_and_input_times_gradient_does_not(run):
    assert input_invariance(run, run.gradient(), gradient).tolist() == pytest.approx([0, 0], abs=1e-12)
    contributions = run.images * run.gradient()
    assert (input_invariance(run, contributions, lambda r: r.images * r.gradient()) > 0.1).all()


def test_similarities_of_what_is_equal_unrelated_and_opposite():
    a = np.array([[1.0, 2.0, 3.0, 4.0]])
    for measure in (pearson, spearman, kendall):
        assert measure(a, a)[0] == 1 and measure(a, -a)[0] == pytest.approx(-1)
    assert spearman(np.array([[1.0, 2, 3]]), np.array([[1.0, 3, 2]]))[0] == pytest.approx(0.5)
    assert spearman(np.array([[1.0, 2, 3, 4]]), np.array([[2.0, 4, 1, 3]]))[0] == pytest.approx(0)
    assert np.isnan(pearson(a, np.ones((1, 4)))[0])
    assert pearson(np.ones((1, 4)), np.ones((1, 4)))[0] == 1
    with pytest.raises(UsageError, match="not by 'cosine'"):
        similarity("cosine", a, a)


def test_structure_is_that_of_scikit_image():
    metrics = pytest.importorskip("skimage.metrics", reason="scikit-image is of the extra data")
    random = np.random.default_rng(0)
    a, b = random.normal(size=(2, 3, 24, 31))
    for x, y, found in zip(a, b, ssim(a, b)):
        spread = max(x.max(), y.max()) - min(x.min(), y.min())
        assert found == pytest.approx(metrics.structural_similarity(x, y, data_range=spread), abs=1e-9)


def test_the_entropy_of_a_histogram():
    assert histogram_entropy(np.full((1, 100), 3.0))[0] == 0
    assert histogram_entropy(np.arange(100.0)[None])[0] == pytest.approx(math.log(100))
