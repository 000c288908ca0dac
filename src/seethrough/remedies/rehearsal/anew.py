"""Anew: an architecture as it was before training, and the same with one layer exchanged for another."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn as nn

from seethrough.errors import NetworkRefused
from seethrough.models.state import random_state_kept
from seethrough.network import Network

Make = Callable[[Any], Any]
"""From a layer to what stands in its place."""


def anew(net: Network, seed: int, side: int | None = None) -> nn.Module:
    """A network of the same architecture with the weights that training begins with; the person's own stays as it is.

    Parameters
    ----------
    side
        Height and width of its pictures, for a Keras model, whose layers know theirs; None for its own.

    Raises
    ------
    NetworkRefused
        Where it has weights of which nobody knows how they begin.
    """
    if net.opened.framework not in ("torch", "keras"):
        raise NetworkRefused(
            f"{net.opened.source} can't be trained anew: only PyTorch and Keras networks say how their weights begin."
        )
    with random_state_kept():
        torch.manual_seed(seed)
        return _keras(net.module, seed, side) if net.opened.framework == "keras" else _torch(net)


def _torch(net: Network) -> nn.Module:
    module = copy.deepcopy(net.module).cpu().train()
    for path, layer in module.named_modules():
        begins = getattr(layer, "reset_parameters", None)
        if callable(begins):
            begins()
        elif next(layer.parameters(recurse=False), None) is not None:
            raise NetworkRefused(
                f"{net.opened.source} can't be trained anew: nothing says how the weights of {path or 'the network itself'!r} "
                "begin (it has no reset_parameters)."
            )
    for parameter in module.parameters():
        parameter.requires_grad_(True)
    return module


def _keras(model: Any, seed: int, side: int | None) -> nn.Module:
    import keras

    given = None
    if side is not None:
        shape = model.input_shape
        given = keras.Input((side, side, shape[-1])) if len(shape) == 4 else None
    found = keras.models.clone_model(model, input_tensors=given)
    chance = torch.Generator().manual_seed(seed)
    for layer in plain_layers(found):
        _begin(layer, chance)
        layer.trainable = True
    return found


def _begin(layer: Any, chance: torch.Generator) -> None:
    """Draw a Keras layer's weights by its own initialisers, from this seed: those of a clone are drawn by chance."""
    for name, initializer in (
        ("kernel", "kernel_initializer"),
        ("depthwise_kernel", "depthwise_initializer"),
        ("pointwise_kernel", "pointwise_initializer"),
    ):
        variable, draws = getattr(layer, name, None), getattr(layer, initializer, None)
        if variable is not None and draws is not None:
            seed = int(torch.randint(2**31 - 1, (), generator=chance))
            config = draws.get_config()
            draws = type(draws).from_config({**config, "seed": seed} if "seed" in config else config)
            variable.assign(draws(variable.shape, dtype=variable.dtype))


def plain_layers(model: Any) -> Iterator[Any]:
    """A Keras model's layers, those of models inside it one by one."""
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from plain_layers(layer)
        else:
            yield layer


def with_layer(module: nn.Module, path: str, make: Make, framework: str) -> nn.Module:
    """A copy of a network with one layer exchanged; all other weights are the same.

    Parameters
    ----------
    make
        Given the layer, a copy of the original's, says what stands in its place. In Keras it is a layer that has not been called
        yet.
    """
    with random_state_kept():
        torch.manual_seed(0)  # what is new in it begins the same each time
        return _keras_with(module, path, make) if framework == "keras" else _torch_with(module, path, make)


def _torch_with(module: nn.Module, path: str, make: Make) -> nn.Module:
    found = copy.deepcopy(module)
    holder, _, name = path.rpartition(".")
    if path not in dict(found.named_modules()):
        raise NetworkRefused(f"There is no layer {path!r} of its own in this network that could be exchanged.")
    setattr(found.get_submodule(holder), name, make(found.get_submodule(path)))
    return found


def _keras_with(model: Any, path: str, make: Make) -> Any:
    import keras

    name = path.rpartition("/")[2]
    made: dict[str, Any] = {}

    def clone(layer: Any) -> Any:
        copied = layer.__class__.from_config(layer.get_config())
        if layer.name == name:
            made[name] = copied
            return make(copied)
        return copied

    nested = any(hasattr(layer, "layers") for layer in model.layers)
    found = keras.models.clone_model(model, clone_function=clone, **({"recursive": True} if nested else {}))
    if not made:
        raise NetworkRefused(f"There is no layer {path!r} of its own in this network that could be exchanged.")
    own = {layer.name: layer for layer in plain_layers(model)}
    chance = torch.Generator().manual_seed(0)
    for layer in (*plain_layers(found), *made.values()):
        like = own.get(layer.name)
        if like is not None and layer.weights and [w.shape for w in like.weights] == [w.shape for w in layer.weights]:
            layer.set_weights(like.get_weights())
        elif like is None or like.weights:
            inside = getattr(layer, "inner", layer)
            for new in inside if isinstance(inside, list) else [inside]:
                if new.name not in own:
                    _begin(new, chance)
    return found
