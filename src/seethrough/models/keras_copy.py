"""Keras networks as something that can be changed: their parameters by name, and another model with the same weights."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import torch

from seethrough.errors import NetworkRefused
from seethrough.models.state import random_state_kept


def parameters_of(model: Any) -> dict[str, torch.Tensor]:
    """A model's live parameters by their variables' paths (``"conv1/kernel"``; of two of one path the second is
    ``"conv1/kernel#2"``): those that training would change were no layer frozen, so no running statistics.
    """
    found: dict[str, torch.Tensor] = {}
    for variable in _variables(model):
        path = next(p for i in range(1, len(found) + 2) if (p := _numbered(variable.path, i)) not in found)
        found[path] = variable.value
    return found


def _numbered(path: str, times: int) -> str:
    return path if times == 1 else f"{path}#{times}"


def _variables(model: Any) -> Iterator[Any]:
    """Keras keeps those of a frozen layer among the trainable ones of the layer, and not of the model."""
    seen: set[int] = set()
    for layer in _layers(model):
        for variable in layer._trainable_variables:
            if id(variable) not in seen:
                seen.add(id(variable))
                yield variable


def _layers(model: Any) -> list[Any]:
    return [model, *model._flatten_layers(include_self=False, recursive=True)]


def copied(model: Any) -> Any:
    """Another model with the same layers by the same names, and the same weights; built from the model's own
    description, nothing through pickle.

    Raises
    ------
    NetworkRefused
        A model that can't describe itself (a layer of one's own without ``get_config``); names it.
    """
    keras = importlib.import_module("keras")
    own = {type(layer).__name__: type(layer) for layer in _layers(model) if not _is_keras(type(layer))}
    try:
        described = keras.saving.serialize_keras_object(model)
        described.pop("compile_config", None)
        with random_state_kept(), keras.saving.custom_object_scope(own):
            copy = keras.saving.deserialize_keras_object(described, safe_mode=False)
            if not copy.built:
                copy.build(model.input_shape)
        pairs = list(zip(copy.variables, model.variables, strict=True))
        for mine, theirs in pairs:
            mine.assign(theirs.value)
    except Exception as error:  # by what the model is made of: NotImplementedError, TypeError, ValueError…
        raise NetworkRefused(
            f"{model.name} can't be described to be built a second time ({' '.join(str(error).split())[:150]}); give its "
            "layers a get_config."
        ) from error
    return copy


def _is_keras(kind: type) -> bool:
    return kind.__module__.partition(".")[0] == "keras"


__all__ = ["copied", "parameters_of"]
