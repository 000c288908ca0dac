"""Expected gradients: many baselines, each as often as the others, all of the way looked at evenly."""

import numpy as np
import pytest
import torch
from torch import nn

import seethrough as st
from seethrough.attribution.path_expected import drawn
from seethrough.errors import UsageError
from seethrough.results import Passes


def smooth():
    torch.manual_seed(0)
    head = [nn.Flatten(), nn.Linear(6 * 36, 3)]
    return nn.Sequential(nn.Conv2d(3, 6, 3), nn.Tanh(), nn.Conv2d(6, 6, 1), nn.Softplus(), *head).double().eval()


X = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
REFERENCES = torch.randn(5, 3, 8, 8, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def check(found, i=0):
    return [note.numbers for note in found.checks if note.name == "completeness"][i]


def test_with_many_samples_it_is_the_mean_of_integrated_gradients_over_the_references():
    net = st.open(smooth(), input_size=(3, 8, 8))
    found = st.expected_gradients(net, X, target=1, references=REFERENCES, samples=500)
    each = [st.integrated_gradients(net, X, target=1, baseline=r[None], steps=20, nodes="gauss") for r in REFERENCES]
    expected = np.mean([one.values for one in each], 0)
    np.testing.assert_allclose(found.values, expected, atol=2e-3 * np.abs(expected).max())
    for i in range(2):
        assert check(found, i)["rise"] == pytest.approx(np.mean([check(one, i)["rise"] for one in each]), rel=1e-6)
        assert check(found, i)["gaps"] < 0.01


def test_references_that_are_more_than_samples_are_drawn_from():
    net = st.open(smooth(), input_size=(3, 8, 8))
    found = st.expected_gradients(net, X, target=1, references=REFERENCES, samples=2, seed=3)
    pairs = drawn(5, 2, 3)
    assert len({j for j, _ in pairs}) == 2
    expected = 0
    for j, alpha in pairs:
        z = (REFERENCES[j] + alpha * (X - REFERENCES[j])).requires_grad_()
        (g,) = torch.autograd.grad(smooth()(z)[:, 1].sum(), z)
        expected = expected + (X - REFERENCES[j]) * g / 2
    np.testing.assert_allclose(found.values, expected.numpy(), rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize(("references", "samples"), [(1, 7), (3, 7), (4, 48), (9, 4)])
def test_baselines_come_equally_often_and_their_alphas_from_equal_parts(references, samples):
    pairs = drawn(references, samples, 0)
    often = np.bincount([j for j, _ in pairs], minlength=references)
    assert len(pairs) == samples and often.max() - often.min() <= 1
    for j in range(references):
        mine = sorted(alpha for k, alpha in pairs if k == j)
        assert [int(alpha * len(mine)) for alpha in mine] == list(range(len(mine)))


def test_the_mixture_has_four_baselines_and_a_linear_networks_map_is_exact_on_it():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Flatten(), nn.Linear(3 * 64, 2, bias=False)).double()
    found = st.expected_gradients(st.open(module, input_size=(3, 8, 8)), X, target=1, samples=8)
    assert found.passes == Passes(2 + 2 * 12, 2 * 8)
    assert check(found)["gaps"] < 1e-9


def test_a_seed_is_its_map_and_a_picture_needs_no_company():
    net = st.open(smooth(), input_size=(3, 8, 8))
    one, same, other = (st.expected_gradients(net, X, target=1, samples=6, seed=s).values for s in (1, 1, 2))
    assert np.array_equal(one, same) and not np.array_equal(one, other)
    alone = st.expected_gradients(net, X[1:], target=1, samples=6, seed=1).values
    np.testing.assert_allclose(alone[0], one[1], rtol=1e-6)


def test_numbers_without_places_have_a_mixture_too():
    torch.manual_seed(0)
    net = st.open(nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 2)), input_size=(6,))
    found = st.expected_gradients(net, torch.randn(3, 6), target=0, samples=40)
    assert found.values.shape == (3, 6) and max(check(found, i)["gaps"] for i in range(3)) < 0.05


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"samples": 0}, "samples ≥ 1, not 0"),
        ({"references": "training"}, "'mixture', not 'training'"),
        ({"references": torch.zeros(4, 3, 9, 8)}, r"\(K, 3, 8, 8\), not \(4, 3, 9, 8\)"),
    ],
)
def test_what_it_cannot_use_is_refused(wrong, words):
    with pytest.raises(UsageError, match=words):
        st.expected_gradients(st.open(smooth(), input_size=(3, 8, 8)), X, target=0, **wrong)


def test_as_many_references_as_pictures_are_not_one_for_each():
    net, references = st.open(smooth(), input_size=(3, 8, 8)), REFERENCES[:2]
    together = st.expected_gradients(net, X, target=1, references=references, samples=6).values
    in_parts = st.expected_gradients(net, X, target=1, references=references, samples=6, batch_size=1).values
    np.testing.assert_allclose(in_parts, together, rtol=1e-6)
