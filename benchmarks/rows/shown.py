"""How the table is shown: as text, and as Markdown between two marks of a document."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"

Measured = Mapping[str, Any]
"""One row on one network, as ``table.py`` writes it to JSON."""


def ratio(one: Measured) -> float:
    """The peer's median time over ours; ours is that of which the row counts."""
    return statistics.median(one["theirs"]) / statistics.median(one[one["counts"]])


def line(one: Measured) -> str:
    """One measured row as a person at a terminal reads it."""
    if "missing" in one:
        return f"{one['key']:21} {one['network']:18} not run: {one['missing']}"
    first, again, theirs = (statistics.median(one[side]) for side in ("first", "next", "theirs"))
    bar = one["bar"]
    wanted = "" if bar is None else f" wanted ≥ {bar:g} {'✓' if ratio(one) >= bar else '✗'}"
    ours, peers = one.get("peak_ours"), one.get("peak_theirs")
    memory = "" if ours is None or peers is None else f"  MB {ours:6.0f} / {peers:6.0f}"
    part = "" if one["share"] == 1 else f"  (a {one['share']:.1%} of it timed, ours {one['our_share']:.1%})"
    return (
        f"{one['key']:21} {one['network']:18} first {first:8.3f}  next {again:8.3f}  peer {theirs:8.3f} s  "
        f"×{ratio(one):6.2f}{wanted}  next ×{theirs / again:6.2f}{memory}  {agreed(one)}  [{one['setting']}; "
        f"{len(one['first'])} rounds, others {one['others']:.0%}]{part}"
    )


def agreed(one: Measured) -> str:
    """How far the results agree, in a few signs."""
    figure, value = one["agreement"]["figure"], one["agreement"]["value"]
    return f"{figure} {value:.0e}" if figure == "difference" else f"{figure} {value:.4f}"


WORDS = {
    "en": {
        "work": "work, one picture of 224 px",
        "against": "against",
        "caption": "How many times as long as ours the peer takes, at its best setting: the first question to a newly opened "
        "network, recording, proof and planning included · the same asked again. In brackets the peak memory of ours and "
        "the peer's, in MB. Medians of rounds in turn; {threads} threads of {processor}, torch {torch}{part}. Made by "
        "`make bench`.",
        "part": ", of long works a part timed and the rest reckoned (`--quick`)",
        "absent": "not run",
    },
    "zh": {
        "work": "任务，一张 224 像素的图",
        "against": "对照",
        "caption": "同行在其最佳设置下所用的时间是我们的多少倍：对刚打开的网络第一次提问（含记录、证明与规划）· 再次提问。括号内是我们与同行"
        "的峰值内存，单位 MB。轮流运行取中位数；{threads} 线程，{processor}，torch {torch}{part}。由 `make bench` 生成。",
        "part": "，耗时长的任务只计一部分，其余按比例推算（`--quick`）",
        "absent": "未运行",
    },
}


def markdown(
    rows: Sequence[Mapping[str, Any]], networks: Mapping[str, str], machine: Mapping[str, Any], language: str
) -> str:
    """The table: a line a work, a column a network.

    Parameters
    ----------
    rows
        What was measured, in order; each with its ``work`` and ``peer`` by language.
    networks
        Names by key. Keras' twin of a network stands in the network's own column.
    """
    words = WORDS[language]
    columns = [
        key for key in networks if not key.startswith("keras_") or f"{key.removeprefix('keras_')}" not in networks
    ]
    cells: dict[str, dict[str, Mapping[str, Any]]] = {}
    for one in rows:
        own = one["network"].removeprefix("keras_")
        cells.setdefault(one["key"], {})[own if own in networks else one["network"]] = one
    said = [f"| {words['work']} | {words['against']} | {' | '.join(networks[key] for key in columns)} |"]
    said.append("|---|---|" + "---|" * len(columns))
    for found in cells.values():
        any_ = next(iter(found.values()))
        each = [_cell(found[key], words) if key in found else "–" for key in columns]
        said.append(f"| {any_['work'][language]} | {any_['peer'][language]} | {' | '.join(each)} |")
    part = words["part"] if any(one.get("share", 1) < 1 for one in rows) else ""
    return "\n".join([*said, "", words["caption"].format(**machine, part=part)])


def _cell(one: Measured, words: Mapping[str, str]) -> str:
    if "missing" in one:
        return words["absent"]
    ours, theirs = one.get("peak_ours"), one.get("peak_theirs")
    memory = "" if ours is None or theirs is None else f" ({ours:.0f} / {theirs:.0f})"
    theirs_ = statistics.median(one["theirs"])
    first, again = (_times(theirs_ / statistics.median(one[side])) for side in ("first", "next"))
    return f"{first} · {again}{memory}"


def _times(ratio: float) -> str:
    """Two digits, or the whole number."""
    return f"{ratio:.0f}×" if ratio >= 10 else f"{ratio:.1f}×" if ratio >= 1 else f"{ratio:.2f}×"


def replaced(document: str, table: str) -> str:
    """A document with what stands between the marks replaced.

    Raises
    ------
    ValueError
        The document doesn't have both marks, once each and in order.
    """
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in after or END in before + after:
        raise ValueError(f"the document needs {BEGIN} and, behind it, {END}, once each")
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def write(path: Path, table: str) -> None:
    """Put the table into a file between its marks."""
    path.write_text(replaced(path.read_text("utf-8"), table), "utf-8")
