"""Which cases the bed has, in the order in which they are run: those of the stated subset first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from insight_bed.beds import ARCHITECTURES, GENERATORS, SEEN
from insight_bed.case import Case

ALL, SOME, ONE = (85, 90, 95, 99, 100), (90, 95, 100), (95,)
"""Correlations in a hundred."""

USUAL = 95

TWINS = {"first": (5, 6), "second": (5,), "third": (5,), "fourth": (5,), "fifth": (5,)}
"""Seeds of clean twins."""

ROWS = ("fifth", "clean5", "fourth", "clean4", "third", "clean3", "clean", "second", "first", "bare", "repair")
"""Shortcuts of the fifth generator; its clean twins; those of the fourth and of the third alike; clean twins of the other two; their
shortcuts; both of these without masks, and repaired.
"""
EARLIER = ("first", "second")


AUDITS, REPAIRS = "audit", "repair"
"""What is done with a case's network."""


@dataclass(frozen=True)
class Job:
    """A case, and what is done with it."""

    work: str
    case: Case

    @property
    def key(self) -> str:
        """The job's name."""
        return self.case.key if self.work == AUDITS else f"{self.case.key}-{self.work}"


def jobs(rows: str) -> list[Job]:
    """The jobs of a row of `ROWS`: first those of the stated subset."""
    if rows != REPAIRS:
        return [Job(AUDITS, case) for case in cases(rows)]
    found = [case for bed in EARLIER for case in cases(bed) if case.correlation in (USUAL, ALL[-1])]
    found = [case for case in found if case.architecture == _turn(case.bed, case.kind)]
    return [Job(REPAIRS, case) for case in sorted(found, key=lambda case: not subset(case))]


def balanced(case: Case) -> Case:
    """The same, but that the cue is any class's."""
    return replace(case, correlation=0)


def cases(rows: str) -> list[Case]:
    """The cases of a row: first those of the stated subset, one of each kind."""
    of_row: dict[str, Callable[[], Iterator[Case]]] = {
        "clean": lambda: _clean(EARLIER),
        "clean3": lambda: _clean(("third",)),
        "clean4": lambda: _clean(("fourth",)),
        "clean5": lambda: _clean(("fifth",)),
        "bare": _bare,
    }
    found = list(of_row[rows]() if rows in of_row else _shortcuts(rows))
    return sorted(found, key=lambda case: not subset(case))


def subset(case: Case) -> bool:
    """Whether a case belongs to the stated subset: each kind once at 95 % and once clean, architectures in turn."""
    return (
        case.correlation in (0, USUAL)
        and case.architecture == _turn(case.bed, case.kind)
        and (case.correlation > 0 or case.seed == TWINS[case.bed][0])
    )


def _turn(bed: str, kind: str) -> str:
    names = list(ARCHITECTURES[bed])
    return names[GENERATORS[bed].KINDS.index(kind) % len(names)]


def _planted(bed: str, kind: str, correlations: tuple[int, ...]) -> Iterator[Case]:
    """Of two classes, one in four of three; with each correlation other pictures."""
    number = GENERATORS[bed].KINDS.index(kind)
    for correlation in correlations:
        turn = ALL.index(correlation)
        for k, architecture in enumerate(ARCHITECTURES[bed]):
            classes = 3 if (number + turn + k) % 4 == 3 else 2
            yield Case(bed, kind, correlation, architecture, classes, seed=turn)


def _clean(beds: Sequence[str]) -> Iterator[Case]:
    for bed in beds:
        for seed in TWINS[bed]:
            for number, kind in enumerate(GENERATORS[bed].KINDS):
                for k, architecture in enumerate(ARCHITECTURES[bed]):
                    yield Case(bed, kind, 0, architecture, 3 if (number + seed + k) % 4 == 3 else 2, seed)


def _shortcuts(bed: str) -> Iterator[Case]:
    """The first bed's with each correlation; those that another bed has too with the usual one alone."""
    for kind in GENERATORS[bed].KINDS:
        strengths = ALL if bed == "first" else ONE if kind in SEEN[bed] else SOME
        yield from _planted(bed, kind, strengths)


def _bare() -> Iterator[Case]:
    for case in [*_clean(EARLIER), *(case for bed in EARLIER for case in _shortcuts(bed))]:
        if subset(case):
            yield Case(case.bed, case.kind, case.correlation, case.architecture, case.classes, case.seed, masked=False)
