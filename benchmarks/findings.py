"""Findings on trained networks: how many of the defects that were planted are found, and how many alarms are false.

    python benchmarks/findings.py [--only NAME]

Health: each network is looked at clean, with three filters planted (one dead, one cloned, one scaled), and with a first layer that
strides by four. Every finding on the clean network is put to the test on pictures that it wasn't found on: where those don't
confirm it for at least half of its units, it is a false alarm. What trained networks really have (dead units, twins) is none.

Filters: the same by the weights alone (`filter_findings`).
"""

from __future__ import annotations

import argparse
import time

import seethrough as st
from filter_findings import filters_on_planted_defects
from planted import Planted, Subject, plant, subjects
from seethrough.condition.findings import ALIASES, ALIASES_FIRST, Finding
from seethrough.condition.health import Health
from seethrough.models.torchvision_import import make_torchvision_importable

MOST_FALSE = 2
SLACK = 0.8
"""Pictures by chance differ: a threshold on the second set is as much lower."""


def found(health: Health, planted: Planted) -> bool:
    """Whether a defect that was planted is among the findings."""
    same = [f for f in health.findings if (f.name, f.layer) == (planted.finding, planted.layer)]
    return any(set(planted.units) <= set(f.units) for f in same)


def confirmed(finding: Finding, others: Health) -> bool:
    """Whether other pictures bear a finding out."""
    if finding.name == "aliasing":
        stride = next(s for s in others.strides if s.path == finding.layer)
        return stride.whole > SLACK * (ALIASES_FIRST if stride.first else ALIASES)
    layer = others[finding.layer]
    if finding.name == "dead":
        fires = layer.reach[list(finding.units)] > finding.numbers["may_fire"]
        return (fires & ~layer.dead[list(finding.units)]).mean() < 0.5
    same = [f for f in others.findings if f.layer == finding.layer and _kin(f.name) == _kin(finding.name)]
    units = {u for f in same for u in f.units}
    return bool(same) and len(units & set(finding.units)) >= len(finding.units) / 2


def _kin(name: str) -> str:
    """Twins on one set of pictures may be alike on the other by a hair less."""
    return "alike" if name in ("duplicates", "alike_weights", "alike_activations") else name


def line(subject: Subject) -> tuple[str, int, int, int]:
    """A row of the table; defects found, planted, and false alarms."""
    first, second = subject.pictures()
    start = time.perf_counter()
    clean = st.health(subject.fresh(), first)
    seconds = time.perf_counter() - start
    others = st.health(subject.fresh(), second)
    false = [f for f in clean.findings if not confirmed(f, others)]
    net = subject.fresh()
    planted = plant(net)
    health = st.health(net, first)
    hits = [found(health, p) for p in planted]
    strided = st.health(subject.strided(), first[:40])
    first_layer = clean.layers[0].path
    has = any(f.name == "aliasing" and f.layer.split(".")[-1] == first_layer.split(".")[-1] for f in strided.findings)
    had = any(f.name == "aliasing" and f.layer == first_layer for f in clean.findings)
    known = {(f.name, f.layer) for f in clean.findings} | {(p.finding, p.layer) for p in planted}
    beside = [f for f in health.findings if f.level != "info" and (f.name, f.layer) not in known]
    hits.append(has and not had)
    levels = [f.level for f in clean.findings]
    told = f"{levels.count('warning')} + {levels.count('info')}"
    row = (
        f"{subject.name:16s} {clean.images:6d} {seconds:7.1f}  {sum(hits)} of {len(hits)} {'':3s} {told:>9s} {len(false):6d} "
        f"{len(beside):8d}"
    )
    for finding in false:
        row += f"\n    not confirmed: {finding.name} in {finding.layer}, units {list(finding.units)[:8]}"
    for planted_one, hit in zip([*planted, "stride 4"], hits):
        row += "" if hit else f"\n    missed: {planted_one}"
    return row, sum(hits), len(hits), len(false)


def health_on_planted_defects(only: str | None) -> bool:
    """The table; whether all was found with few false alarms."""
    print(
        "Health. Clean findings are warnings + notes; beside: warnings on the planted network that are neither planted nor clean"
    )
    print(f"{'network':16s} {'images':>6s} {'seconds':>7s}  {'found':9s} {'clean':>9s} {'false':>6s} {'beside':>8s}")
    good = True
    for subject in subjects():
        if only is None or only in subject.name:
            row, hits, all_of_them, false = line(subject)
            print(row, flush=True)
            good &= hits == all_of_them and false <= MOST_FALSE
    return good


def main() -> int:
    """Print the tables; 1 where a figure isn't reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="part of a network's name")
    only = parser.parse_args().only
    make_torchvision_importable()
    good = [health_on_planted_defects(only), filters_on_planted_defects(only or "")]
    return 0 if all(good) else 1


if __name__ == "__main__":
    raise SystemExit(main())
