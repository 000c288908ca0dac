"""Keras models of several inputs and outputs, functional and subclassed, explained as autograd has it."""

import numpy as np
import pytest
import torch

from seethrough import explain
from seethrough import open as open_network
from seethrough.errors import UsageError

keras = pytest.importorskip("keras")
layers = keras.layers

CHANCE = np.random.default_rng(0)
GIVEN = {
    "meta": CHANCE.normal(size=(3, 4)),
    "left": CHANCE.normal(size=(3, 8, 8, 3)).astype(np.float32),
    "right": CHANCE.normal(size=(3, 8, 8, 3)).astype(np.float32),
    "words": CHANCE.integers(0, 10, (3, 6)),
}


def model(structure=list, outputs=list):
    keras.utils.set_random_seed(0)
    inputs = {
        "meta": keras.Input((4,), name="meta"),
        "left": keras.Input((8, 8, 3), name="left"),
        "right": keras.Input((8, 8, 3), name="right"),
        "words": keras.Input((6,), dtype="int32", name="words"),
    }
    conv = layers.Conv2D(6, 3, activation="relu", name="conv")
    pictures = layers.Concatenate()([conv(inputs["left"]), conv(inputs["right"])])
    words = layers.GlobalAveragePooling1D()(layers.Embedding(10, 5)(inputs["words"]))
    both = layers.Concatenate()([layers.GlobalAveragePooling2D()(pictures), inputs["meta"], words])
    ends = {"kind": layers.Dense(3, activation="softmax", name="kind")(both), "age": layers.Dense(1, name="age")(both)}
    return keras.Model(
        inputs if structure is dict else list(inputs.values()), ends if outputs is dict else list(ends.values())
    )


def native(network, structure):
    tensors = {
        name: torch.as_tensor(np.asarray(t, np.float32 if t.dtype.kind == "f" else np.int64))
        for name, t in GIVEN.items()
    }
    tensors["left"].requires_grad_()
    outputs = network(tensors if structure is dict else list(tensors.values()), training=False)
    return tensors["left"], outputs


@pytest.mark.parametrize("structure", [list, dict])
@pytest.mark.parametrize("outputs", [list, dict])
def test_several_inputs_and_outputs_by_keras_own_names(structure, outputs):
    network = model(structure, outputs)
    leaf, answers = native(network, structure)
    kind, age = (answers["kind"], answers["age"]) if outputs is dict else answers
    net = open_network(network)
    assert net.inputs == {"left": (8, 8, 3), "meta": (4,), "right": (8, 8, 3), "words": (6,)}
    assert np.allclose(open_network(network, output="kind").predict(GIVEN).values, kind.detach(), atol=1e-6)
    (said,) = (n for n in net.predict(GIVEN).notes if n.name == "output_chosen")
    assert said.numbers["output"] == ("kind" if outputs is list else "age"), "Keras sorts the keys of a dict"
    by_age = open_network(network, output="age", task="regression")
    assert np.allclose(by_age.predict(GIVEN).values, age.detach(), atol=1e-6)
    (gradient,) = torch.autograd.grad(age.sum(), leaf)
    found = explain(by_age, GIVEN, ["saliency", "gradcam"], 0, layer="conv", batch_size=2)
    assert found["saliency"].values.shape == (3, 8, 8, 3)
    assert np.allclose(found["saliency"].values, gradient, rtol=1e-4, atol=1e-7)


def test_an_unknown_output_and_an_unknown_input_are_refused_with_those_there_are():
    with pytest.raises(UsageError, match=r"no output 'ages'\. Nearest: age.*There are: kind, age"):
        open_network(model(), output="ages").predict(GIVEN)
    with pytest.raises(UsageError, match=r"no input 'wrds'.*It has: meta, left, right, words"):
        open_network(model(), input_size={"wrds": (6,)})


def test_the_picture_that_is_said_first_is_explained():
    net = open_network(model(), input_size={"right": (8, 8, 3)})
    assert next(iter(net.inputs)) == "right" and net.inputs["words"] == (6,)
    assert np.allclose(net.predict(GIVEN).values, open_network(model()).predict(GIVEN).values, atol=1e-6)


def test_a_summary_of_several_inputs_needs_no_more_words():
    told = open_network(model()).summary()
    assert told.outputs == {"kind": (3,), "age": (1,)} and told.macs


class Subclassed(keras.Model):
    def __init__(self, by_name):
        super().__init__()
        self.by_name, self.conv, self.out = by_name, layers.Conv2D(4, 3), layers.Dense(2)

    def call(self, inputs):
        meta, image = (inputs["meta"], inputs["image"]) if self.by_name else inputs
        return self.out(keras.ops.concatenate([keras.ops.mean(self.conv(image), (1, 2)), meta], 1))


@pytest.mark.parametrize("by_name", [True, False])
def test_a_subclassed_model_takes_a_dict_or_a_list_as_was_said(by_name):
    network = Subclassed(by_name)
    meta, image = np.float32(GIVEN["meta"]), GIVEN["left"]
    given = {"meta": meta, "image": image} if by_name else {"0": meta, "1": image}
    expected = network(given if by_name else [meta, image])
    sizes = {name: t.shape[1:] for name, t in given.items()}
    net = open_network(network, input_size=sizes if by_name else list(sizes.values()))
    assert net.input_size == (8, 8, 3)
    assert np.allclose(net.predict(given).values, expected.detach(), atol=1e-6)
