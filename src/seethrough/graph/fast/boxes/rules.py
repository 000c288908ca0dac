"""Rules: which operations boxes travel through, and by what rule; one table."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from seethrough.graph.arguments import Arguments
from seethrough.graph.fast.boxes.heads import whole_mean
from seethrough.graph.fast.boxes.rule import Rule
from seethrough.graph.fast.boxes.rules_moving import moved, padded
from seethrough.graph.fast.boxes.rules_placewise import Placewise, Unchanged
from seethrough.graph.fast.boxes.rules_resampling import adaptive_largest, adaptive_mean, resized
from seethrough.graph.fast.boxes.rules_sliding import AveragePooled, Convolved, MaxPooled
from seethrough.graph.fast.boxes.rules_spreading import Shuffled, Transposed, Unshuffled
from seethrough.graph.graph import Graph
from seethrough.graph.operations import PLACEWISE, Kind, Operation, Ref, Size

Make = Callable[[Graph, Operation], Rule | None]


def rule_of(graph: Graph, operation: Operation) -> Rule | None:
    """How boxes travel through an operation of a (fused) graph; None where it mixes the whole plane (or is its mean, which
    has a head), reads or gives what is no plane (N, C, H, W), draws, or nobody knows.
    """
    make = _MAKERS.get(operation.name)
    if make is None or operation.kind in (Kind.OPAQUE, Kind.WRITE) or operation.random or not operation.inputs:
        return None
    if len(operation.outputs) != 1 or (make is not _moved and any(isinstance(a, Size) for a in operation.arguments)):
        return None
    planes = (*operation.inputs, *(v for v in operation.outputs if v is not None))
    if len(planes) < 2 or any(len(graph.values[v].shape) != 4 for v in planes):
        return None
    return None if whole_mean(graph, operation) is not None else make(graph, operation)


def _in_inference(graph: Graph, operation: Operation) -> Rule | None:
    """Batch normalisation by constants."""
    given = Arguments.of(operation, graph.values, 1)
    if given.get(5, "training", False) or not isinstance(given.get(1, "running_mean"), Tensor):
        return None
    return None if len(operation.inputs) != 1 else Placewise.of(graph, operation)


def _dropout(graph: Graph, operation: Operation) -> Rule | None:
    given = Arguments.of(operation, graph.values, 1)
    return None if given.get(2, "training", True) else Unchanged.of(graph, operation)


def _joined(graph: Graph, operation: Operation) -> Rule | None:
    """Values side by side along the channels, no constants among them."""
    given = Arguments.of(operation, graph.values, 1)
    parts, axis = given.get(0, "tensors"), given.get(1, "dim", given.named.get("axis", 0))
    if axis not in (1, -3) or not all(isinstance(part, Ref) for part in parts):
        return None
    return Placewise.of(graph, operation)


def _across_channels(graph: Graph, operation: Operation) -> Rule | None:
    """What mixes the channels of each place."""
    given = Arguments.of(operation, graph.values, 1)
    position = 2 if operation.name in ("normalize", "norm") else 1
    axis = given.get(position, "dim", given.named.get("axis", 1 if operation.name == "normalize" else None))
    axis = axis[0] if isinstance(axis, (tuple, list)) and len(axis) == 1 else axis
    return Placewise.of(graph, operation) if axis in (1, -3) else None


def _moved(graph: Graph, operation: Operation) -> Rule | None:
    """What takes numbers from elsewhere, by no value but one."""
    return moved(graph, operation) if len(operation.inputs) == 1 else None


_MIXING_CHANNELS = "glu softmax log_softmax softmin normalize mean sum amax amin prod std var norm logsumexp cumsum"
_MOVING = "getitem narrow index_select flip roll repeat repeat_interleave tile expand expand_as broadcast_to reshape view moved"

_BY_NAME: dict[str, Make] = {
    "conv2d": Convolved.of,
    "max_pool2d": MaxPooled.of,
    "avg_pool2d": AveragePooled.of,
    "conv_transpose2d": Transposed.of,
    "adaptive_avg_pool2d": adaptive_mean,
    "adaptive_max_pool2d": adaptive_largest,
    "interpolate": resized,
    "upsample": resized,
    "pixel_shuffle": Shuffled.of,
    "pixel_unshuffle": Unshuffled.of,
    "pad": padded,
    "batch_norm": _in_inference,
    "local_response_norm": Placewise.of,
    "channel_norm": Placewise.of,
    "cat": _joined,
    "concat": _joined,
    "concatenate": _joined,
    **dict.fromkeys(_MIXING_CHANNELS.split(), _across_channels),
    **dict.fromkeys(_MOVING.split(), _moved),
    **dict.fromkeys(("dropout", "dropout1d", "dropout2d", "alpha_dropout", "feature_dropout"), _dropout),
    **dict.fromkeys(("contiguous", "clone", "detach", "alias"), Unchanged.of),
}

_FURTHER = "rsub rdiv prelu where lerp addcmul masked_fill nan_to_num sign floor ceil round sin cos to float double half bfloat16 type"

_MAKERS: dict[str, Make] = {**dict.fromkeys((*PLACEWISE, *_FURTHER.split()), Placewise.of), **_BY_NAME}
