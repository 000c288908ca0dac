"""Record: an audit as its file holds it, from which a repair and a proof go on."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seethrough.datasets.collection import Collection
from seethrough.errors import InputRefused, UsageError
from seethrough.findings.aspect import Candidate
from seethrough.findings.aspects import aspect_of
from seethrough.findings.audit import FORMAT, Audit
from seethrough.findings.canvas import Canvas
from seethrough.network import Network

NAME = "findings.json"
"""The record in an audit's folder."""

LARGEST = 2**28

Kept = Audit | Mapping[str, Any] | str | os.PathLike[str]


@dataclass(frozen=True, eq=False)
class Record:
    """What an audit found, as plain data.

    Attributes
    ----------
    said
        `Audit.to_dict`.
    where
        How it is called in messages.
    folder
        In which it lies; None where it came from memory.
    """

    said: Mapping[str, Any] = field(repr=False)
    where: str = "The audit"
    folder: Path | None = None

    @property
    def fingerprint(self) -> str:
        """Of the network that was audited."""
        return str(self.said["provenance"].get("fingerprint", ""))

    @property
    def seed(self) -> int:
        """Of its split and draws."""
        return int(self.said["split"]["seed"])

    @property
    def findings(self) -> tuple[Mapping[str, Any], ...]:
        """In the page's order; finding 1 is the first."""
        return tuple(self.said["findings"])

    def candidate(self, number: int, canvas: Canvas) -> Candidate:
        """Finding ``number``, from 1, as a candidate that can be exchanged again.

        Raises
        ------
        UsageError
            There is no such finding.
        InputRefused
            It is of a kind that nobody knows, or not whole.
        """
        if not 1 <= number <= len(self.findings):
            raise UsageError(f"There is no finding {number}; the audit has {len(self.findings)}, counted from 1.")
        said = self.findings[number - 1]
        try:
            return Candidate(
                aspect=aspect_of(said["aspect"], canvas),
                answer=int(said["answer"]),
                rivals=tuple(int(k) for k in said["rivals"]),
                ways=tuple(map(str, said["ways"])),
                strength=float(said["strength"]),
                reappeared=float(said["reappeared"]),
                numbers=dict(said["numbers"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputRefused(
                f"{self.where} holds a finding {number} that isn't whole; make the audit anew."
            ) from error

    def numbers(self, part: str, collection: Collection) -> NDArray[np.int64]:
        """The pictures of a part of its split, as numbers in a collection; those that aren't there any more are left out.

        Raises
        ------
        UsageError
            Where not one of them is there.
        """
        at = {item.name: k for k, item in enumerate(collection)}
        wanted = list(self.said["split"].get(part, ()))
        found = np.array([at[name] for name in wanted if name in at], np.int64)
        if wanted and not len(found):
            raise UsageError(
                f"{self.where} was made of other pictures: none of its {len(wanted)} ({wanted[0]!r}, …) is in "
                f"{collection.source}."
            )
        return found

    def refuse_other(self, net: Network) -> None:
        """Say so where it is of another network.

        Raises
        ------
        UsageError
        """
        if self.fingerprint and self.fingerprint != net.fingerprint:
            raise UsageError(
                f"{self.where} is of another network ({self.fingerprint}) than {net.opened.source} ({net.fingerprint}); make "
                "an audit of this one."
            )


def record_of(kept: Kept) -> Record:
    """An audit's record: of an `Audit`, its ``to_dict()``, its folder or the file in it.

    Raises
    ------
    InputRefused
        No file there, or one that holds no audit.
    """
    if isinstance(kept, Audit):
        return Record(kept.to_dict())
    if isinstance(kept, Mapping):
        return Record(_checked(kept, "What was given"))
    path = Path(kept)
    path = path / NAME if path.is_dir() else path
    where = f"The audit {str(path)!r}"
    try:
        if path.stat().st_size > LARGEST:
            raise InputRefused(f"{where} is too large to be one; give the folder that `audit -o` wrote.")
        said = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InputRefused(
            f"{where} can't be read ({error.strerror or error}); give the folder that `audit -o` wrote."
        ) from error
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise InputRefused(f"{where} holds no JSON; give the folder that `audit -o` wrote.") from error
    return Record(_checked(said, where), where, path.parent)


def _checked(said: Any, where: str) -> Mapping[str, Any]:
    parts = ("provenance", "labels", "split", "findings")
    if (
        not isinstance(said, Mapping)
        or said.get("format") != FORMAT
        or any(part not in said for part in parts)
        or not isinstance(said["findings"], list)
        or not isinstance(said["split"], Mapping)
        or not isinstance(said["provenance"], Mapping)
    ):
        raise InputRefused(f"{where} holds no audit; give the folder that `audit -o` wrote.")
    return said
