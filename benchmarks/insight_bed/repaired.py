"""A repair of a network of the bed, as a person would have it made: audited, every proven finding said to be background, mended on
the same pictures; and, beside the network that was trained where the cue is any class's, scored by what nobody was told: the groups.
"""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

from torch import nn

import seethrough as st
from insight_bed.case import AUDIT, AUDITED, Case, sheet
from insight_bed.looked import given, opened
from insight_bed.oracle import Truth, truth
from insight_bed.score import scored
from seethrough.findings.audit import audit
from seethrough.findings.judge import PROVEN


def repaired(case: Case, module: nn.Module, balanced: Truth) -> dict[str, Any]:
    """What came of it."""
    pictures = sheet(case, AUDIT, AUDITED)
    net, person = opened(case, module), given(case, pictures)
    found = audit(net, pictures.pictures, **person, seed=case.seed)
    place = case.generator.place(case.kind, 1000 * (1 + case.seed))
    said = scored(case.kind, found.to_dict(), place)
    row: dict[str, Any] = {"headline": said["headline"], "proven": said["proven"], "named": said["named"]}
    row |= {"before": asdict(truth(case, module)), "balanced": asdict(balanced)}
    answers = {k: "background" for k, f in enumerate(found.findings, 1) if f.verdict == PROVEN}
    if not answers:
        return row | {"verdict": "nothing proven", "rung": "", "after": row["before"]}
    start = time.process_time()
    fixed = st.repair(net, found, pictures.pictures, answers=answers, **person, seed=case.seed)
    row |= {"verdict": fixed.verdict, "rung": fixed.rung, "cpu": round(time.process_time() - start, 1)}
    row["tried"] = [{"rung": t.rung, "why_not": t.why_not, "lacks": list(t.lacks)} for t in fixed.tried]
    if fixed.network is None:
        return row | {"after": row["before"]}
    return row | {"after": asdict(truth(case, fixed.network.module))}
