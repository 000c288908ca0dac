"""A Keras transformer with a convolution in front, written channels last: DeepLIFT adds up, AttnLRP is input × gradient of
the same network with its constants detached, pixel by pixel in Keras' own layout.
"""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import seethrough as st

keras = pytest.importorskip("keras", reason="Keras isn't installed; it comes with the extra `keras`")
pytestmark = pytest.mark.skipif(keras.backend.backend() != "torch", reason="Keras runs on another backend here")

POSITIONS = np.random.default_rng(3).normal(size=(1, 6, 8))


@pytest.fixture(scope="module")
def model():
    """One block behind patches of 8 × 8 and positions, in double precision."""
    layers = keras.layers
    keras.utils.set_random_seed(0)
    before, policy = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")  # which floatx doesn't move once anybody has set one
    try:
        picture = keras.Input((24, 16, 3))
        x = layers.Reshape((6, 8))(layers.Conv2D(8, 8, 8, name="patches")(picture))
        x = x + POSITIONS
        y = layers.LayerNormalization(name="norm1")(x)
        x = layers.Add()([x, layers.MultiHeadAttention(2, 4, name="heads")(y, y)])
        y = layers.LayerNormalization(name="norm2")(x)
        y = layers.Dense(8, name="narrow")(layers.Dense(24, activation="gelu", name="wide")(y))
        x = layers.LayerNormalization(name="norm3")(layers.Add()([x, y]))
        out = layers.Dense(5, name="head")(layers.GlobalAveragePooling1D()(x))
        built = keras.Model(picture, out)
        random = np.random.default_rng(1)
        built.set_weights([w + 0.1 * random.normal(size=w.shape) for w in built.get_weights()])
    finally:
        keras.config.set_floatx(before)
        keras.config.set_dtype_policy(policy)
    return built


def pictures():
    return np.random.default_rng(2).normal(size=(2, 24, 16, 3))


def by_hand(model, x):
    """(N, 24, 16, 3): the picture times the gradient of output 1, where activations are constants times their input, spreads
    are constants and the factors of a product have half of its derivative each.
    """

    def of(name):
        return [torch.as_tensor(w) for w in model.get_layer(name).get_weights()]

    def norm(t, name):
        scale, shift = of(name)
        c = t - t.mean(-1, keepdim=True)
        eps = model.get_layer(name).epsilon
        return c / (c.square().mean(-1, keepdim=True) + eps).sqrt().detach() * scale + shift

    def half(a, b):
        return (a @ b.detach() + a.detach() @ b) / 2

    leaf = torch.from_numpy(x).requires_grad_()
    kernel, bias = of("patches")
    t = (
        F.conv2d(leaf.permute(0, 3, 1, 2), kernel.permute(3, 2, 0, 1), bias, 8)
        .permute(0, 2, 3, 1)
        .reshape(len(x), 6, 8)
    )
    t = t + torch.from_numpy(POSITIONS)
    y = norm(t, "norm1")
    wq, bq, wk, bk, wv, bv, wo, bo = of("heads")
    q, k, v = (torch.einsum("ntc,chd->nhtd", y, w) + b[:, None] for w, b in ((wq, bq), (wk, bk), (wv, bv)))
    o = half((half(q, k.mT) * 0.5).softmax(-1), v)
    t = t + torch.einsum("nhtd,hdc->ntc", o, wo) + bo
    (w1, b1), (w2, b2) = of("wide"), of("narrow")
    z = norm(t, "norm2") @ w1 + b1
    t = norm(t + (z * (F.gelu(z) / z).detach()) @ w2 + b2, "norm3")
    w, b = of("head")
    score = (t.mean(1) @ w + b)[:, 1]
    (gradient,) = torch.autograd.grad(score.sum(), leaf)
    return (leaf * gradient).detach().numpy(), score.detach().numpy()


def test_attnlrp_without_gamma_is_input_times_gradient_with_constants_detached(model):
    x = pictures()
    expected, scores = by_hand(model, x)
    found = st.attnlrp(st.open(model, preprocessing="unit"), x, target=1, linear_gamma=0, patch_gamma=0)
    np.testing.assert_allclose(found.scores, scores, rtol=1e-5)
    np.testing.assert_allclose(found.values, expected, rtol=0, atol=1e-3 * np.abs(expected).max())  # ε


@pytest.mark.parametrize("method", [st.deeplift, st.deeplift_revcancel, st.deepshap])
def test_contributions_add_up_to_the_rise_in_keras_too(model, method):
    found = method(st.open(model, preprocessing="unit"), pictures(), target=3)
    gaps = [n.numbers["gaps"] for n in found.checks if n.name == "summation_to_delta"]
    assert len(gaps) == 2 and max(gaps) < 1e-5
    assert found.values.shape == (2, 24, 16, 3)
