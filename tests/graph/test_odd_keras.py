"""Keras networks as people write them: gradients are autograd's own through the model itself, and the model is left as
it was found.
"""

import os

import pytest
import torch

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras", reason="keras isn't installed")
if keras.config.backend() != "torch":
    pytest.skip("keras runs on another backend than torch", allow_module_level=True)

from inspection import differences, everything, fake_left  # noqa: E402
from keras import layers, ops  # noqa: E402

from seethrough.graph.outputs import output_tensors  # noqa: E402
from seethrough.graph.run import Run  # noqa: E402
from seethrough.network import open as open_network  # noqa: E402

SIZE = (10, 12, 3)
ASKED = ((3, 0), (3, 1), (1, 2))


def built(*some):
    """A sequence of layers between an input and four classes."""
    x = image = keras.Input(SIZE)
    for layer in some:
        x = layer(x)
    if len(x.shape) > 2:
        x = layers.GlobalAveragePooling2D()(x) if len(x.shape) == 4 else layers.GlobalAveragePooling1D()(x)
    return keras.Model(image, layers.Dense(4, name="answer")(x))


def conv(filters=6, size=3, **more):
    return layers.Conv2D(filters, size, **more)


def tokens():
    return layers.Reshape((-1, 6))


def in_sequence():
    return keras.Sequential(
        [keras.Input(SIZE), conv(activation="relu"), layers.BatchNormalization(), layers.Flatten(), layers.Dense(4)]
    )


def with_a_residual():
    image = keras.Input(SIZE)
    x = layers.BatchNormalization()(conv(padding="same")(image))
    y = layers.Concatenate()([layers.ReLU()(x), layers.Activation("swish")(x)])
    y = layers.Add()([conv(padding="same")(layers.ZeroPadding2D(1)(y)[:, 1:-1, 1:-1]), x])
    return keras.Model(image, layers.Softmax()(layers.Dense(4)(layers.GlobalMaxPooling2D()(y))))


def nested():
    inner = keras.Sequential(
        [keras.Input((8, 10, 6)), conv(activation="relu", name="deep"), layers.MaxPooling2D()], name="inner"
    )
    return built(conv(), keras.Sequential([keras.Input((8, 10, 6)), inner], name="outer"))


def with_a_shared_layer():
    shared = conv(padding="same", activation="relu", name="shared")
    return built(conv(), shared, shared, shared)


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.first, self.norm, self.last = conv(), layers.LayerNormalization(), layers.Dense(4)

    def call(self, x, training=False):
        y = ops.relu(self.norm(self.first(x)))
        y = y * ops.sigmoid(ops.mean(y, axis=(1, 2), keepdims=True))
        return self.last(ops.max(y, axis=(1, 2)))


def subclassed():
    model = Subclassed()
    model(torch.zeros(1, *SIZE))
    return model


class Gate(layers.Layer):
    def build(self, shape):
        self.scale = self.add_weight(shape=(shape[-1],), initializer="ones", name="scale")
        self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False, name="calls")

    def call(self, x):
        self.calls.assign_add(1.0)
        return ops.where(x > 0, x * self.scale * self.calls, ops.exp(ops.minimum(x, 0.0)) - 1)


def with_a_layer_that_counts():
    return built(conv(), Gate(), conv(activation="elu"))


class Negated(layers.Layer):
    def call(self, x):
        @keras.ops.custom_gradient
        def negate(x):
            def grad(*args, upstream=None):
                return (args[0] if upstream is None else upstream) * -2

            return x * 1.0, grad

        return negate(x)


def with_a_gradient_of_its_own():
    return built(conv(), Negated(), layers.ReLU())


def of_operations():
    image = keras.Input(SIZE)
    y = ops.einsum("bhwc,cd->bhwd", image, ops.ones((3, 6)) / 3)
    y = ops.concatenate(ops.split(ops.transpose(y, (0, 3, 1, 2)), 2, axis=1), axis=1)
    y = ops.reshape(y, (-1, 6, 120))
    return keras.Model(image, layers.Dense(4)(ops.logsumexp(y, axis=2)))


def recurring():
    return built(conv(strides=4), tokens(), layers.GRU(5, return_sequences=True), layers.Bidirectional(layers.LSTM(3)))


class Attends(layers.Layer):
    def __init__(self):
        super().__init__()
        self.attention = layers.MultiHeadAttention(2, 4)

    def call(self, x):
        return self.attention(x, x)


def attending():
    return built(conv(strides=2), tokens(), Attends(), layers.LayerNormalization())


def in_mixed_precision():
    return built(
        conv(dtype="mixed_bfloat16"),
        layers.ReLU(dtype="mixed_bfloat16"),
        layers.GlobalAveragePooling2D(dtype="float32"),
    )


def with_a_dict_of_outputs():
    image = keras.Input(SIZE)
    y = conv(activation="relu")(image)
    return keras.Model(image, {"features": y, "logits": layers.Dense(4)(layers.Flatten()(y))})


def with_augmentation():
    return built(
        layers.Rescaling(1 / 2, 0.1), layers.RandomFlip(), layers.RandomRotation(0.1), layers.GaussianNoise(0.3), conv(), layers.Dropout(0.4),
        layers.SpatialDropout2D(0.2),
    )  # fmt: skip


def separable():
    return built(
        layers.Normalization(mean=(0.1, 0.2, 0.3), variance=(1.0, 2.0, 3.0)), layers.SeparableConv2D(6, 3, strides=2, padding="same"),
        layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2), layers.PReLU(), layers.UpSampling2D(), layers.Conv2DTranspose(6, 3, strides=2),
        layers.GroupNormalization(2), layers.Cropping2D(1), layers.AveragePooling2D(3, padding="same"), layers.LeakyReLU(),
    )  # fmt: skip


def of_windows():
    image = keras.Input(SIZE)
    y = conv(8, padding="same")(image)[:, :8, :8]
    w = ops.reshape(ops.transpose(ops.reshape(y, (-1, 2, 4, 2, 4, 8)), (0, 1, 3, 2, 4, 5)), (-1, 16, 8))
    w = ops.matmul(ops.softmax(ops.matmul(w, ops.transpose(w, (0, 2, 1)))), w)
    return keras.Model(image, layers.Dense(4)(ops.mean(ops.reshape(w, (-1, 64, 8)), axis=1)))


MODELS = (
    in_sequence, with_a_residual, nested, with_a_shared_layer, subclassed, with_a_layer_that_counts, with_a_gradient_of_its_own, of_operations,
    recurring, attending, in_mixed_precision, with_a_dict_of_outputs, with_augmentation, separable, of_windows,
)  # fmt: skip


def answer(output):
    tensors = output_tensors(output)
    return tensors.get("logits", next(iter(tensors.values())))


def target(out, rows):
    return (out * torch.arange(1, 5)).sum(1)


@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_gradient_is_autograds_and_the_model_untouched(make):
    keras.utils.set_random_seed(0)
    model = make()
    network = open_network(model, input_size=SIZE)
    for batch, seed in ASKED:
        images = torch.randn(batch, *SIZE, generator=torch.Generator().manual_seed(seed)) * (1 + seed)
        before = everything(model, images)
        run = Run(network.source, images.movedim(-1, 1), target, probabilities=True)
        found = run.gradient().movedim(1, -1)
        assert differences(before, everything(model, images)) == []
        assert fake_left(model) == []
        leaf = images.clone().requires_grad_()
        kept = {w.path: w.value.detach().clone() for w in model.variables}
        (gradient,) = torch.autograd.grad(target(answer(model(leaf, training=False)), None).sum(), leaf)
        for w in model.variables:
            w.assign(kept[w.path])
        off = (found - gradient).abs() / gradient.abs().max()
        if make is in_mixed_precision:
            # explained in a float32 copy: its own gradient to rounding, and the model's own but for rectifiers whose input
            # bfloat16 rounds to the other side of 0
            copied = images.clone().requires_grad_()
            answered = target(answer(network.module(copied, training=False)), None).sum()
            (exact,) = torch.autograd.grad(answered, copied)
            assert (found - exact).abs().max() <= 1e-5 * exact.abs().max(), (batch, seed)
            assert off.flatten().quantile(0.9) <= 2e-2, (batch, seed)
        else:
            assert off.max() <= 1e-5, (batch, seed)
        assert network.source.why_not(images.movedim(-1, 1))[0] == "any batch", network.source.why_not(
            images.movedim(-1, 1)
        )


def test_layers_have_the_paths_a_person_uses():
    graph = open_network(nested(), input_size=SIZE).graph()
    assert {"outer", "outer/inner", "outer/inner/deep"} <= set(graph.layers)
    assert "outer/inner/deep/conv2d" in graph.operation_at
    assert "outer/inner/deep/relu" in graph.operation_at


def test_a_layer_called_three_times_has_three_values():
    graph = open_network(with_a_shared_layer(), input_size=SIZE).graph()
    places = [graph.place(path) for path in ("shared", "shared:2", "shared:3")]
    assert None not in places and len({place.value for place in places}) == 3
    assert {"shared/relu", "shared:2/relu", "shared:3/relu"} <= set(graph.operation_at)


def test_a_layers_value_is_what_it_returns():
    keras.utils.set_random_seed(0)
    model = nested()
    images = torch.rand(2, *SIZE)
    outer = model.layers[2]
    inner = outer.get_layer("inner")
    expected = inner.get_layer("deep")(model.layers[1](images))
    value = Run(open_network(model, input_size=SIZE).source, images.movedim(-1, 1), target).value("outer/inner/deep")
    assert torch.allclose(value, expected.movedim(-1, 1), atol=1e-6)
    assert (value >= 0).all(), "after the layer's own activation"
