"""Which values of an ONNX network have their channels in another place than its input.

A network that was made channels last, as TensorFlow's and Keras' are, turns its values before each convolution and back
behind it. Which way round a value lies is found by following the nodes, so that every layer can hand over its value in
one layout: the network's own.
"""

from __future__ import annotations

from seethrough.models.onnx_program import Node, Program

TO_FIRST, TO_LAST = (0, 3, 1, 2), (0, 2, 3, 1)
"""Permutations from channels last to channels first, and back."""

ALWAYS_FIRST = frozenset(
    "Conv ConvTranspose MaxPool AveragePool GlobalAveragePool GlobalMaxPool BatchNormalization InstanceNormalization "
    "GroupNormalization LRN DepthToSpace SpaceToDepth Resize Upsample".split()
)
"""Operators whose channels are on the second axis by definition."""

FORGETTING = frozenset("Reshape Flatten Squeeze Unsqueeze MatMul Gemm Gather Einsum Shape Transpose Expand".split())
"""Operators behind which nothing is known of the axes."""

PICTURE_CHANNELS = (1, 3, 4)


def is_channels_last(shape: tuple[int | None, ...]) -> bool:
    """Whether a batch of this shape is (N, H, W, C)."""
    return len(shape) == 4 and shape[3] in PICTURE_CHANNELS and shape[1] not in PICTURE_CHANNELS


def channels_first_values(program: Program) -> frozenset[str]:
    """Names of the values that are channels first in a network whose input is channels last."""
    found: set[str] = set()
    for node in program.nodes:
        if _gives_first(node, found):
            found.update(node.outputs)
    return frozenset(found)


def _gives_first(node: Node, first: set[str]) -> bool:
    if node.operator in ALWAYS_FIRST:
        return True
    inside = any(name in first for name in node.inputs)
    if node.operator == "Transpose":
        return not inside and tuple(node.settings.get("perm", ())) == TO_FIRST
    return inside and node.operator not in FORGETTING
