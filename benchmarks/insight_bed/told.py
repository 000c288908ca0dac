"""The bed's rows as tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from insight_bed.beds import GENERATORS
from insight_bed.cases import ALL
from seethrough.findings.statistics import proportion

Row = dict[str, Any]
BAR, PRECISE = 0.95, 0.9
"""Of the shortcuts that are used so many are to be proven and named right; of the first ten of the breaking slice so many
are to break."""
MENDED, MENDED_ALL, LOSS = 0.9, 0.7, 0.015
"""Of the balanced network's worst group, so much is to be reached; at 100 in a hundred; and what of the usual accuracy it may cost."""
TWINS = 60
"""Clean twins that have to be looked at."""


def share(hits: int, of: int) -> str:
    """A share, with its interval."""
    found = proportion(hits, of)
    return f"{hits:3d} of {of:3d}  {found.value:6.1%}  [{found.low:.1%}, {found.high:.1%}]" if of else "  0 of   0"


def clean(rows: Sequence[Row], say: Callable[[str], None]) -> bool:
    """Clean twins: whatever is proven is a false alarm."""
    say("\nClean twins: the cue is any class's. Whatever is proven is a false alarm")
    for bed in GENERATORS:
        some = [row for row in rows if row["case"]["bed"] == bed]
        say(f"  {bed:8s} {share(sum(row['audit']['any'] for row in some), len(some))}")
    alarms = [row for row in rows if row["audit"]["any"]]
    say(f"  {'all':8s} {share(len(alarms), len(rows))}")
    if rows:
        accuracy = sorted(row["network"]["usual"] for row in rows)
        asked = sum(len(row["audit"]["findings"]) for row in rows)
        say(
            f"  {asked} candidates were judged; the networks are right in {accuracy[0]:.0%} … {accuracy[len(rows) // 2]:.0%} … "
            f"{accuracy[-1]:.0%} (lowest, median, highest)"
        )
    for row in alarms:
        for finding in row["audit"]["findings"]:
            if finding["verdict"] == "proven":
                say(f"    {row['key']:36s} {_finding(finding)}; by the oracle {row['network']['effect']:.1f}")
    return not alarms and len(rows) >= TWINS


def planted(rows: Sequence[Row], kinds: Sequence[str], title: str, say: Callable[[str], None]) -> bool:
    """Shortcuts by kind and correlation: of those that are used, by how many anything is proven (the background holds whatever lies
    beside the thing), the shortcut itself is, the headline calls it by its name, and its card tells of it.
    """
    used = [row for row in rows if row["used"]]
    correlations = [c for c in ALL if any(row["case"]["correlation"] == c for row in rows)]
    say(f"\n{title}: proven of used; the same at each correlation in a hundred")
    say(
        f"  {'kind':12s} {'trained':>7s} {'used':>5s} {'any':>4s} {'proven':>7s} {'named':>6s} {'on its card':>11s}   "
        + "".join(f"{c:>8d}" for c in correlations)
    )
    for kind in kinds:
        all_of_it = [row for row in rows if row["case"]["kind"] == kind]
        own = [row for row in used if row["case"]["kind"] == kind]
        if not all_of_it:
            continue
        cells = [[row for row in own if row["case"]["correlation"] == c] for c in correlations]
        text = "".join(f"{_count(cell, 'proven')}/{len(cell)}".rjust(8) for cell in cells)
        say(
            f"  {kind:12s} {len(all_of_it):7d} {len(own):5d} {_any(own):4d} {_count(own, 'proven'):7d} {_count(own, 'named'):6d} "
            f"{_count(own, 'told'):11d}   {text}"
        )
    proven, named = _count(used, "proven"), _count(used, "named")
    say(f"  anything proven    {share(_any(used), len(used))}")
    say(f"  the shortcut is    {share(proven, len(used))}")
    say(f"  … and named right  {share(named, len(used))}")
    say(f"  … told on its card {share(_count(used, 'told'), len(used))}")
    for low, high in ((10, 20), (20, 40), (40, 101)):
        some = [row for row in used if low <= row["network"]["effect"] < high]
        say(
            f"    effect by the oracle {low:2d} … {high:3d}: proven {_count(some, 'proven')}, named {_count(some, 'named')} of {len(some)}"
        )
    for row in used:
        said = row["audit"]
        if not said["proven"] or not said["named"]:
            best = [f for f in said["findings"] if f["verdict"] != "not found"][:3]
            what = "missed" if not said["proven"] else "misnamed"
            say(
                f"    {what:8s} {row['key']:38s} oracle {row['network']['effect']:5.1f}  "
                + ("; ".join(_finding(f) for f in best) or "nothing suspected")
            )
    return bool(used) and named >= BAR * len(used)


def slices(rows: Sequence[Row], say: Callable[[str], None]) -> bool:
    """Of the first ten pictures that are said to break the habit, how many do."""
    say("\nThe slice that breaks the habit: of its first ten pictures, how many do (where ten are there)")
    good = True
    for correlation in ALL[:-1]:
        found = [
            row["audit"]["slice"] for row in rows if row["case"]["correlation"] == correlation and row["audit"]["slice"]
        ]
        found = [each for each in found if each["there"] >= each["of"] == 10]
        right, of = sum(each["right"] for each in found), sum(each["of"] for each in found)
        say(f"  {correlation:3d} %  {len(found):3d} networks  {share(right, of)}")
        good &= correlation != 95 or (of > 0 and right >= PRECISE * of)
    return good


def repairs(rows: Sequence[Row], say: Callable[[str], None]) -> bool:
    """Worst groups before, after, and of the same network trained where the cue is any class's."""
    rows = [row for row in rows if row["used"]]
    if not rows:
        return True
    say(
        "\nRepairs: every proven finding was said to be background. Worst group and usual accuracy by groups that nobody was told"
    )
    say(
        f"  {'network':38s} {'worst':>6s} {'mended':>7s} {'balanced':>9s} {'of it':>6s} {'usual':>6s} {'mended':>7s} {'balanced':>9s}   by"
    )
    good = True
    for least, some in (
        (MENDED, [row for row in rows if row["case"]["correlation"] < 100]),
        (MENDED_ALL, [row for row in rows if row["case"]["correlation"] == 100]),
    ):
        reached, cheaply, fairly = [], [], []
        for row in some:
            before, after, even = (row["repair"][name] for name in ("before", "after", "balanced"))
            part, loss = after["worst"] / max(even["worst"], 1e-9), before["usual"] - after["usual"]
            reached.append(part >= least)
            cheaply.append(part >= least and loss <= LOSS)
            fairly.append(part >= least and min(loss, even["usual"] - after["usual"]) <= LOSS)
            say(
                f"  {row['key'].removesuffix('-repair'):38s} {before['worst']:6.2f} {after['worst']:7.2f} {even['worst']:9.2f} "
                f"{part:6.0%} {before['usual']:6.3f} {after['usual']:7.3f} {even['usual']:9.3f}   "
                f"{row['repair']['rung'] or row['repair']['verdict']}"
            )
        if some:
            say(f"  worst group to {least:.0%} of the balanced one's: {share(sum(reached), len(reached))}")
            cost = f"usual accuracy at most {100 * LOSS:.1f} points lower than"
            say(f"  … with {cost} before: {share(sum(cheaply), len(some))}")
            say(f"  … or {cost} the balanced network's: {share(sum(fairly), len(some))}")
            good &= all(reached if least == MENDED_ALL else cheaply)
    return good


def _any(rows: Iterable[Row]) -> int:
    return sum(bool(row["audit"]["any"]) for row in rows)


def _count(rows: Iterable[Row], what: str) -> int:
    return sum(bool(row["audit"]["proven"] and row["audit"][what]) for row in rows)


def _finding(finding: Row) -> str:
    return (
        f"{finding['called']} → {finding['answer']}, {finding['verdict']}: {finding['effect']:.1f} points from {finding['low']:.1f}, "
        f"p {finding['corrected']:.2g}"
    )
