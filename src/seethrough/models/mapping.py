"""Mappings that look like dicts and compute a value when it is asked for: a network's settings and weights by layer
path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

from seethrough.errors import UsageError, nearest

Value = TypeVar("Value")
Source = TypeVar("Source")


class NoSuchLayer(UsageError, KeyError):
    """A path that isn't in the network; also a `KeyError`, so that ``in`` and ``get`` behave as with any mapping."""

    def __str__(self) -> str:
        return str(self.args[0])


class ByLayer(Mapping[str, Value], Generic[Source, Value]):
    """From layer path to what is read off the live layer at that moment.

    Parameters
    ----------
    layers
        From path to layer.
    read
        From layer to value; called at each access, so that the value is never stale.
    """

    def __init__(self, layers: Mapping[str, Source], read: Callable[[Source], Value]) -> None:
        self._layers = layers
        self.read = read

    def __getitem__(self, path: str) -> Value:
        if path not in self._layers:
            raise NoSuchLayer(f"There is no layer {path!r}.{nearest(str(path), list(self._layers))}")
        return self.read(self._layers[path])

    def __iter__(self) -> Iterator[str]:
        return iter(self._layers)

    def __len__(self) -> int:
        return len(self._layers)

    def __contains__(self, path: object) -> bool:
        return path in self._layers

    def __repr__(self) -> str:
        return repr(dict(self.items()))
