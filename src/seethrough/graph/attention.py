"""Attention, written out: `scaled_dot_product_attention` is one operation of torch; whoever wants to see its weights, or
treat its two products and its softmax one by one, finds them here.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from seethrough.graph.arguments import Arguments
from seethrough.graph.graph import Graph
from seethrough.graph.operations import Kind, Operation, Ref


@dataclass(frozen=True, slots=True)
class Attention:
    """What one call of `scaled_dot_product_attention` was told.

    ``query``, ``key`` and ``value`` are numbers of values of the graph, or tensors where they are constants; ``mask`` may
    be either or None; ``scale`` None for one over the root of the width.
    """

    query: int | Tensor
    key: int | Tensor
    value: int | Tensor
    mask: int | Tensor | None
    causal: bool
    scale: float | None
    grouped: bool

    @classmethod
    def of(cls, operation: Operation, batch: int) -> Attention:
        given = Arguments.of(operation, {}, batch)

        def one(position: int, name: str):
            argument = given.get(position, name)
            return argument.value if isinstance(argument, Ref) else argument

        query, key, value, mask = (one(i, name) for i, name in enumerate(("query", "key", "value", "attn_mask")))
        rest = {name: given.get(i, name) for i, name in ((5, "is_causal"), (6, "scale"), (7, "enable_gqa"))}
        return cls(query, key, value, mask, bool(rest["is_causal"]), rest["scale"], bool(rest["enable_gqa"]))

    def scores(self, query: Tensor, key: Tensor, mask: Tensor | None = None) -> Tensor:
        """What the softmax is taken of, (…, heads, queries, keys); −∞ where the mask forbids."""
        scale = query.shape[-1] ** -0.5 if self.scale is None else self.scale
        scores = query @ self.for_heads(key, query).transpose(-2, -1) * scale
        if self.causal:
            allowed = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
            scores = scores.masked_fill(~allowed, -torch.inf)
        if mask is None:
            return scores
        return scores.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else scores + mask

    def for_heads(self, one: Tensor, query: Tensor) -> Tensor:
        """Keys or values, each as often as heads of the query share it."""
        if not self.grouped:
            return one
        return one.repeat_interleave(query.shape[-3] // one.shape[-3], -3)


def has_attention(graph: Graph) -> bool:
    """Whether the answer stands on attention: torch's own, or a softmax that weighs other values of the picture."""
    end = graph.producer.get(graph.logits.value, -1)
    weights: set[int] = set()
    for operation in graph.operations[: end + 1]:
        if operation.kind is Kind.ATTENTION:
            return True
        if operation.kind is Kind.MATMUL and len(operation.inputs) > 1 and weights.intersection(operation.inputs):
            return True
        if operation.kind is Kind.SOFTMAX or (operation.kind in _HANDS_ON and weights.intersection(operation.inputs)):
            weights.update(v for v in operation.outputs if v is not None)
    return False


_HANDS_ON = (Kind.RESHAPE, Kind.PERMUTE, Kind.CAST, Kind.DROPOUT, Kind.SELECT, Kind.EXPAND)
