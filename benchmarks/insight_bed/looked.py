"""An audit of a network of the bed, as a person would make it: a network, pictures, their classes, masks or none."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

import seethrough as st
from insight_bed.case import AUDIT, AUDITED, Case, Sheet, sheet
from insight_bed.score import right, scored
from seethrough.datasets.collection import collect
from seethrough.evaluation.objects import objects
from seethrough.findings.audit import Audit, audit
from seethrough.findings.canvas import Canvas
from seethrough.findings.foreground import Drawn
from seethrough.findings.judge import PROVEN
from seethrough.network import Network

FIRST = 10
"""Of the slice that breaks the habit, so many are looked at."""


def opened(case: Case, module: nn.Module) -> Network:
    """A case's network, as the tool opens it."""
    side = case.generator.SIDE
    names = list(case.generator.THINGS[: case.classes])
    seen = {
        "scale": 1 / 255,
        "fit": "stretch",
    }  # as it was trained: nothing is enlarged and cut off, marks in corners stay
    return st.open(module.eval(), input_size=(3, side, side), preprocessing=seen, classes=names)


def given(case: Case, pictures: Sheet) -> dict[str, Any]:
    """What a person has beside the pictures."""
    truth = [case.generator.THINGS[label] for label in pictures.labels]
    return {"truth": truth, **({"masks": list(pictures.masks)} if case.masked else {})}


def looked(case: Case, module: nn.Module, folder: Path | None = None) -> dict[str, Any]:
    """The audit of a case, scored."""
    pictures = sheet(case, AUDIT, AUDITED)
    net, person = opened(case, module), given(case, pictures)
    start, ticks = time.perf_counter(), time.process_time()
    found = audit(net, pictures.pictures, **person, folder=folder, seed=case.seed)
    seconds, cpu = time.perf_counter() - start, time.process_time() - ticks
    place = case.generator.place(case.kind, 1000 * (1 + case.seed))
    said = scored(case.kind, found.to_dict(), place)
    return {
        **said,
        "slice": _broken(case, net, pictures, found, place) if said["proven"] else None,
        "judges": len(found.facts.split.of("judge")),
        "seconds": round(seconds, 1),
        "cpu": round(cpu, 1),
    }


def _broken(case: Case, net: Network, pictures: Sheet, found: Audit, place: Any) -> dict[str, Any] | None:
    """Of the pictures that are said most surely to break the habit, how many do: the first ten of those whose aspect pulls
    furthest away from their own class.
    """
    from seethrough.remedies.groups import groups_of
    from seethrough.remedies.rung import Ward

    plain = found.to_dict()["findings"]
    fault = next(
        f.candidate for f, said in zip(found.findings, plain) if f.verdict == PROVEN and right(case.kind, said, place)
    )
    collection = collect(pictures.pictures, truth=given(case, pictures)["truth"])
    drawn = objects(collection, list(pictures.masks) if case.masked else None)
    canvas = Canvas(net, collection, None if drawn is None else Drawn(drawn))
    part = found.facts.split.of
    ward = Ward(canvas, found.facts, (fault,), np.concatenate([part("find"), part("judge")]), part("repair"))
    pulls = groups_of(ward).pulls[0]
    numbers = np.flatnonzero(np.isfinite(pulls))
    labels, breaks = pictures.labels[numbers], pictures.cues[numbers] != pictures.labels[numbers]
    away = np.where(labels == fault.answer, -pulls[numbers], pulls[numbers])
    first = np.argsort(-away, kind="stable")[:FIRST]
    return {"right": int(breaks[first].sum()), "of": len(first), "there": int(breaks.sum()), "among": len(numbers)}
