"""Layers: one layer in full, found by its path or by a pattern; and its weights as a file."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seethrough.anatomy.rows import Reading, Shape
from seethrough.anatomy.weights import Weight, own_weights
from seethrough.errors import UsageError, nearest
from seethrough.graph.graph import Graph, Layer
from seethrough.graph.operations import Place
from seethrough.graph.receptive import ReceptiveField
from seethrough.models.opened import Opened
from seethrough.writing import refuse_unwritable, write_whole

if TYPE_CHECKING:
    from rich.console import RenderableType


@dataclass(frozen=True, slots=True)
class WeightStatistics:
    """One array of a layer: its form, and how its numbers are spread.

    ``mean``, ``std`` (over all numbers), ``min`` and ``max`` are of the finite numbers, and NaN where there are none;
    ``not_finite`` counts the others. ``buffer`` marks what torch keeps beside its parameters.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    trainable: bool
    buffer: bool
    mean: float
    std: float
    min: float
    max: float
    not_finite: int


@dataclass(frozen=True, slots=True)
class LayerCall:
    """One call of a layer in one pass.

    ``path`` has ``:2`` for the second; shapes are the layer's own, without the batch where it comes first;
    ``operations`` are the functions that run in it.
    """

    path: str
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    receptive: ReceptiveField | None
    macs: int
    operations: tuple[str, ...]


@dataclass(frozen=True)
class LayerReport:
    """Everything about one layer.

    Attributes
    ----------
    path, kind
        Where it is, and its class.
    configuration
        Keras' ``get_config()``; for torch the constructor's settings.
    weights
        Its own arrays, and those of the layers inside of it under their paths.
    inside
        The paths of the layers inside.
    calls
        One entry for each call in a pass; None where the network isn't written down.
    """

    path: str
    kind: str
    configuration: Mapping[str, Any]
    weights: tuple[WeightStatistics, ...]
    inside: tuple[str, ...]
    calls: tuple[LayerCall, ...] | None

    def __str__(self) -> str:
        from seethrough.anatomy.layer_text import as_text

        return as_text(self)

    def __rich__(self) -> RenderableType:
        from rich.text import Text

        return Text(str(self))

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; numbers that JSON lacks (NaN) are None."""
        return {
            "path": self.path,
            "class": self.kind,
            "configuration": _plain(self.configuration),
            "weights": [{k: _plain(getattr(w, k)) for k in WeightStatistics.__slots__} for w in self.weights],
            "layers": list(self.inside),
            "calls": None if self.calls is None else [_call_to_dict(c) for c in self.calls],
        }


def find_layers(names: Iterable[str], pattern: str) -> tuple[str, ...]:
    """The layers with this path, or whose paths fit a pattern with ``*``, ``?`` or ``[…]``, in the network's order.

    Raises
    ------
    UsageError
        Where there is none; says the nearest names.
    """
    names = list(names)
    if pattern in names:
        return (pattern,)
    found = tuple(name for name in names if fnmatchcase(name, pattern)) if re.search(r"[*?\[]", pattern) else ()
    if not found:
        raise UsageError(
            f"There is no layer {pattern!r} among the network's {len(names):,}.{nearest(pattern.strip('*'), names)}"
        )
    return found


def find_values(graph: Graph, pattern: str, names: Iterable[str] = ()) -> tuple[str, ...]:
    """The same among a graph's layers, and others that it doesn't know; and an operation by its own path.

    Raises
    ------
    UsageError
        Where there is none; says the nearest names.
    """
    return (pattern,) if pattern in graph.operation_at else find_layers(dict.fromkeys((*graph.layers, *names)), pattern)


def channels_at(graph: Graph, path: str) -> Place | None:
    """Where the value of a layer, or of an operation by its own path, is found, if it depends on the image and has channels of real
    numbers: (N, C, …).
    """
    place = graph.place(path)
    if place is None:
        return None
    value = graph.values[place.value]
    return place if value.dtype.is_floating_point and len(place.shape(value.shape)) >= 2 else None


def describe_layer(opened: Opened, graph: Graph | None, path: str) -> LayerReport:
    """Say everything about one layer.

    Raises
    ------
    UsageError
        Where there is no layer of this path.
    """
    (path,) = find_layers(opened.layers, path) if path not in opened.layers else (path,)
    layer = opened.layers[path]
    separator = "/" if opened.framework == "keras" else "."
    inside = tuple(p for p in opened.layers if p.startswith(path + separator))
    weights = [statistics(w, w.name) for w in own_weights(layer, opened.framework) if w.shape is not None]
    for below in inside:
        prefix = below.removeprefix(path + separator)
        weights += [
            statistics(w, f"{prefix}{separator}{w.name}")
            for w in own_weights(opened.layers[below], opened.framework)
            if w.shape is not None
        ]
    calls = None
    if graph is not None:
        reading = Reading(graph, opened.input_size)
        calls = tuple(_call(reading, c) for c in reading.calls.get(id(layer), ()))
    return LayerReport(path, type(layer).__name__, dict(opened.info[path]), tuple(weights), inside, calls)


def statistics(weight: Weight, name: str) -> WeightStatistics:
    """How the numbers of an array are spread."""
    values = weight.tensor.detach().double().cpu().numpy().ravel()
    finite = values[np.isfinite(values)]
    numbers = (finite.mean(), finite.std(), finite.min(), finite.max()) if finite.size else (float("nan"),) * 4
    mean, std, low, high = map(float, numbers)
    return WeightStatistics(
        name,
        weight.shape or (),
        weight.dtype,
        weight.trainable,
        weight.buffer,
        mean,
        std,
        low,
        high,
        values.size - finite.size,
    )


def _call(reading: Reading, layer: Layer) -> LayerCall:
    start, stop = layer.span
    place = layer.output
    return LayerCall(
        layer.path,
        tuple(_shape_at(reading, p) for p in layer.inputs if p is not None),
        tuple(reading.shape(s) for s in layer.shapes),
        None if place is None else reading.fields.get(place.value),
        (reading.before[stop] - reading.before[start]) // (reading.graph.batch or 1),
        tuple(o.name for o in reading.graph.operations[start:stop]),
    )


def _shape_at(reading: Reading, place: Place) -> Shape:
    shape = reading.graph.values[place.value].shape
    return reading.shape(shape if place.permutation is None else tuple(shape[a] for a in place.permutation))


# --- files ------------------------------------------------------------------------------------------------------------


def save_weights(opened: Opened, layer: str, path: str | Path) -> Path:
    """Write a layer's weights to a ``.npz`` file, whole or not at all; the arrays have the framework's own names.

    Parameters
    ----------
    layer
        A path, or a pattern; with several layers, the arrays' names begin with their paths.

    Raises
    ------
    UsageError
        For another suffix than ``.npz``, an unknown layer, and layers without weights.
    EnvironmentLacks
        Where the file can't be written.
    """
    target = Path(path)
    if target.suffix != ".npz":
        raise UsageError(
            f"Weights are written as .npz, and {str(target)!r} isn't one: call it {target.with_suffix('.npz').name!r}."
        )
    found = find_layers(opened.layers, layer)
    arrays = {
        f"{p}/{name}" if len(found) > 1 else name: array
        for p in found
        for name, array in named_arrays(opened, p).items()
    }
    if not arrays:
        raise UsageError(f"{layer!r} has no weights to write.")
    content = io.BytesIO()
    np.savez(content, **arrays)  # pyright: ignore[reportArgumentType]
    refuse_unwritable(target)
    write_whole(target, content.getvalue())
    return target


def named_arrays(opened: Opened, path: str) -> dict[str, np.ndarray]:
    """A layer's weights by name; Keras gives them as a list, in the order of the layer's ``weights``."""
    arrays = opened.arrays[path]
    if isinstance(arrays, Mapping):
        return dict(arrays)
    layer: Any = opened.layers[path]
    names = [w.name for w in layer.weights]
    if len(set(names)) < len(names):  # a layer with layers inside
        names = [w.path for w in layer.weights]
    return {
        name if names.count(name) == 1 else f"{name}:{k}": array for k, (name, array) in enumerate(zip(names, arrays))
    }


def _call_to_dict(call: LayerCall) -> dict[str, Any]:
    seen = call.receptive
    return {
        "path": call.path,
        "inputs": [list(s) for s in call.inputs],
        "outputs": [list(s) for s in call.outputs],
        "receptive_field": None if seen is None else seen.to_dict(),
        "macs": call.macs,
        "operations": list(call.operations),
    }


def _plain(value: Any) -> Any:
    """As JSON can hold it."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (str, bool, int)) or value is None:
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if isinstance(value, (Sequence, np.ndarray)):
        return [_plain(v) for v in value]
    return str(value)
