"""Two dimensions: PCA is exact, a seed gives one layout, and what can't be laid out is said before the work."""

import importlib.util

import numpy as np
import pytest

from seethrough.errors import EnvironmentLacks, UsageError
from seethrough.gallery.layout import flatten, known_layout, pca


def clustered(number, classes=5, seed=0):
    random = np.random.default_rng(seed)
    centres = random.normal(0, 6, (classes, 24))
    return (centres[np.arange(number) % classes] + random.normal(0, 1, (number, 24))).astype(np.float32)


def test_pca_keeps_the_strongest_variance():
    points = clustered(60)
    found = pca(points, components=3)
    strength = np.linalg.svd(points - points.mean(0), compute_uv=False)[:3]
    assert np.allclose(np.linalg.norm(found, axis=0), strength, rtol=1e-4)


def test_pca_of_many_by_random_projections_agrees_with_scikit_learn():
    decomposition = pytest.importorskip("sklearn.decomposition", reason="scikit-learn is of the extra data")
    random = np.random.default_rng(1)
    points = (random.normal(size=(700, 500)) * np.r_[9, 6, 4, 2.5, np.full(496, 0.3)]).astype(np.float32)
    ours, theirs = pca(points, 0, 4), decomposition.PCA(4, svd_solver="full").fit_transform(points)
    assert np.allclose(np.abs(ours), np.abs(theirs), atol=2e-2 * np.abs(theirs).max())


def test_missing_components_are_zero():
    assert np.allclose(pca(np.array([[0.0], [2.0]], np.float32)), [[-1, 0], [1, 0]])


@pytest.mark.skipif(importlib.util.find_spec("openTSNE") is None, reason="openTSNE is of the extra data")
def test_tsne_parts_what_is_apart_and_a_seed_gives_one_layout():
    points = flatten(clustered(90), "tsne", 3)
    assert np.array_equal(points, flatten(clustered(90), "tsne", 3))
    classes = np.arange(90) % 5
    centres = np.stack([points[classes == k].mean(0) for k in range(5)])
    nearest = ((points[:, None] - centres[None]) ** 2).sum(2).argmin(1)
    assert (nearest == classes).mean() > 0.95


@pytest.mark.parametrize("number", [1, 2, 3, 11])
def test_few_are_laid_out_by_pca_whatever_was_asked(number):
    points = flatten(clustered(number), "tsne", 0)
    assert points.shape == (number, 2) and np.isfinite(points).all()


def test_what_is_all_alike_stays_in_one_place():
    assert not flatten(np.ones((40, 7), np.float32), "tsne", 0).any()


def test_an_unknown_layout_is_refused():
    with pytest.raises(UsageError, match="tsne, umap, pca"):
        known_layout("mds")


@pytest.mark.parametrize(("layout", "library"), [("tsne", "openTSNE"), ("umap", "umap")])
def test_a_missing_library_says_how_to_have_it(monkeypatch, layout, library):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == library else found(name))
    with pytest.raises(EnvironmentLacks, match="pip install"):
        known_layout(layout)
