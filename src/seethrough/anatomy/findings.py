"""Findings: what a check of a network says, as data. `seethrough.show` has the sentences, in both languages.

A `Check` is a list of claims. A claim is one thing that was meant, or that goes without saying (weights are numbers), with
what is, and the findings that speak for or against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from seethrough.results import Saved

if TYPE_CHECKING:
    from rich.console import RenderableType

LEVELS = ("info", "warning", "error")
"""From what is good to know, through what is rarely meant, to what isn't as it was meant or can't work."""

VERDICTS = {None: "holds", "info": "holds", "warning": "doubtful", "error": "fails"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found: an identifier, how grave it is, the layers it is about in the network's order, its numbers."""

    name: str
    level: str
    layers: tuple[str, ...] = ()
    numbers: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"name": self.name, "level": self.level, "layers": list(self.layers), "numbers": dict(self.numbers)}


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that was meant, against what is.

    Attributes
    ----------
    name
        ``"frozen"``, ``"trainable"``, ``"input"``, ``"outputs"``, ``"classes"``, ``"ending"``, ``"weights"``,
        ``"wiring"``, ``"training"``.
    meant
        What the person said: patterns, a size, a number; None where it goes without saying.
    found
        What is, in numbers; empty where it can't be known.
    findings
        What speaks for or against it.
    unchecked
        Why it couldn't be checked, or only in part; None where it was.
    """

    name: str
    meant: Any = None
    found: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    unchecked: str | None = None

    @property
    def level(self) -> str | None:
        """The gravest of its findings' levels, None without any."""
        return max((f.level for f in self.findings), key=LEVELS.index, default=None)

    @property
    def verdict(self) -> str:
        """``"holds"``, ``"doubtful"`` (there is a warning), ``"fails"`` (an error), ``"unchecked"``."""
        verdict = VERDICTS[self.level]
        return "unchecked" if self.unchecked is not None and verdict == "holds" else verdict

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "name": self.name,
            "meant": list(self.meant) if isinstance(self.meant, tuple) else self.meant,
            "found": dict(self.found),
            "verdict": self.verdict,
            "unchecked": self.unchecked,
            "findings": [f.to_dict() for f in self.findings],
        }


@dataclass(frozen=True)
class Check(Saved):
    """What was meant with a network against what is.

    Attributes
    ----------
    source, kind, framework, weights
        How the network was named, its class, ``"torch"`` or ``"keras"``, where its weights come from.
    claims
        What was looked at, in order; the rows of the table.
    """

    source: str
    kind: str
    framework: str
    weights: str
    claims: tuple[Claim, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, the gravest first."""
        found = [f for claim in self.claims for f in claim.findings]
        return tuple(sorted(found, key=lambda f: -LEVELS.index(f.level)))

    @property
    def unchecked(self) -> tuple[Claim, ...]:
        """The claims that couldn't be checked, or only in part."""
        return tuple(claim for claim in self.claims if claim.unchecked is not None)

    @property
    def passed(self) -> bool:
        """Whether all is as meant: no error, and nothing that was meant is left unchecked."""
        return self.passes()

    def passes(self, *, strict: bool = False) -> bool:
        """`passed`; with ``strict`` a warning, and whatever couldn't be checked, is a fault too."""
        verdicts = {claim.verdict for claim in self.claims}
        meant = any(claim.meant is not None and claim.verdict == "unchecked" for claim in self.claims)
        faults = {"fails", "doubtful", "unchecked"} if strict else {"fails"}
        return not (verdicts & faults or meant or (strict and self.unchecked))

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; every finding stands with its claim."""
        return {
            "source": self.source,
            "class": self.kind,
            "framework": self.framework,
            "weights": self.weights,
            "passed": self.passed,
            "errors": sum(f.level == "error" for f in self.findings),
            "warnings": sum(f.level == "warning" for f in self.findings),
            "claims": [claim.to_dict() for claim in self.claims],
        }

    def text(self, *, language: str = "en") -> str:
        """As plain text: the table, and a sentence for each finding."""
        from seethrough.show.check_text import as_text

        return as_text(self, language=language)

    def __str__(self) -> str:
        return self.text()

    def __rich__(self) -> RenderableType:
        from seethrough.show.check_text import as_rich

        return as_rich(self)

    def _repr_html_(self) -> str:
        from seethrough.show.check_text import as_html

        return as_html(self)
