"""Work over many images on a terminal: a bar with rate and time left, the images that were passed by, and an exit code."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from seethrough.cli.failures import SOME_FAILED, for_the_shell
from seethrough.cli.terminal import complain, one_line

if TYPE_CHECKING:
    from seethrough.jobs import Passed

LISTED = 10
"""The most images that are named on a terminal; all of them are in the result."""


@contextmanager
def counting(what: str = "images") -> Iterator[Callable[[int, int], None] | None]:
    """A bar for a run's `Progress`; on a terminal's standard error only, and gone when done."""
    import sys

    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from seethrough.jobs import Pace

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[pace]}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True, markup=False), transient=True) as bars:
        task, pace = bars.add_task(what, total=None, pace=""), Pace()

        def step(done: int, total: int) -> None:
            pace(done, total)
            bars.update(task, completed=done, total=total, pace=in_words(pace.rate, pace.left))

        yield step


def in_words(rate: float | None, left: float | None) -> str:
    """A rate and a time left.

    >>> in_words(23.44, 3725)
    '23.4 a second, 1:02:05 left'
    >>> in_words(None, None)
    ''
    """
    if rate is None or left is None:
        return ""
    hours, rest = divmod(round(left), 3600)
    minutes, seconds = divmod(rest, 60)
    clock = f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
    return f"{rate:.1f} a second, {clock} left"


def say_passed(passed: Sequence[Passed]) -> int:
    """Name the images that couldn't be read, each with the reason; 0 where there are none, 1 where some are."""
    for each in passed[:LISTED]:
        complain(for_the_shell(f"{one_line(each.name)}: {one_line(each.reason)}"))
    if len(passed) > LISTED:
        complain(f"{len(passed) - LISTED:,} images more couldn't be read; they are listed in the result.")
    return SOME_FAILED if passed else 0
