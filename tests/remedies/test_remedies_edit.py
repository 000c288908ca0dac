"""A copy of a network in which exactly the named weights are others."""

import hashlib

import numpy as np
import pytest
import torch
from small_networks import SIDE, Normed, facts_of_noise, keras_model, opened

import seethrough as st
from seethrough.errors import NetworkRefused, UsageError
from seethrough.remedies.edit import edited
from seethrough.remedies.rung import Edit
from seethrough.remedies.weights import block, head, parameters

NETWORKS = {"torch": Normed, "keras": keras_model}


def state(module):
    """Every number that a network keeps, by name: statistics too."""
    if hasattr(module, "variables"):
        return {v.path: v.value.detach().clone() for v in module.variables}
    return {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}


def digest(module):
    found = hashlib.sha256()
    for name, tensor in state(module).items():
        found.update(name.encode() + tensor.numpy().tobytes())
    return found.hexdigest()


@pytest.mark.parametrize("kind", NETWORKS)
def test_exactly_what_is_named_changes_and_the_first_network_stays(kind):
    net = opened(NETWORKS[kind]())
    before, was = digest(net.module), state(net.module)
    named = [*block(net), *head(net, facts_of_noise(net)).paths]
    change = {path: torch.full_like(parameters(net)[path], 0.25) for path in named}
    found = edited(net, Edit(change))
    assert digest(net.module) == before and type(found.module) is type(net.module)
    now = state(found.module)
    assert list(now) == list(was)
    for path, value in now.items():
        if path in change:
            assert torch.equal(value, change[path])
        else:
            assert torch.equal(value, was[path])  # statistics of normalisations too
    assert found.fingerprint != net.fingerprint and found.provenance["weights"] == "repaired"
    assert not {t.data_ptr() for t in parameters(net).values()} & {t.data_ptr() for t in parameters(found).values()}


@pytest.mark.parametrize("kind", NETWORKS)
def test_nothing_named_is_the_same_network_with_all_that_was_known_of_it(kind):
    net = opened(NETWORKS[kind]())
    found = edited(net, Edit())
    images = np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE, 3), dtype=np.uint8)
    one, other = (each.predict(list(images)) for each in (net, found))
    assert np.array_equal(one.values, other.values) and one.labels == other.labels
    assert found.fingerprint == net.fingerprint and found.opened.preprocessing == net.opened.preprocessing
    assert found.input_size == net.input_size and list(found.layers) == list(net.layers)
    assert not {id(layer) for layer in found.layers.values()} & {id(layer) for layer in net.layers.values()}
    for path in net.layers:
        assert found.layers_info[path] == net.layers_info[path]


def test_a_keras_model_of_layers_of_ones_own_is_copied():
    import keras

    class Doubled(keras.layers.Layer):
        def call(self, x):
            return 2 * x

    model = keras.Sequential(
        [keras.Input((SIDE, SIDE, 3)), Doubled(), keras.layers.Flatten(), keras.layers.Dense(2, name="named")]
    )
    model.compile("adam", "mse")
    net = opened(model)
    found = edited(net, Edit({"named/bias": torch.tensor([5.0, 0.0])}))
    image = np.zeros((SIDE, SIDE, 3), np.uint8)
    assert np.allclose(found.predict([image]).values - net.predict([image]).values, [[5, 0]], atol=1e-6)


def test_a_nested_keras_model_with_frozen_layers_is_copied():
    import keras

    inner = keras_model()
    inner.get_layer("first").trainable = False
    body = keras.Model(inner.input, inner.get_layer("third").output, name="body")
    body.trainable = False
    x = keras.layers.Dropout(0.5)(keras.layers.GlobalAveragePooling2D()(body(inner.input)))
    net = opened(keras.Model(inner.input, keras.layers.Dense(2, name="read")(x)))
    found = edited(net, Edit({"read/bias": torch.tensor([5.0, 0.0])}))
    image = np.random.default_rng(1).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    assert np.allclose(found.predict([image]).values - net.predict([image]).values, [[5, 0]], atol=1e-5)
    for path, layer in net.layers.items():
        assert not layer.weights or found.layers[path].trainable == layer.trainable
    assert list(found.layers) == list(net.layers) and "body/second" in found.layers


def test_what_does_not_fit_is_refused_and_nothing_is_half_done():
    net = opened(Normed())
    with pytest.raises(UsageError, match=r"no parameter 'haed\.bias'.*Nearest: head\.bias"):
        edited(net, Edit({"haed.bias": torch.zeros(2)}))
    with pytest.raises(UsageError, match=r"shape \(2,\), and not \(3,\)"):
        edited(net, Edit({"head.bias": torch.zeros(3)}))
    with pytest.raises(UsageError, match="aren't all finite"):
        edited(net, Edit({"head.bias": torch.tensor([0.0, np.nan])}))
    black = st.open(lambda x: x.mean((1, 2))[:, :2], input_size=(SIDE, SIDE, 3), preprocessing="unit")
    with pytest.raises(NetworkRefused, match="is a function"):
        edited(black, Edit())


@pytest.mark.parametrize("network", [Normed, lambda: Normed(1), keras_model, lambda: keras_model(1)])
def test_a_wrapper_answers_behind_the_network_as_the_network_does(network):
    net = opened(network(), classes=None)
    facts = facts_of_noise(net)
    images = list(np.random.default_rng(0).integers(0, 256, (4, SIDE, SIDE, 3), dtype=np.uint8))
    before = net.predict(images).values
    same = edited(net, Edit(wrapper=lambda features, logits: logits), facts)
    assert np.allclose(same.predict(images).values, before, atol=1e-5)
    other = edited(
        net, Edit(wrapper=lambda features, logits: logits + (features[:, :1] + 1) * torch.tensor([0.0, 1])), facts
    )
    assert not np.allclose(other.predict(images).values, before, atol=1e-3)
    assert digest(net.module) == digest(net.module) and np.array_equal(net.predict(images).values, before)
    assert list(same.layers) == list(net.layers)
    assert st.explain(same, images[0], "gradcam")["gradcam"].layer in net.layers


def test_a_network_in_half_precision_is_edited_in_float32():
    net = opened(Normed().half())
    found = edited(net, Edit({"head.bias": torch.tensor([1.0, 2.0])}))
    assert {tensor.dtype for tensor in parameters(found).values()} == {torch.float32}
