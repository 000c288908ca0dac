"""Keras networks of few bits, explained in float32: built again from their own description, with their weights widened.

Keras says in a *dtype policy* what a layer computes in and what it keeps. A model of another policy than float32 or
float64 is described, the policies in the description are replaced, and the weights go over, those of a quantized layer
multiplied out.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import torch

from seethrough.errors import InputRefused
from seethrough.models.state import random_state_kept
from seethrough.results import Note

WIDE = ("float32", "float64")
POLICIES = ("DTypePolicy", "FloatDTypePolicy", "QuantizedDTypePolicy", "QuantizedFloat8DTypePolicy", "DTypePolicyMap")
FLOAT32 = {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": None}


def in_float32(keras: ModuleType, model: Any) -> tuple[Any, tuple[Note, ...]]:
    """The model as it is where it computes in float32 or float64; else one like it in float32, and a note.

    Returns
    -------
    model
        The person's own, or another with the same layers by the same names.
    notes
        Empty, or ``explained_in_float32`` with ``dtype`` (the policies, joined with ``" and "``) and ``layers``.

    Raises
    ------
    InputRefused
        A quantized layer that can't be undone, or a model that can't be described; names the layer.
    """
    narrow = {path: name for path, name in _policies(model) if name not in WIDE}
    if not narrow:
        return model, ()
    kinds = " and ".join(sorted(set(narrow.values())))
    try:
        described = _wide(keras.saving.serialize_keras_object(model))
        with random_state_kept():
            widened = keras.saving.deserialize_keras_object(described, safe_mode=False)
            if not widened.built:
                widened.build(model.input_shape)
    except Exception as error:  # by what the model is made of: NotImplementedError, TypeError, ValueError…
        raise InputRefused(
            f"{model.name} computes in {kinds} and can't be described to be built again in float32 "
            f"({' '.join(str(error).split())[:150]}); save it with the dtype policy float32."
        ) from error
    for mine, theirs in zip(_layers(widened), _layers(model), strict=True):
        _hand_over(mine, theirs)
    return widened, (Note("explained_in_float32", "info", {"dtype": kinds, "layers": len(narrow)}),)


def _layers(model: Any) -> list[Any]:
    return list(model._flatten_layers(include_self=False, recursive=True))


def _policies(model: Any) -> Iterator[tuple[str, str]]:
    """Name of each layer that computes something, with its dtype policy as it shows."""
    for i, layer in enumerate(_layers(model)):
        mode = getattr(layer, "quantization_mode", None)
        policy = layer.dtype_policy
        if mode is not None:
            yield f"{i} {layer.name}", str(mode)
        elif layer.weights:
            narrow = [d for d in (policy.compute_dtype, policy.variable_dtype) if d not in WIDE and d is not None]
            yield f"{i} {layer.name}", narrow[0] if narrow else "float32"


def _wide(described: Any) -> Any:
    """A description with float32 wherever it names a policy; what is float64 stays."""
    if isinstance(described, list | tuple):
        return type(described)(_wide(each) for each in described)
    if not isinstance(described, dict):
        return described
    if described.get("class_name") in POLICIES:
        return described if (described.get("config") or {}).get("name") == "float64" else FLOAT32
    found = {key: _wide(value) for key, value in described.items()}
    found.pop("quantization_config", None)
    if isinstance(found.get("dtype"), str) and found["dtype"] not in WIDE and "float" in found["dtype"]:
        found["dtype"] = "float32"
    return found


def _hand_over(mine: Any, theirs: Any) -> None:
    """The weights of a layer itself (not of those inside) to the one like it."""
    if getattr(theirs, "quantization_mode", None) is not None:
        _multiplied_out(mine, theirs)
        return
    for name, variable in _own(theirs).items():
        _own(mine)[name].assign(variable.value.to(torch.float32) if variable.value.is_floating_point() else variable)


def _own(layer: Any) -> dict[str, Any]:
    """The variables that a layer made itself, by name."""
    inside = {id(variable) for each in layer._flatten_layers(include_self=False) for variable in each.variables}
    return {variable.name: variable for variable in layer.variables if id(variable) not in inside}


def _multiplied_out(mine: Any, theirs: Any) -> None:
    """The weights that a quantized layer stands for: whole numbers over their scale."""
    if type(theirs).__name__ not in ("Dense", "EinsumDense") or theirs.quantization_mode != "int8":
        raise InputRefused(
            f"The layer {theirs.name} is a {type(theirs).__name__} quantized as {theirs.quantization_mode}, which "
            "Seethrough can't turn into float32; open the model as it was before it was quantized."
        )
    kernel, scale = theirs._kernel.value.to(torch.float32), theirs.kernel_scale.value
    if type(theirs).__name__ == "EinsumDense":
        # The scale is kept as the output has its axes; the kernel's have another order.
        scale = theirs._adjust_scale_for_dequant(scale)
    mine._kernel.assign(kernel / scale)
    if theirs.bias is not None:
        mine.bias.assign(theirs.bias.value.to(torch.float32))
