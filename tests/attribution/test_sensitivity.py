"""Sensitivity: Sobol' indices where they are known, and dependence only where there is some."""

import math

import numpy as np
import pytest
import torch
from masked_material import game, values_of

from seethrough.attribution import METHODS, Facts
from seethrough.attribution.sensitivity import dependence, hsic, sobol, sobol_design, total_indices
from seethrough.errors import UsageError
from seethrough.results import Passes

WEIGHTS = torch.tensor([3.0, -1, 0, 0.5, 2, 0, 1, -4], dtype=torch.float64)


def indices(worth, along=(2, 4), samples=1024):
    return values_of(sobol(game(worth, along), samples=samples, grid=along, fill="zero"), along)


def test_of_a_sum_the_indices_are_the_squares_of_the_weights():
    found = indices(lambda z: z @ WEIGHTS.to(z) + 2)
    np.testing.assert_allclose(found, (WEIGHTS**2 / (WEIGHTS**2).sum()), atol=0.01)


def test_of_a_product_the_indices_count_what_cells_do_together():
    """f = Π z_i over three cells, each uniform: T_i = 1 − (Var of the others' product part) in closed form."""
    found = indices(lambda z: z[:, 0] * z[:, 3] * z[:, 6])
    mean, square = 1 / 2, 1 / 3
    variance = square**3 - mean**6
    total = (square - mean**2) * square**2 / variance
    expected = [total, 0, 0, total, 0, 0, total, 0]
    np.testing.assert_allclose(found, expected, atol=0.02)
    assert float(found.sum()) > 1.2


def test_of_ishigamis_function_the_total_indices_are_the_published_ones():
    def ishigami(z):
        a, b, c = (2 * z[:, :3] - 1).mul(math.pi).unbind(1)
        return torch.sin(a) + 7 * torch.sin(b) ** 2 + 0.1 * c**4 * torch.sin(a)

    found = indices(ishigami, (1, 3), 2048)
    np.testing.assert_allclose(found, [0.5576, 0.4424, 0.2437], atol=0.01)


def test_the_estimate_is_jansens_from_the_three_matrices():
    design = sobol_design(8, 3, 0)
    a, b, c = design[:8], design[8:16], design[16:].reshape(3, 8, 3)
    for i in range(3):
        assert torch.equal(c[i][:, i], b[:, i])
        others = [j for j in range(3) if j != i]
        assert torch.equal(c[i][:, others], a[:, others])
    y = torch.exp(design).prod(1)
    expected = [float(((y[:8] - y[16 + 8 * i : 24 + 8 * i]) ** 2).sum() / 16 / y[:16].var()) for i in range(3)]
    np.testing.assert_allclose(total_indices(y[:, None], 8)[:, 0], expected, rtol=1e-12)


def test_an_answer_that_never_changes_has_no_indices_and_no_dependence():
    assert not sobol(game(lambda z: z[:, 0] * 0 + 0.1), samples=4).any()
    assert not hsic(game(lambda z: z[:, 0] * 0 + 0.1), samples=20).any()


def test_dependence_is_the_trace_of_the_papers_matrices():
    chance = torch.Generator().manual_seed(0)
    left = (torch.rand(30, 4, generator=chance) < 0.5).double()
    answers = torch.rand(30, generator=chance).double() + left[:, 1]
    found = dependence(left, answers)
    apart = (answers[:, None] - answers[None]).abs()
    width = apart[~torch.eye(30, dtype=torch.bool)].median()
    gauss = torch.exp(-(apart**2) / (2 * width**2))
    centring = torch.eye(30).double() - 1 / 30
    for i in range(4):
        kernel = 0.5 - (left[:, i, None] - left[None, :, i]) ** 2
        expected = torch.trace(kernel @ centring @ gauss @ centring) / 29**2
        assert float(found[i]) == pytest.approx(float(expected), rel=1e-9)
    assert (found >= 0).all() and int(found.argmax()) == 1


def test_cells_on_which_nothing_depends_have_next_to_none():
    worth = lambda z: torch.sin(3 * z[:, 1]) + z[:, 4] * z[:, 6]  # noqa: E731
    few, many = (values_of(hsic(game(worth), samples=n, grid=(2, 4), fill="zero"), (2, 4)) for n in (400, 2000))
    dependent, free = [1, 4, 6], [0, 2, 3, 5, 7]
    assert float(few[free].max()) < 0.05 * float(few[dependent].min())
    assert float(many[free].mean()) < 0.4 * float(few[free].mean())  # it falls as 1/n, the others stay
    np.testing.assert_allclose(many[dependent], few[dependent], rtol=0.3)


def test_dependence_that_no_correlation_shows_is_found():
    """An exclusive or of two cells correlates with neither."""
    worth = lambda z: (z[:, 2] - z[:, 5]) ** 2 + 0.3 * z[:, 5]  # noqa: E731
    found = values_of(sobol(game(worth), samples=512, grid=(2, 4), fill="zero"), (2, 4))
    assert set(found.topk(2).indices.tolist()) == {2, 5} and float(found[2]) > 0.3


@pytest.mark.parametrize(
    ("name", "settings"),
    [("sobol", {"samples": 4}), ("sobol", {"samples": 3, "grid": (2, 3)}), ("hsic", {"samples": 9})],
)
def test_what_is_declared_is_what_is_sent_through(name, settings):
    run = game(lambda z: z.sum(1))
    run.scores  # noqa: B018
    METHODS[name].function(run, **settings)
    declared = METHODS[name].passes(settings, Facts(8, 16))
    assert run.counter.passes == Passes(1 + declared.forward, declared.backward)


@pytest.mark.parametrize(("method", "samples"), [(sobol, 1), (hsic, 2)])
def test_too_few_samples_are_refused(method, samples):
    with pytest.raises(UsageError, match="needs samples ≥"):
        method(game(lambda z: z.sum(1)), samples=samples)
