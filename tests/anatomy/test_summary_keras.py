"""Keras models: totals as Keras counts them, rows in Keras' order, shapes channels last."""

import os

import pytest

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras", reason="keras isn't installed")

import numpy as np  # noqa: E402
from anatomy_networks import written_down  # noqa: E402

from seethrough.anatomy.layers import describe_layer, named_arrays  # noqa: E402
from seethrough.anatomy.summary import summarize  # noqa: E402
from seethrough.models.open import open_model  # noqa: E402

if keras.backend.backend() != "torch":
    pytest.skip("Keras runs on another backend than torch in this process", allow_module_level=True)

layers = keras.layers


def small():
    inner = keras.Sequential(
        [layers.Conv2D(6, 3, padding="same", name="c"), layers.BatchNormalization(name="n")], name="inner"
    )
    x = entry = keras.Input((16, 12, 3), name="picture")
    x = layers.Conv2D(4, 3, strides=2, activation="relu", name="first")(x)
    x = inner(x)
    shared = layers.Conv2D(6, 3, padding="same", name="shared")
    x = layers.MaxPooling2D(name="pool")(layers.Add(name="sum")([shared(x), shared(shared(x))]))
    x = layers.Dense(5, activation="softmax", name="head")(layers.GlobalAveragePooling2D(name="mean")(x))
    return keras.Model(entry, x, name="small")


def of(counted):
    return sum(int(np.prod(w.shape)) for w in counted)


@pytest.fixture(scope="module")
def opened():
    model = small()
    model.get_layer("first").trainable = False
    found = open_model(model)
    return found, written_down(found)


def test_totals_are_keras_own(opened):
    summary, model = summarize(*opened), opened[0].module
    assert summary.parameters == model.count_params()
    assert summary.trainable == of(model.trainable_weights) and summary.frozen == of(model.non_trainable_weights)
    assert summary.buffers == 0
    assert "not trainable" in str(summary)


def test_rows_are_the_layers_in_order_with_nested_models_as_trees(opened):
    summary, model = summarize(*opened), opened[0].module
    assert [row.path for row in summary.rows] == [layer.name for layer in model.layers]
    inner = next(row for row in summary.rows if row.path == "inner")
    assert [row.path for row in inner.children] == ["inner/c", "inner/n"] and [row.name for row in inner.children] == [
        "c",
        "n",
    ]
    assert inner.count.parameters == model.get_layer("inner").count_params()
    for row, layer in zip(summary.rows, model.layers):
        assert row.count.parameters == layer.count_params(), row.path


def test_shapes_are_channels_last_and_fields_follow_height_and_width(opened):
    rows = {row.path: row for top in summarize(*opened).rows for row in top.walk()}
    assert rows["picture"].outputs == ((16, 12, 3),) and rows["picture"].state == ""
    assert rows["first"].outputs == ((7, 5, 4),)
    assert rows["first"].receptive.size == (3, 3) and rows["first"].receptive.stride == (2, 2)
    assert rows["inner"].receptive.size == (7, 7)
    assert rows["shared"].calls == 3 and rows["shared"].macs == 3 * 7 * 5 * 6 * 6 * 9
    assert rows["sum"].receptive.size == (15, 15)
    assert rows["mean"].outputs == ((6,),) and rows["head"].outputs == ((5,),)


def test_a_graph_in_the_networks_own_layout_tells_the_same(opened):
    found, graph = opened
    own, canonical = (summarize(found, g).to_dict() for g in (written_down(found, canonically=False), graph))
    for row in (*own["layers"], *canonical["layers"]):
        del row["activations"]  # Keras' layers turn what they take and make a copy of it; the graph doesn't
    assert own == canonical


def test_weights_have_keras_names_and_a_layer_its_configuration(opened):
    found, graph = opened
    report = describe_layer(found, graph, "inner/n")
    assert [w.name for w in report.weights] == ["gamma", "beta", "moving_mean", "moving_variance"]
    assert [w.trainable for w in report.weights] == [True, True, False, False]
    assert report.configuration == found.layers["inner/n"].get_config()
    arrays = named_arrays(found, "inner")
    assert len(arrays) == len(found.arrays["inner"]) == 6
    assert all(np.array_equal(a, b) for a, b in zip(arrays.values(), found.layers["inner"].get_weights()))
    assert list(named_arrays(found, "first")) == ["kernel", "bias"]


def test_layers_that_keep_layers_count_their_weights_once():
    model = keras.Sequential([keras.Input((6, 8)), layers.Bidirectional(layers.GRU(5), name="two"), layers.Dense(3)])
    summary = summarize(open_model(model))
    assert summary.parameters == model.count_params()
    assert sum(row.count.parameters for row in summary.rows) == model.count_params()


def test_vgg16_has_its_published_size_without_its_weights_being_computed():
    with keras.device("meta"):
        model = keras.applications.VGG16(weights=None)
    summary = summarize(open_model(model))
    assert summary.parameters == summary.trainable == 138_357_544
    assert summary.bytes == 4 * 138_357_544
