"""What a work over many images is, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from seethrough.datasets.collection import Collection
from seethrough.network import Prepared

Arrays = Mapping[str, np.ndarray]
"""What a shard leaves behind, by name."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some images of a collection on their way into the network: ``items`` are their numbers in it, in order."""

    items: tuple[int, ...]
    prepared: Prepared


class Part(Protocol):
    """A shard in the making."""

    def add(self, batch: Batch) -> None:
        """Take in the next images."""
        ...

    def arrays(self) -> Arrays:
        """What is kept of the shard: rows (an image each, in the order in which they came), or sums over it."""
        ...


class Work(Protocol):
    """What is measured over many images.

    Attributes
    ----------
    name
        One word, for the run's folder: ``"units"``.
    settings
        Everything that its numbers depend on but the network and the images, as plain data for JSON.
    draws : bool, optional
        True where its parts look at the pixels of ``prepared.pictures``; where it isn't there or False, a picture has its
        name and size, and its pixels are read anew each time they are asked for.
    """

    @property
    def name(self) -> str: ...

    @property
    def settings(self) -> Mapping[str, Any]: ...

    def part(self) -> Part:
        """A new shard, empty."""
        ...


@dataclass(frozen=True, slots=True)
class Passed:
    """An image that was passed by, and why: ``item`` is its number in the collection."""

    item: int
    name: str
    reason: str


@dataclass(frozen=True, eq=False)
class Results:
    """What came of a work: the arrays of its shards, read one by one.

    Attributes
    ----------
    collection
        The images.
    passed
        Those that could not be read.
    provenance
        Of the network, with the work's name and settings.
    """

    collection: Collection
    passed: tuple[Passed, ...]
    provenance: Mapping[str, Any]
    loaders: tuple[Any, ...] = field(default=(), repr=False)

    def shards(self) -> Iterator[tuple[np.ndarray, Arrays]]:
        """For each shard in order, which images it holds (int64, numbers in the collection), and its arrays."""
        for load in self.loaders:
            yield load()
