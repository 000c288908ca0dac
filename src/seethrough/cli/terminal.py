"""Printing for people and programs: text from outside as data, tables, progress.

A file, layer or label may be called anything. Nothing here is read as markup, and no control character reaches the
terminal.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import RenderableType

_DIRECTION = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")

Step = Callable[[str, int, int], None]
"""Told a method's name, steps done, steps in all."""


def safe(text: object) -> str:
    r"""Text with its line breaks, every other control or direction character written out.

    >>> safe("a\x1b[31m\nb")
    'a\\x1b[31m\nb'
    """
    return "".join(c if c == "\n" or not _is_control(c) else ascii(c)[1:-1] for c in str(text))


def one_line(text: object) -> str:
    r"""The same, with line breaks written out too.

    >>> one_line("cat\n.jpg")
    'cat\\n.jpg'
    """
    return safe(text).replace("\n", "\\n")


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Zl", "Zp", "Cs") or character in _DIRECTION


def say(text: object = "") -> None:
    """A line on standard output."""
    print(safe(text))


def tell(text: object) -> None:
    """What is being done, on standard error."""
    print(safe(text), file=sys.stderr, flush=True)


def complain(text: object) -> None:
    """A message on standard error."""
    print(f"seethrough: {safe(text)}", file=sys.stderr, flush=True)


def say_json(record: Any) -> None:
    """Data for a program; what JSON can't hold as a number (NaN, infinities) is null."""
    from seethrough.report.records import plain_data

    print(json.dumps(plain_data(record), ensure_ascii=False, indent=2, allow_nan=False))


def show(drawn: RenderableType) -> None:
    """Something that knows how it wants to be drawn, as wide as the terminal; 100 columns into a file or pipe."""
    from rich.console import Console

    Console(markup=False, highlight=False, emoji=False, width=None if sys.stdout.isatty() else 100).print(drawn)


def show_table(columns: Sequence[str], sections: Iterable[tuple[str, Sequence[Sequence[object]]]]) -> None:
    """Rows of texts under the headings of their sections (an empty heading: none); the first column is never cut."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for i, column in enumerate(columns):
        table.add_column(Text(column), no_wrap=i == 0)
    for heading, rows in sections:
        if heading:
            table.add_row(Text(one_line(heading), style="bold"))
        for row in rows:
            table.add_row(*(Text(one_line(cell)) for cell in row))
        table.add_section()
    show(table)


@contextmanager
def progress() -> Iterator[Step | None]:
    """A bar for each method that takes many steps; on a terminal's standard error only, and gone when done."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True, markup=False), transient=True) as bars:
        tasks: dict[str, Any] = {}

        def step(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(one_line(name).replace("_", " "), total=total)
            bars.update(tasks[name], completed=done, total=total)

        yield step
