"""What peers say of covered pictures: Captum's ablations and Shapley values, and SHAP's partition explainer."""

import numpy as np
import pytest
import torch
from torch import nn

import seethrough as st

attr = pytest.importorskip("captum.attr", reason="Captum isn't installed; it comes with the extra `bench`")
pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

TARGETS = [1, 3]


@pytest.fixture(scope="module")
def module():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 10, 3), nn.Tanh(),
        nn.AdaptiveAvgPool2d(3), nn.Flatten(), nn.Linear(90, 5),
    ).eval().double()  # fmt: skip


@pytest.fixture(scope="module")
def x():
    return 3 * torch.randn(2, 3, 18, 20, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def segments(parts, size=(18, 20)):
    """Crooked stripes."""
    y, x = np.mgrid[: size[0], : size[1]]
    return ((x + 2 * np.sin(y / 3) + 2) * parts / (size[1] + 4)).astype(np.int64).clip(0, parts - 1)


def by_captum(name, module, x, parts, **settings):
    """Captum's values for each picture alone, one a place."""
    mask = torch.from_numpy(segments(parts))[None, None]
    each = [
        getattr(attr, name)(module).attribute(
            x[i : i + 1], baselines=0.25, target=TARGETS[i], feature_mask=mask.repeat(1, 3, 1, 1), **settings
        )[:, 0]
        for i in range(len(x))
    ]
    return torch.cat(each).detach().numpy()


def ours(method, module, x, parts, **settings):
    return method(st.open(module), x, target=TARGETS, segments=segments(parts), fill=0.25, **settings).values


def by_segment(values, parts):
    return np.stack([[v[segments(parts) == n].mean() for n in range(parts)] for v in values])


def exactly(module, x, parts):
    """Shapley values by enumeration, without Captum and without us."""
    labels, values = segments(parts), []
    for image, target in zip(x, TARGETS):
        pictures = torch.empty(2**parts, *image.shape, dtype=image.dtype)
        for coalition in range(2**parts):
            left = np.isin(labels, [i for i in range(parts) if coalition >> i & 1])
            pictures[coalition] = torch.where(torch.from_numpy(left), image, 0.25)
        with torch.no_grad():
            v = torch.cat([module(some) for some in pictures.split(64)])[:, target].numpy()
        own = np.zeros(parts)
        for i in range(parts):
            for coalition in range(2**parts):
                if not coalition >> i & 1:
                    size = coalition.bit_count()
                    weight = 1 / (parts * np.prod([(parts - 1 - k) / (k + 1) for k in range(size)]))
                    own[i] += weight * (v[coalition | 1 << i] - v[coalition])
        values.append(own)
    return np.stack(values)


def test_feature_ablation(module, x):
    theirs = by_captum("FeatureAblation", module, x, 9)
    np.testing.assert_allclose(ours(st.feature_ablation, module, x, 9), theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("window", "stride"), [((4, 5), (2, 5)), ((6, 3), (6, 3))])
def test_occlusion_with_a_picture_for_a_baseline(module, x, window, stride):
    cover = torch.randn(1, 3, 18, 20, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    found = st.occlusion(st.open(module), x, target=TARGETS, window=window, stride=stride, fill=cover)
    theirs = attr.Occlusion(module).attribute(
        x, (3, *window), strides=(3, *stride), baselines=cover.expand_as(x), target=TARGETS
    )[:, 0].detach()  # fmt: skip
    np.testing.assert_allclose(found.values, theirs, rtol=1e-5, atol=1e-6)


def test_exact_shapley_values(module, x):
    """Captum's ShapleyValues goes through all permutations; ours through all coalitions."""
    theirs = by_captum("ShapleyValues", module, x[:1], 5)
    for method in (st.kernel_shap, st.shapley_sampling):
        found = ours(method, module, x, 5, samples=100)
        np.testing.assert_allclose(found[:1], theirs, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(by_segment(found, 5), exactly(module, x, 5), rtol=1e-5, atol=1e-6)


def correlation(a, b):
    return min(np.corrcoef(one, other)[0, 1] for one, other in zip(a, b))


def test_sampled_values_go_with_the_exact_ones_and_better_than_captums_at_the_same_cost(module, x):
    parts = 10
    exact = exactly(module, x, parts)
    torch.manual_seed(0)
    theirs = by_captum("ShapleyValueSampling", module, x, parts, n_samples=20)  # 20 orders of 9 forwards
    sampled = ours(st.shapley_sampling, module, x, parts, samples=20)
    assert correlation(by_segment(sampled, parts), exact) > max(0.98, correlation(by_segment(theirs, parts), exact))
    torch.manual_seed(0)
    theirs = by_captum("KernelShap", module, x, parts, n_samples=180)
    kernel = ours(st.kernel_shap, module, x, parts, samples=180)
    assert correlation(by_segment(kernel, parts), exact) > max(0.98, correlation(by_segment(theirs, parts), exact))


def test_lime_goes_with_captums_where_both_weigh_and_regress_alike(module, x):
    """Captum takes any similarity and any linear model: given ours, both find the same slopes up to their samples."""
    from captum._utils.models.linear_model import SkLearnRidge

    parts, width = 8, 0.25

    def similarity(original, perturbed, interpretable, **_):
        distance = 1 - interpretable.double().mean().sqrt()
        return torch.exp(-(distance**2) / width**2)

    torch.manual_seed(0)
    mask = torch.from_numpy(segments(parts))[None, None].repeat(1, 3, 1, 1)
    theirs = []
    for i in range(len(x)):
        peer = attr.Lime(module, SkLearnRidge(alpha=1.0), similarity_func=similarity)
        found = peer.attribute(x[i : i + 1], baselines=0.25, target=TARGETS[i], feature_mask=mask, n_samples=700)
        theirs.append(found[0, 0])
    theirs = by_segment(torch.stack(theirs).detach().numpy(), parts)
    found = by_segment(ours(st.lime, module, x, parts, samples=700), parts)
    assert correlation(found, theirs) > 0.99
    np.testing.assert_allclose(found, theirs, atol=0.15 * np.abs(theirs).max())
    assert correlation(found, exactly(module, x, parts)) > 0.9


def test_owen_values_are_those_of_shaps_partition_explainer(module, x):
    """Its explainer is given our tree of 3 × 3 cells as a clustering, and covers as we do."""
    shap = pytest.importorskip("shap", reason="SHAP isn't installed")
    image, target = x[0], TARGETS[0]
    rows, columns = torch.arange(18) * 3 // 18, torch.arange(20) * 3 // 20
    labels = rows[:, None] * 3 + columns

    class Cells:
        """A masker of nine cells, joined as halving joins them: row 0, and of the rest column 0 and a square."""

        clustering = np.array(
            [[1, 2, 1, 2], [0, 9, 2, 3], [3, 6, 1, 2], [4, 5, 1, 2], [7, 8, 1, 2], [12, 13, 2, 4], [11, 14, 3, 6],
             [10, 15, 4, 9]], dtype=float,
        )  # fmt: skip
        shape = (1, 9)

        def __call__(self, mask, *_):
            return (np.asarray(mask, float)[None],)

        def mask_shapes(self, *_):
            return [(9,)]

    def answers(z):
        left = torch.from_numpy(np.asarray(z).reshape(-1, 9).astype(bool))[:, labels]
        with torch.no_grad():
            return module(torch.where(left[:, None], image, 0.25))[:, target].numpy()

    explainer = shap.explainers.Partition(answers, Cells())
    theirs = explainer(np.ones((1, 9)), max_evals=5000, silent=True).values[0]
    found = st.partition_shap(st.open(module), x[:1], target=target, cells=3, samples=5000, fill=0.25)
    cells = np.array([found.values[0][labels.numpy() == n].mean() for n in range(9)])
    np.testing.assert_allclose(cells, theirs, rtol=1e-5, atol=1e-6)
