"""Memory as a person reads it: what it is for, then layer by layer, neighbours brought together where they are many."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from seethrough.anatomy.figures import NONE, dimensions, plain, size_in_words
from seethrough.anatomy.folding import common_words
from seethrough.anatomy.largest_batch import LargestBatch
from seethrough.anatomy.memory import LayerMemory, MemoryUse

MOST_ROWS = 24
"""Rows of layers in a table."""

ITSELF = "(itself)"
"""What the network's own forward makes, outside of any layer."""

Fact = tuple[str, str, str]
"""A name, a size, and what it is."""

HEAD = ("Layer", "Class")
SIZES = ("Parameters", "Gradients", "Optimizer", "Activations", "Together")
FORWARD_ONLY = ("Parameters", "Activations", "Together")
"""Columns of sizes: of training, and of inference."""


def as_text(use: MemoryUse) -> str:
    """As plain text."""
    rows = list(_rows(use))
    widths = [max(map(cell_len, column)) for column in zip(*rows)]
    lines = [_aligned(row, widths) for row in rows]
    rule = "─" * max(map(cell_len, lines))
    facts = [f"{name:<16} {size:>10}  {what}".rstrip() for name, size, what in facts_of(use)]
    return "\n".join([title(use), "", *facts, "", lines[0], rule, *lines[1:], rule])


def as_rich(use: MemoryUse) -> RenderableType:
    """For rich; nothing is said by colour alone."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    head, *rows = _rows(use)
    for name, cells in zip(head, zip(*rows)):
        number = name not in HEAD
        least = max(map(cell_len, (name, *cells))) if number else None  # names give way, numbers don't
        table.add_column(
            name, justify="right" if number else "left", overflow="ellipsis", no_wrap=True, min_width=least
        )
    for path, kind, *sizes in rows:
        table.add_row(Text(path), Text(kind, "cyan"), *(Text(s, "dim" if s == NONE else "") for s in sizes))
    return Group(Text(title(use), "bold"), Text(), rich_facts(facts_of(use)), Text(), table)


def rich_facts(facts: Sequence[Fact] | Iterator[Fact]) -> RenderableType:
    """Names, sizes and what they are, for rich."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column()
    grid.add_column(justify="right")
    grid.add_column(style="dim")
    for name, size, what in facts:
        grid.add_row(Text(name), Text(size, "bold"), Text(what))
    return grid


def title(use: MemoryUse) -> str:
    """What was asked, in a line."""
    size = use.settings.get("input_size")
    words = [
        plain(use.source),
        f"{use.purpose} on batches of {use.batch:,}" + (f" of {dimensions(tuple(size))}" if size else ""),
        use.settings.get("optimizer", ""),
        use.settings.get("precision", ""),
    ]
    segments = use.settings.get("checkpointing", ())
    if segments:
        words.append(f"{len(segments)} layers computed again on the way back")
    return " · ".join(word for word in words if word)


def facts_of(use: MemoryUse) -> Iterator[Fact]:
    """Sizes by what they are for."""
    yield "Parameters", size_in_words(use.parameters), ""
    if use.buffers:
        yield "Buffers", size_in_words(use.buffers), "kept beside the parameters: running statistics and the like"
    if use.purpose == "training":
        yield "Gradients", size_in_words(use.gradients), "of the parameters that are trained"
        yield "Optimizer", size_in_words(use.optimizer), f"state of {use.settings['optimizer']}"
    yield "Input", size_in_words(use.input), f"{use.batch:,} at once"
    kept = "there when the forward ends, for the walk back" if use.purpose == "training" else "there at the peak"
    yield "Activations", size_in_words(use.activations), kept
    yield "Peak", size_in_words(use.peak), f"in {place(use)}"
    if use.workspace[1]:
        yield (
            "Workspace",
            f"≤ {size_in_words(use.workspace[1])}",
            "may come on top: buffers of kernels, copies within a step",
        )


def place(use: MemoryUse) -> str:
    """Where the peak is: ``the backward of layer1.0.bn2 (convolution_backward)``."""
    where = f" of {plain(use.peak_layer)}" if use.peak_layer else ""
    return f"the {use.peak_phase}{where} ({use.peak_operation})"


def grouped(rows: Sequence[LayerMemory], most: int) -> list[LayerMemory]:
    """The same layers in at most ``most`` rows: by the beginnings of their paths, as deep as they fit; else neighbours
    together. The path of a row that stands for several ends in ``*``, or names the first and the last.
    """
    if len(rows) <= most:
        return list(rows)
    words = [re.split(r"[./_]", row.path) for row in rows]
    for depth in range(max(map(len, words)), 0, -1):
        beginnings = [word[:depth] for word in words]
        groups = [[rows[i] for i in group] for _, group in groupby(range(len(rows)), beginnings.__getitem__)]
        if len(groups) <= most:
            return [_together(group) for group in groups]
    size = -(-len(rows) // most)
    return [_together(rows[i : i + size]) for i in range(0, len(rows), size)]


def _together(rows: Sequence[LayerMemory]) -> LayerMemory:
    first, last = rows[0], rows[-1]
    if len(rows) == 1:
        return first
    common = common_words([row.path for row in rows])
    kinds = list(dict.fromkeys(row.kind for row in rows))
    return LayerMemory(
        f"{common.rstrip('._/-')}*" if common else f"{first.path or ITSELF} … {last.path}",
        kinds[0] if len(kinds) == 1 else f"{len(rows)} layers",
        *(sum(getattr(row, part) for row in rows) for part in ("parameters", "gradients", "optimizer", "activations")),
    )


def _rows(use: MemoryUse) -> Iterator[tuple[str, ...]]:
    """The head, then a row for each layer or group of layers."""
    columns = SIZES if use.purpose == "training" else FORWARD_ONLY
    yield (*HEAD, *columns)
    for row in grouped(use.by_layer, MOST_ROWS):
        sizes = (row.total if c == "Together" else getattr(row, c.lower()) for c in columns)
        yield plain(row.path) or ITSELF, plain(row.kind), *(size_in_words(s) if s else NONE for s in sizes)


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    parts = [
        cell + " " * (w - cell_len(cell)) if k < 2 else " " * (w - cell_len(cell)) + cell
        for k, (cell, w) in enumerate(zip(cells, widths))
    ]
    return "  ".join(parts).rstrip()


# --- the largest batch ------------------------------------------------------------------------------------------------


def largest_facts(found: LargestBatch) -> Iterator[Fact]:
    """What the largest batch is, and what it and its neighbours take."""
    if not found.batch:
        yield "Largest batch", "none", f"a batch of {found.smallest} takes {size_in_words(found.next_peak)} already"
        return
    yield "Largest batch", f"{found.batch:,}", f"takes {size_in_words(found.peak)} of {size_in_words(found.limit)}"
    yield "One more", f"{found.batch + 1:,}", f"would take {size_in_words(found.next_peak)}"
    yield "With workspace", f"{found.cautious:,}" if found.cautious else "none", "if all that may come on top comes"


def largest_text(found: LargestBatch) -> str:
    """As plain text."""
    return "\n".join(f"{name:<16} {size:>10}  {what}".rstrip() for name, size, what in largest_facts(found))
