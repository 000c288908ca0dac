"""The plan: all that a run's numbers depend on, settled before it begins, so that it goes on only as what it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from seethrough.datasets.collection import Collection
from seethrough.errors import UsageError
from seethrough.jobs.work import Work
from seethrough.network import Network

LISTED = 4
"""The most differences that a message names."""

LONGEST = 80
"""Letters of a value in a message."""


@dataclass(frozen=True, slots=True)
class Shard:
    """The images that one file of the run is about, whatever becomes of them: ``items`` are their numbers."""

    number: int
    items: range


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done.

    Attributes
    ----------
    said
        Work, settings, network and images to a shard, as plain data for JSON.
    names, marks
        Of each image its name and what tells that it is still the same.
    """

    said: Mapping[str, Any]
    names: tuple[str, ...]
    marks: tuple[str, ...]

    @property
    def shards(self) -> tuple[Shard, ...]:
        """The run's shards; which images each holds never changes."""
        size, images = int(self.said["shard"]), len(self.names)
        return tuple(
            Shard(number, range(first, min(first + size, images)))
            for number, first in enumerate(range(0, images, size))
        )

    @property
    def digest(self) -> str:
        """SHA-256 of all of it."""
        everything = [self.said, list(zip(self.names, self.marks))]
        return hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()


def plan_of(net: Network, images: Collection, work: Work, shard: int) -> Plan:
    """The plan of a work.

    Raises
    ------
    UsageError
        Fewer than one image to a shard; settings that are no plain data.
    """
    if shard < 1:
        raise UsageError(f"A shard holds at least one image, not {shard}.")
    said = {"work": work.name, "settings": dict(work.settings), "network": _identity(net), "shard": shard}
    try:
        plain = json.loads(json.dumps(said))
    except (TypeError, ValueError) as error:
        raise UsageError(f"The settings of the work {work.name!r} are no plain data: {error}.") from error
    return Plan(plain, tuple(item.name for item in images), images.marks)


def differences(before: Plan, now: Plan) -> tuple[str, ...]:
    """What isn't as it was, in words, most telling first."""
    told = [*_settings(before.said, now.said), *_images(before, now)]
    return (*told[:LISTED], f"{len(told) - LISTED} more") if len(told) > LISTED else tuple(told)


def _identity(net: Network) -> dict[str, Any]:
    """A network's weights, build and use; where it came from only if it has no layers to know it by. A file may be moved."""
    known = net.provenance
    layers = {path: dict(info) for path, info in net.layers_info.items()}
    build = [sorted((path, type(layer).__name__) for path, layer in net.layers.items()), layers]
    return {
        **{key: value for key, value in known.items() if key not in ("network", "weights")},
        "build": hashlib.sha256(json.dumps(build, sort_keys=True, default=_named).encode()).hexdigest()[:16],
        **({} if layers else {"network": known["network"]}),
    }


def _named(thing: Any) -> str:
    """What JSON doesn't know, without its place in memory."""
    return getattr(thing, "__qualname__", type(thing).__qualname__)


def _settings(before: Any, now: Any, place: str = "") -> Iterator[str]:
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in [*before, *(key for key in now if key not in before)]:
            yield from _settings(before.get(key), now.get(key), f"{place}.{key}" if place else key)
    elif before != now:
        yield f"{place} was {_short(before)} and is {_short(now)}"


def _short(value: Any) -> str:
    said = json.dumps(value, ensure_ascii=False)
    return said if len(said) <= LONGEST else f"{said[:LONGEST]}…"


def _images(before: Plan, now: Plan) -> Iterator[str]:
    then, today = dict(zip(before.names, before.marks)), dict(zip(now.names, now.marks))
    gone, new = [name for name in then if name not in today], [name for name in today if name not in then]
    changed = [name for name in today if name in then and today[name] != then[name]]
    for which, what in ((gone, "no longer there"), (new, "new"), (changed, "changed, or of another class")):
        if which:
            count = "one image is" if len(which) == 1 else f"{len(which):,} images are"
            yield f"{count} {what} ({', '.join(map(repr, which[:2]))}{' …' if len(which) > 2 else ''})"
    if not (gone or new) and before.names != now.names:
        yield "the images are in another order"
