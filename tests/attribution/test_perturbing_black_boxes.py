"""Every method that only asks for answers explains a function as well as a network."""

import numpy as np
import pytest

import seethrough as st
from seethrough.attribution import METHODS

SIZE = (24, 32, 3)
CHEAP = {
    "rise": {"samples": 200},
    "lime": {"samples": 150, "cells": (3, 4)},
    "kernel_shap": {"samples": 150, "cells": (3, 4)},
    "shapley_sampling": {"samples": 8, "cells": (3, 4)},
    "partition_shap": {"samples": 200, "cells": (3, 4)},
    "sobol": {"samples": 16, "grid": (3, 4)},
    "hsic": {"samples": 200, "grid": (3, 4)},
    "feature_ablation": {"cells": (3, 4)},
    "occlusion": {"window": 8, "stride": 8},
}


def looks(images):
    """A function of arrays, in NumPy: how bright the middle of the right half is, and how bright all is."""
    assert isinstance(images, np.ndarray)
    spot, whole = images[:, 8:16, 16:24].mean((1, 2, 3)), images.mean((1, 2, 3))
    return np.stack([np.tanh(spot), whole], 1)


def picture():
    chance = np.random.default_rng(0)
    return chance.integers(120, 255, SIZE).astype(np.uint8)


@pytest.fixture
def net():
    return st.open(looks, input_size=SIZE, preprocessing="unit", classes=["spot", "all"])


def test_every_method_of_the_family_that_walks_nowhere_is_tried_here():
    family = {name for name, m in METHODS.items() if m.family == "perturbation" and m.black_box}
    assert set(CHEAP) <= family


@pytest.mark.parametrize("name", CHEAP)
def test_a_function_is_explained_where_it_looks(net, name):
    found = getattr(st, name)(net, picture(), "spot", **{"fill": "zero", **CHEAP[name]})
    assert found.map.shape == (1, 24, 32) and found.passes.backward == 0
    inside = found.map[0, 8:16, 16:24]
    outside = np.delete(found.map[0].reshape(3, 8, 4, 8).mean((1, 3)).ravel(), 6)
    assert inside.mean() > 5 * np.abs(outside).max() if name != "rise" else inside.mean() > outside.max()


@pytest.mark.parametrize("name", CHEAP)
def test_the_same_question_has_the_same_answer(net, name):
    one, again = (getattr(st, name)(net, picture(), "all", **CHEAP[name]) for _ in range(2))
    assert np.array_equal(one.values, again.values)


def test_several_at_once_share_what_they_ask(net):
    names = ["kernel_shap", "shapley_sampling", "lime", "hsic"]
    found = st.explain(net, picture(), names, "spot", cells=3, grid=3, samples=600)
    forwards = [found[name].passes.forward for name in names]
    assert forwards == [1 + 1 + 510, 1, 1 + 600, 1]
    assert found.passes.forward == 1 + 1 + 510 + 600
    np.testing.assert_allclose(found["kernel_shap"].values, found["shapley_sampling"].values, atol=1e-5)
