"""A summary as a person reads it: a tree with columns, repeated blocks folded, as plain text and for a coloured
terminal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from seethrough.anatomy.figures import NONE, amount, dimensions, plain, size_in_words
from seethrough.anatomy.folding import Repeat, common_words, repeats
from seethrough.anatomy.rows import NOT_CALLED, WEIGHTS_USED, Row, Shape
from seethrough.anatomy.summary import Summary, down_to
from seethrough.graph.receptive import ReceptiveField

WIDTH = 100
CLASS_WIDTH = 24
HEAD = ("Layer", "Class", "Output", "Parameters", "MACs", "Sees")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the tree: its branches, its name, the other columns, and whether it stands for several layers."""

    branches: str
    name: str
    cells: tuple[str, str, str, str, str]
    folded: bool = False
    quiet: bool = False


def as_text(summary: Summary, width: int = WIDTH) -> str:
    """As plain text, in at most ``width`` columns where names and shapes allow it."""
    lines, left_out = readable(summary)
    rows = [(line.branches + line.name, *line.cells) for line in lines]
    widths = [max(map(cell_len, column)) for column in zip(HEAD, *rows)]
    widths[1] = min(widths[1], CLASS_WIDTH)
    spare = width - sum(widths[1:]) - 2 * len(widths[1:])
    widths[0] = max(12, min(widths[0], spare))
    if sum(widths) + 2 * len(widths[1:]) > width:
        widths[1] = max(8, widths[1] - (sum(widths) + 2 * len(widths[1:]) - width))
    rule = "─" * (sum(widths) + 2 * len(widths[1:]))
    table = [_aligned(HEAD, widths), rule, *(_aligned(row, widths) for row in rows), rule]
    facts = [f"{name:<13} {value:>{14}}  {more}".rstrip() for name, value, more in _totals(summary)]
    return "\n".join([*_title(summary), "", *table, *facts, *_remarks(summary, lines, left_out)])


def as_rich(summary: Summary) -> RenderableType:
    """For rich, with colour where there is any; nothing is said by colour alone."""
    lines, left_out = readable(summary)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name, right in zip(HEAD, (False, False, False, True, True, True)):
        table.add_column(name, justify="right" if right else "left", overflow="ellipsis", no_wrap=True)
    for line in lines:
        style = "dim" if line.quiet else "bold" if line.folded else ""
        name = Text.assemble((line.branches, "dim"), (line.name, style))
        kind, output, *numbers = line.cells
        table.add_row(name, Text(kind, "cyan"), Text(output), *(Text(n, "dim" if n == NONE else "") for n in numbers))
    totals = Table.grid(padding=(0, 2))
    totals.add_column()
    totals.add_column(justify="right")
    totals.add_column(style="dim")
    for name, value, more in _totals(summary):
        totals.add_row(Text(name), Text(value, "bold"), Text(more))
    title, *rest = _title(summary)
    remarks = [Text(remark, "yellow") for remark in _remarks(summary, lines, left_out)]
    return Group(Text(title, "bold"), *map(Text, rest), Text(), table, Text(), totals, *remarks)


# --- what fits --------------------------------------------------------------------------------------------------------

MOST_LINES = 160
"""A text longer than this is scrolled past, not read."""

FIRST, LAST = 40, 15
"""Lines kept of layers side by side that are too many."""


def readable(summary: Summary) -> tuple[list[Line], str]:
    """The lines of a summary, in as many levels as can be read, and a sentence on what was left out.

    Layers side by side that are too many have their middle in one line, which adds up what isn't shown.
    """
    whole = list(tree(summary.rows))
    if not summary.abridged or len(whole) <= MOST_LINES:
        return whole, ""
    depth = max(map(_levels, summary.rows))
    lines = list(tree(summary.rows, longest=FIRST + LAST))
    while len(lines) > MOST_LINES:  # ends: the uppermost level alone is FIRST + LAST lines and one
        depth -= 1
        lines = list(tree(down_to(summary.rows, depth), longest=FIRST + LAST))
    shown = f"{len(lines)} of {len(whole):,} lines are shown"
    return lines, f"{shown}; a depth, a pattern, or a page (.html) shows the others."


def _levels(row: Row) -> int:
    return 1 + max(map(_levels, row.children), default=0)


# --- the tree ---------------------------------------------------------------------------------------------------------


def tree(rows: Sequence[Row], branches: str = "", *, top: bool = True, longest: int | None = None) -> Iterator[Line]:
    """The lines of some rows and of all below, what repeats folded; of more than ``longest`` side by side the middle is
    one line.
    """
    heights = [height_of(row) for row in rows]
    found = repeats([hash(row.likeness) for row in rows], heights, [row.name for row in rows])
    hidden = range(FIRST, len(found) - LAST) if longest is not None and len(found) > longest else range(0)
    for k, repeat in enumerate(found):
        if k in hidden:
            if k == hidden.start:
                yield _hidden(
                    "" if top else f"{branches}├─ ", rows[repeat.start : found[hidden.stop].start], len(hidden)
                )
            continue
        last = repeat.stop == len(rows)
        here, below = (
            ("", "") if top else (f"{branches}{'└─ ' if last else '├─ '}", f"{branches}{'   ' if last else '│  '}")
        )
        block = rows[repeat.start : repeat.start + repeat.period]
        if repeat.times == 1:
            yield _line(here, block[0])
            yield from tree(block[0].children, below, top=False, longest=longest)
            continue
        yield _folded(here, rows[repeat.start : repeat.stop], repeat)
        inside = block[0].children if repeat.period == 1 else block
        yield from tree(inside, below, top=False, longest=longest)


def height_of(row: Row) -> int:
    """How many lines it takes unfolded."""
    return 1 + sum(map(height_of, row.children))


def _line(branches: str, row: Row) -> Line:
    name = plain(row.name)
    if (row.calls or 0) > 1:
        name += f"  × {row.calls} calls"
    if row.shared_with is not None:
        name += f"  = {plain(row.shared_with)}"
    name += _frozen(row)
    output = output_of(row)
    parameters = f"({row.shared:,})" if row.shared and not row.count.parameters else _count(row.count.parameters)
    cells = (plain(row.kind), output, parameters, amount(row.macs), sees(row.receptive))
    return Line(branches, name, cells, quiet=row.state == NOT_CALLED)


def _folded(branches: str, rows: Sequence[Row], repeat: Repeat) -> Line:
    """One line for all of them, with their sums."""
    first, last = rows[0], rows[-1]
    kinds = list(dict.fromkeys(plain(row.kind) for row in rows[: repeat.period]))
    kind = ", ".join(kinds) if len(kinds) < 3 else f"{repeat.period} layers"
    seen = [sees(first.receptive), sees(last.receptive)]
    macs = [row.macs for row in rows if row.macs is not None]
    cells = (
        kind,
        _outputs(last.outputs),
        _count(sum(row.count.parameters for row in rows)),
        amount(sum(macs) if macs else None),
        seen[0] if seen[0] == seen[1] else "…".join(seen),
    )
    return Line(branches, f"{fold_name(rows, repeat)}  × {repeat.times:,} alike{_frozen(first)}", cells, folded=True)


def fold_name(rows: Sequence[Row], repeat: Repeat) -> str:
    """What layers that are alike are called together: ``conv2_block1 … block3``."""
    begins, ends = (
        common_words([row.name for row in block]) for block in (rows[: repeat.period], rows[-repeat.period :])
    )
    if repeat.period == 1 or not begins or begins == ends:
        begins, ends = rows[0].name, rows[-1].name
    ends = ends.removeprefix(common_words([begins, ends])).lstrip("._/-")
    return f"{plain(begins)} … {plain(ends)}"


def _hidden(branches: str, rows: Sequence[Row], lines: int) -> Line:
    """One line for layers that differ and are too many to be told one by one, with their sums."""
    kinds = Counter(plain(row.kind) for row in rows).most_common()
    most = ", ".join(f"{count:,} {kind}" for kind, count in kinds[:2]) + (", …" if len(kinds) > 2 else "")
    parameters, macs = sum(row.count.parameters for row in rows), sum(row.macs or 0 for row in rows)
    return Line(branches, f"… {lines:,} more lines", (most, NONE, _count(parameters), amount(macs), NONE), folded=True)


def _frozen(row: Row) -> str:
    return "  frozen" if row.count.parameters and not row.count.trainable else ""


# --- words and numbers ------------------------------------------------------------------------------------------------


def output_of(row: Row) -> str:
    """The shape of what a layer returns; or why there is none."""
    return row.state if row.state in (NOT_CALLED, WEIGHTS_USED) else _outputs(row.outputs)


def _outputs(shapes: tuple[Shape, ...]) -> str:
    if not shapes:
        return NONE
    return dimensions(shapes[0]) + (f" +{len(shapes) - 1}" if len(shapes) > 1 else "")


def _count(number: int) -> str:
    return f"{number:,}" if number else NONE


def sees(found: ReceptiveField | None) -> str:
    """How much of the picture a unit sees: a side in pixels, both where they differ, or all."""
    if found is None:
        return NONE
    if found.whole:
        return "all"
    sizes = ["all" if n is None else str(n) for n in found.size]
    return sizes[0] if len(set(sizes)) == 1 else "×".join(sizes)


def _title(summary: Summary) -> list[str]:
    weights = {"random": "random weights", "live": ""}.get(summary.weights, f"weights: {summary.weights}")
    title = " · ".join(plain(part) for part in (summary.source, summary.kind, weights) if part)
    return [title] if summary.input_size is None else [title, _in_and_out(summary)]


def _in_and_out(summary: Summary) -> str:
    axes = {"channels_first": "channels × height × width", "channels_last": "height × width × channels"}[summary.layout]
    size = summary.input_size or ()
    text = f"input {dimensions(size)}" + (f" ({axes})" if len(size) == 3 else "")
    outputs = [f"{plain(name)} {dimensions(shape)}".strip() for name, shape in summary.outputs.items()]
    return text + (f"  →  output {', '.join(outputs[:4])}{', …' if len(outputs) > 4 else ''}" if outputs else "")


def _totals(summary: Summary) -> Iterator[tuple[str, str, str]]:
    kept = (
        ", ".join(f"{count:,} {name}" for name, count in summary.dtypes.items())
        if len(summary.dtypes) > 1
        else "".join(summary.dtypes)
    )
    yield "Parameters", f"{summary.parameters:,}", f"{size_in_words(summary.bytes)} {kept}".strip()
    yield "  trainable", f"{summary.trainable:,}", ""
    if summary.framework == "keras":
        yield "  not trainable", f"{summary.frozen:,}", "running statistics among them" if summary.frozen else ""
    else:
        yield "  frozen", f"{summary.frozen:,}", ""
    if summary.buffers:
        yield "Buffers", f"{summary.buffers:,}", "kept beside the parameters: running statistics and the like"
    if summary.macs is not None:
        yield "MACs", amount(summary.macs, figures=4), "multiply-accumulates for one picture"


def _remarks(summary: Summary, lines: Sequence[Line], left_out: str) -> list[str]:
    remarks = [left_out] if left_out else []
    if any(line.folded for line in lines):
        remarks.append("A line “× n alike” adds all n up; the lines inside of it show the first.")
    if any("  = " in line.name for line in lines):
        remarks.append("“= path” shares its weights with that layer; they are counted there.")
    return [*remarks, *map(plain, summary.missing)]


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    parts = [_fit(cell, w) for cell, w in zip(cells, widths)]
    padded = [
        part + " " * (w - cell_len(part)) if k < 3 else " " * (w - cell_len(part)) + part
        for k, (part, w) in enumerate(zip(parts, widths))
    ]
    return "  ".join(padded).rstrip()


def _fit(text: str, width: int) -> str:
    """Cut in the middle where it is too long: the ends of a name tell most."""
    if cell_len(text) <= width:
        return text
    half = (width - 1) // 2
    return f"{text[: width - 1 - half]}…{text[len(text) - half :]}"
