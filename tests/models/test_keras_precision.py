"""Keras models of few bits: explained in a float32 model with the same weights, the person's own untouched."""

import numpy as np
import pytest

from seethrough.errors import InputRefused
from seethrough.models import open_model

keras = pytest.importorskip("keras")


def network(policy):
    """Every way in which a layer may be nested, and two kinds that can be quantized."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        keras.utils.set_random_seed(0)
        given = keras.Input((8, 8, 3))
        x = keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 3)(keras.layers.Rescaling(1 / 255.0)(given)))
        x = keras.Sequential([keras.Input((6, 6, 4)), keras.layers.Conv2D(4, 3, activation="relu")], name="inner")(x)
        x = keras.layers.Reshape((16, 4))(x)
        x = keras.layers.Flatten()(keras.layers.MultiHeadAttention(2, 4)(x, x))
        return keras.Model(given, keras.layers.Dense(5)(keras.layers.Dense(6, activation="relu")(x)))
    finally:
        keras.config.set_dtype_policy(before)


def answers(model):
    images = np.random.default_rng(0).random((2, 8, 8, 3)).astype(np.float32) * 255
    return model(images, training=False).detach().float().numpy()


def notes_of(opened):
    return {note.name: dict(note.numbers) for note in opened.notes}


@pytest.mark.parametrize("policy", ["mixed_float16", "float16", "mixed_bfloat16", "bfloat16"])
def test_half_and_mixed_precision_is_explained_in_a_float32_model_with_the_very_weights(policy):
    model = network(policy)
    before = [(variable.path, str(variable.dtype), variable.value.data_ptr()) for variable in model.variables]
    opened = open_model(model)
    assert [(v.path, str(v.dtype), v.value.data_ptr()) for v in model.variables] == before
    assert opened.module is not model and {v.dtype for v in opened.module.weights} == {"float32"}
    assert [layer.name for layer in opened.module.layers] == [layer.name for layer in model.layers]
    for mine, theirs in zip(opened.module.weights, model.weights):
        assert np.array_equal(mine.value.detach().numpy(), theirs.value.detach().float().numpy())
    bits = 8 if "bfloat16" in policy else 11
    assert np.abs(answers(opened.module) - answers(model)).max() <= 8 * 2**-bits * np.abs(answers(model)).max()
    assert notes_of(opened)["explained_in_float32"] == {"dtype": policy.removeprefix("mixed_"), "layers": 11}


@pytest.mark.parametrize("policy", ["float32", "float64"])
def test_wide_models_are_taken_as_they_are(policy):
    model = network(policy)
    opened = open_model(model)
    assert opened.module is model and "explained_in_float32" not in notes_of(opened)


@pytest.mark.filterwarnings("ignore")  # Keras says of each layer that it can't quantize
def test_an_int8_model_is_multiplied_out():
    model = network("float32")
    before = answers(model)
    model.quantize("int8")
    opened = open_model(model)
    assert notes_of(opened)["explained_in_float32"] == {"dtype": "int8", "layers": 6}
    scale = np.abs(before).max()
    assert 0 < np.abs(answers(opened.module) - before).max() <= 0.02 * scale
    assert np.abs(answers(opened.module) - answers(model)).max() <= 0.03 * scale
    assert model.layers[-1].quantization_mode == "int8"


@pytest.mark.filterwarnings("ignore")
def test_a_quantization_that_can_not_be_undone_names_the_layer():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="head")])
    model.quantize("int4")
    with pytest.raises(InputRefused, match="layer head is a Dense quantized as int4"):
        open_model(model)


def test_a_half_precision_model_of_a_persons_own_class_that_can_not_be_described_is_refused_in_a_sentence():
    class Own(keras.Model):
        def __init__(self, width):
            super().__init__(dtype="float16")
            self.dense = keras.layers.Dense(width, dtype="float16")

        def call(self, x):
            return self.dense(x)

    model = Own(3)
    model(np.zeros((1, 4), np.float16))
    with pytest.raises(InputRefused, match=r"computes in float16 and can't be described .* dtype policy float32"):
        open_model(model)
