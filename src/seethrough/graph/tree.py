"""Trees of arguments: flattened to a list of leaves and put together again.

Torch has such functions (`torch.utils._pytree`), private ones, that took a third of the time of a recording and half of
a small operation's call; the arguments of torch functions are tuples, lists, dicts and slices, and those are all that
is opened here.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

import torch

Spec = Any
"""How leaves are put together: None for a leaf, else (what builds the node, the specs of its children)."""

_LEAVES = (int, float, bool, str, type(None), torch.dtype, torch.device)


def flatten(tree: Any) -> tuple[list[Any], Spec]:
    """The leaves of a tree, and how to put them together."""
    leaves: list[Any] = []
    return leaves, _flatten(tree, leaves)


def _flatten(tree: Any, leaves: list[Any]) -> Spec:
    kind = type(tree)
    if kind is tuple or kind is list or kind is torch.Size:
        return (list if kind is list else tuple, [_flatten(t, leaves) for t in tree])
    if kind is dict or kind is OrderedDict:
        return (_dict_of(kind, tuple(tree)), [_flatten(t, leaves) for t in tree.values()])
    if kind is slice:
        return (_slice, [_flatten(t, leaves) for t in (tree.start, tree.stop, tree.step)])
    if isinstance(tree, tuple):
        return (_named(kind) if hasattr(kind, "_fields") else kind, [_flatten(t, leaves) for t in tree])
    leaves.append(tree)
    return None


def unflatten(leaves: list[Any], spec: Spec) -> Any:
    """The tree that `flatten` took apart, with these leaves."""
    return _unflatten(iter(leaves), spec)


def _unflatten(leaves: Iterator[Any], spec: Spec) -> Any:
    if spec is None:
        return next(leaves)
    build, children = spec
    return build([next(leaves) if child is None else _unflatten(leaves, child) for child in children])


def leaves_of(tree: Any) -> list[Any]:
    """The leaves alone."""
    return flatten(tree)[0]


def _slice(parts: list[Any]) -> slice:
    return slice(*parts)


def _dict_of(kind: type, keys: tuple[Any, ...]) -> Callable[[list[Any]], Any]:
    return lambda values: kind(zip(keys, values))


def _named(kind: Any) -> Callable[[list[Any]], Any]:
    return lambda values: kind(*values)
