"""A check as a person reads it: what was meant against what is, a line each, and a sentence for each finding; as plain
text, for a coloured terminal, and for a notebook.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING

from seethrough.anatomy.findings import Check, Claim
from seethrough.show import check_words as words
from seethrough.show.language import Both, known_language, plain

if TYPE_CHECKING:
    from rich.console import RenderableType

MARKS = {"holds": "✓", "doubtful": "!", "fails": "✗", "unchecked": "?"}
STYLES = {"holds": "green", "doubtful": "yellow", "fails": "bold red", "unchecked": "yellow"}
LEVEL_STYLES = {"error": "bold red", "warning": "yellow", "info": "dim"}
COLON = Both(": ", "：")
ORDER = ("error", "warning", "info")

Row = tuple[Both, Both, Both, Both]


def as_text(check: Check, *, language: str = "en") -> str:
    """As plain text; sentences aren't broken."""
    from rich.cells import cell_len

    language = known_language(language)
    rows = [_in(line, language) for line in (words.HEAD, *map(row, check.claims))]
    widths = [max(map(cell_len, column)) for column in zip(*rows)]
    lines = ["  ".join(cell + " " * (w - cell_len(cell)) for cell, w in zip(r, widths)).rstrip() for r in rows]
    rule = "─" * (sum(widths) + 2 * (len(widths) - 1))
    said = [labelled(level, text).in_(language) for level, text in sentences(check)]
    return "\n".join([title(check), "", lines[0], rule, *lines[1:], rule, *said, conclusion(check).in_(language)])


def as_rich(check: Check, *, language: str = "en", strict: bool = False) -> RenderableType:
    """For rich, with colour where there is any; nothing is said by colour alone."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    language = known_language(language)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in _in(words.HEAD, language):
        table.add_column(Text(name), overflow="fold")
    for claim in check.claims:
        *cells, verdict = _in(row(claim), language)
        table.add_row(*map(Text, cells), Text(verdict, STYLES[claim.verdict]))
    said = [
        Text.assemble(
            (f"{words.LEVELS[level].in_(language)}{COLON.in_(language)}", LEVEL_STYLES[level]), text.in_(language)
        )
        for level, text in sentences(check)
    ]
    end = Text(conclusion(check, strict=strict).in_(language), "bold")
    return Group(Text(title(check), "bold"), Text(), table, Text(), *said, end)


def as_html(check: Check, *, language: str = "en") -> str:
    """For a notebook: a table and a list, without scripts, styles or requests."""
    language = known_language(language)
    top, *body = (_in(line, language) for line in (words.HEAD, *map(row, check.claims)))
    head = "".join(f"<th>{escape(cell)}</th>" for cell in top)
    rows = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in line) + "</tr>" for line in body)
    said = "".join(f"<li>{escape(labelled(level, text).in_(language))}</li>" for level, text in sentences(check))
    return (
        f"<p><b>{escape(title(check))}</b></p><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        f"<ul>{said}</ul><p>{escape(conclusion(check).in_(language))}</p>"
    )


# --- pieces -----------------------------------------------------------------------------------------------------------


def title(check: Check) -> str:
    """What was checked."""
    return f"{plain(check.source)} · {plain(check.kind)}"


def row(claim: Claim) -> Row:
    """A claim as a line of the table."""
    verdict = words.VERDICTS[claim.verdict]
    mark = MARKS[claim.verdict]
    told = words.meant(claim)
    return (
        words.CLAIMS[claim.name],
        Both(told, told),
        words.is_now(claim),
        Both(*(f"{mark} {v}" for v in _each(verdict))),
    )


def sentences(check: Check) -> Iterator[tuple[str, Both]]:
    """(level, sentence): of each finding, the gravest first, and of what couldn't be checked."""
    said = [(f.level, words.sentence(f)) for f in check.findings]
    said += [("error" if c.meant is not None else "warning", words.unchecked(c)) for c in _once(check.unchecked)]
    yield from sorted(said, key=lambda pair: ORDER.index(pair[0]))


def labelled(level: str, text: Both) -> Both:
    """A sentence behind its level."""
    parts = (_each(words.LEVELS[level]), _each(COLON), _each(text))
    return Both(*("".join(part) for part in zip(*parts)))


def _once(claims: Sequence[Claim]) -> list[Claim]:
    """Several claims that one reason leaves unchecked are told by the first, unless the person meant them."""
    told: set[str | None] = set()
    kept = []
    for claim in claims:
        if claim.meant is not None or claim.unchecked not in told:
            kept.append(claim)
        told.add(claim.unchecked)
    return kept


def conclusion(check: Check, *, strict: bool = False) -> Both:
    """Whether all is as meant, and how much isn't."""
    levels = [f.level for f in check.findings]
    errors, warnings = levels.count("error"), levels.count("warning")
    faults = [
        _counted(words.ERRORS, errors),
        _counted(words.WARNINGS, warnings),
        _counted(words.LEFT, len(check.unchecked)),
    ]
    told = [fault for fault in faults if fault is not None]
    listed = Both(", ".join(f.en for f in told), "、".join(f.zh for f in told))
    if not check.passes(strict=strict):
        return words.FAILED.fill(faults=listed)
    return words.PASSED_BUT.fill(warnings=listed) if told else words.PASSED


def _counted(text: tuple[Both, Both], n: int) -> Both | None:
    return None if not n else text[0] if n == 1 else text[1].fill(n=n)


def _in(line: Sequence[Both], language: str) -> list[str]:
    return [cell.in_(language) for cell in line]


def _each(text: Both) -> tuple[str, str]:
    return text.en, text.zh
