"""Again: a second network of the same kind as one that is open, with the same weights and all that was known of it."""

from __future__ import annotations

import copy
from dataclasses import replace

import torch.nn as nn

from seethrough.errors import NetworkRefused
from seethrough.models.mapping import ByLayer
from seethrough.models.opened import Opened, Said

FUNCTION = "function"
"""What a network of which nothing is known inside calls its framework."""


def again(opened: Opened) -> Opened:
    """A copy that shares no weight with the first: of a Keras model another that is built from its own description, of a
    module its deep copy. Nothing goes through pickle.

    Raises
    ------
    NetworkRefused
        A function, of which nothing is known inside; a model that can't be built a second time.
    """
    if opened.framework == FUNCTION:
        raise NetworkRefused(
            f"{opened.source} is a function, and nothing of its inside is known that could be changed; open the network "
            "itself."
        )
    if opened.framework == "keras":
        return _keras_again(opened)
    try:
        module = copy.deepcopy(opened.module)
    except Exception as error:  # by what a module keeps: tensors inside a computation, locks, open files
        raise NetworkRefused(
            f"{opened.source} can't be copied ({' '.join(str(error).split())[:150]}); what it keeps beside its layers is in the "
            "way."
        ) from error
    mine = {id(old): new for old, new in zip(opened.module.modules(), module.modules(), strict=True)}
    found = _with(
        opened,
        module,
        {path: mine[id(layer)] for path, layer in opened.layers.items()},
        {id(mine[key]): path for key, path in opened.paths.items() if key in mine},
    )
    if opened.call is None:
        return found
    from seethrough.models.torch import given_to

    inputs, call = given_to(module, Said(_as_said(opened)))
    return replace(found, call=call, inputs=inputs)


def _keras_again(opened: Opened) -> Opened:
    from seethrough.models.keras import tree_of
    from seethrough.models.keras_copy import copied
    from seethrough.models.keras_forms import calling

    model = copied(opened.module)
    layers, paths = tree_of(model)
    said = Said(_as_said(opened) if opened.inputs else None)
    return replace(_with(opened, model, layers, paths), call=calling(model, said, opened.inputs))


def _with(opened: Opened, module: nn.Module, layers: dict[str, nn.Module], paths: dict[int, str]) -> Opened:
    info, arrays = (
        ByLayer(layers, each.read) if isinstance(each, ByLayer) else each for each in (opened.info, opened.arrays)
    )
    return replace(opened, module=module, layers=layers, paths=paths, info=info, arrays=arrays)


def _as_said(opened: Opened) -> list[tuple] | dict[str, tuple]:
    """The inputs as a person says them when opening: a list where they go by position."""
    shapes = {
        name: (*(one.shape or ()), *(() if one.kind is None else (one.kind,))) for name, one in opened.inputs.items()
    }
    if all(name.isdecimal() for name in shapes):
        return [shapes[name] for name in sorted(shapes, key=int)]
    return shapes


__all__ = ["FUNCTION", "again"]
