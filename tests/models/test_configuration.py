"""Configurations of Keras models that would do more than compute; each known attack is refused as text."""

import json

import pytest

from seethrough.errors import InputRefused
from seethrough.models.configuration import check_configuration, without_compilation


def entry(class_name, config=None, module="keras.layers", registered_name=None):
    return {"module": module, "class_name": class_name, "config": config or {}, "registered_name": registered_name}


def model(*layers):
    return entry("Sequential", {"name": "m", "layers": list(layers)}, "keras")


GLOROT = entry("GlorotUniform", {"seed": None}, "keras.initializers")
FLOAT = entry("DTypePolicy", {"name": "float32"}, "keras")
DENSE = entry("Dense", {"name": "top", "activation": "softmax", "kernel_initializer": GLOROT, "dtype": FLOAT})


def test_layers_that_only_compute_pass():
    relu = {"module": "builtins", "class_name": "function", "config": "relu", "registered_name": "relu"}
    operation = entry("GetItem", {"name": "get_item"}, "keras.src.ops.numpy", "GetItem")
    inner = {"name": "inner", "layers": [operation, DENSE]}
    nested = entry("Functional", inner, "keras.src.models.functional", "Functional")
    check_configuration(model(nested, entry("Activation", {"name": "a", "activation": relu}), DENSE), "the file")
    older = {"class_name": "Conv2D", "config": {"name": "c"}, "inbound_nodes": []}
    check_configuration({"class_name": "Model", "config": {"layers": [older]}}, "the file")


ATTACKS = {
    "Lambda": entry("Lambda", {"name": "evil", "function": {"class_name": "__lambda__", "config": {"value": "…"}}}),
    "would run code": entry("TorchModuleWrapper", {"name": "evil", "module": "…pickled…"}),
    "TFSMLayer": entry("TFSMLayer", {"name": "evil", "filepath": "/tmp/x"}),
    "may read other files": entry("StringLookup", {"name": "evil", "vocabulary": "/etc/passwd"}),
    "isn't Keras' own": entry("Popen", {"name": "evil", "args": "id"}, "subprocess"),
    "custom class 'mine>Dense'": entry("Dense", {"name": "evil"}, None, "mine>Dense"),
    "isn't among Keras' layers": entry("ProgbarLogger", {"name": "evil"}, "keras.callbacks"),
}


@pytest.mark.parametrize("words", ATTACKS)
def test_a_layer_that_does_more_is_refused_by_name(words):
    for hidden in (ATTACKS[words], entry("TimeDistributed", {"name": "outer", "layer": ATTACKS[words]})):
        with pytest.raises(InputRefused, match=words) as refused:
            check_configuration(model(DENSE, hidden), "the file")
        assert "'evil'" in str(refused.value) and "allow_code" in str(refused.value)


@pytest.mark.parametrize(
    "function",
    [
        entry("function", "eval", "builtins", "eval"),
        entry("function", "system", "os", "system"),
        entry("function", "get_file", "keras.utils", "get_file"),
        entry("function", "enable_unsafe_deserialization", "keras.config"),
        entry("function", "relu", "keras.activations", "mine>relu"),
    ],
)
def test_a_function_that_is_no_activation_is_refused_wherever_it_stands(function):
    inside = entry("Dense", {"name": "x", "activation": function})
    beside = {**DENSE, "inbound_nodes": [{"args": [function], "kwargs": {}}]}
    for layer in (inside, beside):
        with pytest.raises(InputRefused, match="calls the function"):
            check_configuration(model(layer), "the file")


@pytest.mark.parametrize("top", [entry("MyModel", {}, "mine", "mine>MyModel"), {}, entry("Lambda")])
def test_a_model_of_ones_own_class_is_refused(top):
    with pytest.raises(InputRefused, match="code of its own"):
        check_configuration(top, "the file")


def test_odd_types_and_deep_nests_are_refused():
    with pytest.raises(InputRefused, match="in a way that Keras doesn't"):
        check_configuration(model({"class_name": ["Dense"], "config": {}}), "the file")
    deep = DENSE
    for _ in range(300):
        deep = {"config": deep}
    with pytest.raises(InputRefused, match="deep"):
        check_configuration(model(deep), "the file")


def test_compilation_is_taken_out_at_every_depth_and_the_original_is_kept():
    inner = {**model(DENSE), "compile_config": {"loss": entry("Lambda")}}
    whole = {**model(inner), "compile_config": {"optimizer": "adam"}}
    before = json.dumps(whole)
    assert "compile_config" not in json.dumps(without_compilation(whole)) and json.dumps(whole) == before
    check_configuration(without_compilation(whole), "the file")
