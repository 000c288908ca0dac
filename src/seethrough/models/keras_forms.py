"""What a Keras model takes and gives, where that is more than one tensor: its inputs by name, and its outputs by the
names that Keras gives them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from seethrough.errors import InputRefused, UsageError, nearest
from seethrough.models.inputs import Input, explained_first
from seethrough.models.opened import Said


def inputs_of(model: Any, said: Said, layout: str) -> dict[str, Input]:
    """A model's inputs by name, the one that is explained first; none where it has one input alone.

    Parameters
    ----------
    said
        Shapes by name go before what the model says of itself; one shape alone is that of the explained input.

    Raises
    ------
    UsageError
        A name that the model doesn't have.
    """
    as_said, known = said.inputs(), _declared(model)
    for name in as_said if known else ():
        if name not in known:
            raise UsageError(
                f"The Keras model {model.name!r} has no input {name!r}.{nearest(name, list(known))} It has: "
                f"{', '.join(known)}."
            )
    # in the order that was said, then in the model's
    inputs = explained_first({**as_said, **{name: one for name, one in known.items() if name not in as_said}})
    inputs = {name: replace(one, kind=one.kind or _kind(known, name)) for name, one in inputs.items()}
    size = None if as_said or not inputs else said.size(layout)
    if size is not None:
        first = next(iter(inputs))
        inputs[first] = replace(inputs[first], shape=size)
    return inputs


def _kind(known: Mapping[str, Input], name: str) -> str | None:
    return known[name].kind if name in known else None


def _declared(model: Any) -> dict[str, Input]:
    """What the model says of its inputs, where it has several."""
    tensors = _tensors(model)
    return {name: Input(_shape(t), _kind_of(t)) for name, t in tensors.items()} if len(tensors) > 1 else {}


def _tensors(model: Any) -> dict[str, Any]:
    """Keras' own placeholders by name, in the order of the structure that the model is called with; none for a model
    that has no such structure yet.
    """
    structure = _structure(model, "input")
    if isinstance(structure, Mapping):
        return {str(key): tensor for key, tensor in structure.items()}
    if isinstance(structure, Sequence):
        if not all(hasattr(tensor, "name") for tensor in structure):
            raise InputRefused(
                f"The Keras model {model.name!r} takes lists inside of lists; wrap it in one that takes a list or a dict "
                "of tensors."
            )
        return {tensor.name: tensor for tensor in structure}
    return {}


def _structure(model: Any, which: str) -> Any:
    try:
        return getattr(model, which)
    except (AttributeError, ValueError):  # sequential and subclassed models
        return None


def _shape(tensor: Any) -> tuple[int, ...] | None:
    sides = tuple(tensor.shape[1:])
    return None if None in sides else sides


def _kind_of(tensor: Any) -> str:
    if tensor.dtype == "bool":
        return "bool"
    return "int64" if "int" in tensor.dtype else "float"


def calling(model: Any, said: Said, inputs: Mapping[str, Input]) -> Callable[..., Any] | None:
    """What calls the model on a batch of each of its inputs, and gives a list of outputs as a dict by Keras' names;
    None where the model itself does.
    """
    names = _output_names(model)
    if not inputs and not names:
        return None
    order = list(_tensors(model)) or list(said.inputs())
    listed = not isinstance(_structure(model, "input"), Mapping) and not isinstance(said.input_size, Mapping)
    listed = listed or isinstance(_structure(model, "input"), Sequence)

    def call(*tensors: torch.Tensor, **options: Any) -> Any:
        by_name = dict(zip(inputs, tensors, strict=True)) if inputs else {}
        given = [by_name[name] for name in order] if listed else by_name
        outputs = model(given if inputs else tensors[0], **options)
        return dict(zip(names, outputs, strict=True)) if names else outputs

    return call


def _output_names(model: Any) -> tuple[str, ...]:
    """Keras' names for a list of outputs; none where they don't tell them apart, or the outputs have names already."""
    names = tuple(getattr(model, "output_names", ()))
    several = isinstance(_structure(model, "output"), list | tuple) and len(names) > 1
    return names if several and len(set(names)) == len(names) else ()
