"""Verify: whether the folder of a run is whole, every shard as it was written and every image once."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from seethrough.errors import InputRefused
from seethrough.jobs.manifest import Manifest, opened
from seethrough.jobs.plan import Shard
from seethrough.jobs.store import Written, read_shard


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a shard: ``kind`` is ``"changed"`` (its file is missing, or other bytes than were written) or
    ``"images"`` (it holds others than it should); ``said`` tells it in a sentence.
    """

    shard: int
    kind: str
    said: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What the folder of a run holds.

    Attributes
    ----------
    folder, work
        Where it is, and what was measured.
    images
        All that there are.
    done
        Those with results.
    passed
        Those that couldn't be read.
    shards, missing
        How many shards are planned, and how many of them aren't done yet.
    faults
        What isn't as it was written.
    """

    folder: str
    work: str
    images: int
    done: int
    passed: int
    shards: int
    missing: int
    faults: tuple[Fault, ...]

    @property
    def whole(self) -> bool:
        """Whether every shard is there as it was written, and every image once."""
        return not self.faults and not self.missing and self.done + self.passed == self.images

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {**asdict(self), "whole": self.whole}


def verify(folder: str | Path) -> Verified:
    """Look through the folder of a run: each shard against the size and the SHA-256 it was written with, each image once.

    Raises
    ------
    InputRefused
        Where there is no run, one of another format, or a manifest that is broken.
    EnvironmentLacks
        Where the run is still at work.
    """
    with opened(Path(folder)) as manifest:
        if not manifest.whole():
            raise InputRefused(f"The manifest in {str(folder)!r} is broken; name a new folder and run it again.")
        plan, written = manifest.plan, manifest.done
        passed = {each.item for each in manifest.passed}
        found = [
            _looked(manifest, shard, written[shard.number], passed) for shard in plan.shards if shard.number in written
        ]
    return Verified(
        folder=str(folder),
        work=str(plan.said["work"]),
        images=len(plan.names),
        done=sum(done for done, _ in found),
        passed=len(passed),
        shards=len(plan.shards),
        missing=len(plan.shards) - len(found),
        faults=tuple(fault for _, faults in found for fault in faults),
    )


def _looked(manifest: Manifest, shard: Shard, written: Written, passed: Set[int]) -> tuple[int, tuple[Fault, ...]]:
    """How many images a shard has results of, and what is wrong with it."""
    try:
        items, _ = read_shard(manifest.folder, written)
    except InputRefused as refused:
        return 0, (Fault(shard.number, "changed", str(refused)),)
    held = [int(item) for item in items]
    return len(held), tuple(_misheld(shard, held, passed))


def _misheld(shard: Shard, held: list[int], passed: Set[int]) -> Iterator[Fault]:
    wanted = [item for item in shard.items if item not in passed]
    if held != wanted:
        missing, more = set(wanted) - set(held), set(held) - set(wanted)
        yield Fault(
            shard.number,
            "images",
            f"Shard {shard.number} lacks {len(missing)} of its {len(wanted)} images and holds {len(held) - len(wanted) + len(missing)} "
            f"that aren't its own or twice{f', such as number {min(more)}' if more else ''}.",
        )
