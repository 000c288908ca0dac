"""What came of mending a network: each rung that was tried, the findings it was for, the repaired network, and all of it as plain
data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from seethrough.errors import UsageError
from seethrough.findings.record import Kept
from seethrough.jobs import Passed
from seethrough.network import Network
from seethrough.remedies import kept
from seethrough.remedies.rung import Edit
from seethrough.remedies.score import Score
from seethrough.results import Note

PASSED, BETTER, WORSE, NOTHING, FINE = "passed", "better", "worse", "nothing", "fine"
"""What came of a repair: it passes; the best is better than before, but doesn't pass; it is worse, and was wanted all the same;
nothing is better; nothing was there to mend.
"""

_TOLD = ("aspect", "answer", "rivals")
"""What is said again of a finding that was mended."""


@dataclass(frozen=True, eq=False)
class Tried:
    """What came of a rung.

    Attributes
    ----------
    changes
        What of the network it changes (`seethrough.remedies.rung`).
    why_not
        Why it wasn't tried, as a code; empty where it was.
    settings
        That it chose.
    score
        On the pictures to choose by.
    lacks
        The bars that it doesn't pass (`seethrough.remedies.score.lacks`).
    seconds
        That it took; hardly any where it was kept from before.
    """

    rung: str
    changes: str
    why_not: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    score: Score | None = None
    lacks: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether it passes all bars."""
        return self.score is not None and not self.lacks

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "rung": self.rung,
            "changes": self.changes,
            "why_not": self.why_not,
            "settings": dict(self.settings),
            "score": None if self.score is None else self.score.to_dict(),
            "lacks": list(self.lacks),
            "passed": self.passed,
            "seconds": round(self.seconds, 1),
        }


@dataclass(frozen=True, eq=False)
class Mended:
    """A finding that a repair was for.

    Attributes
    ----------
    number
        In the audit, from 1.
    said
        As the audit's record has it: its aspect, answer, rivals, effect…
    counter_examples
        Pictures to learn from that show the network that the aspect isn't the class.
    """

    number: int
    said: Mapping[str, Any]
    counter_examples: int


@dataclass(frozen=True, eq=False)
class Repair:
    """What came of mending a network.

    Attributes
    ----------
    network
        The repaired one, of the person's own kind; None where nothing is better than it was.
    verdict
        `PASSED`, `BETTER`, `WORSE`, `NOTHING` or `FINE`.
    rung
        By which way; empty where there is no network.
    before, after
        On the pictures that chose: of the network as it was, and repaired.
    tried
        Every rung of the ladder, up to where it ended.
    faults
        What was to be mended.
    labels
        A name for each output.
    changed
        Of each parameter that changed, how many numbers it has.
    controls
        The same budget spent for nothing, as changes of the first network.
    passed_by
        Pictures that couldn't be read.
    audit
        What it was made by; a proof goes on from it.
    """

    network: Network | None
    verdict: str
    rung: str
    before: Score
    after: Score | None
    tried: tuple[Tried, ...]
    faults: tuple[Mended, ...]
    labels: tuple[str, ...]
    changed: Mapping[str, int]
    controls: Mapping[str, Edit] = field(repr=False, default_factory=dict)
    passed_by: tuple[Passed, ...] = ()
    notes: tuple[Note, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    folder: Path | None = None
    audit: Kept | None = field(repr=False, default=None)

    @property
    def passed(self) -> bool:
        """Whether it passes all bars."""
        return self.verdict in (PASSED, FINE)

    def save(self, path: str | Path) -> Path:
        """Write the repaired network in the person's own format, and beside it what was done: into the audit's folder where there
        is one, else into the same folder.

        Raises
        ------
        UsageError
            Another format; no repaired network.
        """
        if self.network is None:
            raise UsageError(
                "Nothing was found that is better than the network as it is, so there is nothing to write."
            )
        written = kept.write(self.network, path)
        self.write_record(written.parent if self.folder is None else self.folder, written)
        return written

    def write_record(self, folder: Path, file: Path | None = None) -> None:
        """Write what was done into a folder (`seethrough.remedies.kept`)."""
        said = {**self.to_dict(), "file": None if file is None else str(file)}
        kept.write_record(folder, said, self.controls)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, from which the same can be done again."""
        return {
            **{key: self.provenance[key] for key in ("before", "after", "seed", "settings")},
            "verdict": self.verdict,
            "passed": self.passed,
            "rung": self.rung,
            "labels": list(self.labels),
            "scores": {
                "before": self.before.to_dict(),
                "after": None if self.after is None else self.after.to_dict(),
            },
            "tried": [each.to_dict() for each in self.tried],
            "faults": [
                {"number": f.number, "counter_examples": f.counter_examples, **{k: f.said[k] for k in _TOLD}}
                for f in self.faults
            ],
            "changed": dict(self.changed),
            "controls": sorted(self.controls),
            "passed_by": [{"name": p.name, "reason": p.reason} for p in self.passed_by],
            "notes": [asdict(note) for note in self.notes],
            "provenance": dict(self.provenance),
        }


__all__ = ["BETTER", "FINE", "NOTHING", "PASSED", "WORSE", "Mended", "Repair", "Tried"]
