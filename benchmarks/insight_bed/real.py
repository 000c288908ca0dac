"""The leopards and the Waterbirds: pictures that the bed didn't draw."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import seethrough as st
from insight_bed.runs import findings_state
from insight_bed.score import brief
from seethrough.datasets.leopards import SPECIES, leopards
from seethrough.demo.mended import CORRELATION, COUNT, SEED, leopards_mended
from seethrough.findings.audit import audit

BALANCED = "demo:leopards-balanced"
MINUTES, OF_BALANCED = 5.0, 0.9
"""In which the whole story is told; so much of the balanced network's worst group is to be reached."""


def leopards_told(folder: Path, say: Callable[[str], None], *, anew: bool = False) -> bool:
    """The network that learned on correlated leopards, audited, mended and proved; and the balanced one, audited."""
    path, mark = folder / "leopards.json", findings_state()
    row = json.loads(path.read_text()) if path.exists() else None
    if row is None or (anew and row["findings"] != mark):
        row = {"findings": mark, **_leopards()}
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(row))
    before, after, balanced = row["worst"]
    say(f"\nLeopards, by the finders of {row['findings']['commit']} ({row['findings']['mark']})")
    for name in ("biased", "balanced"):
        proven = [
            f"{f['called']} {f['effect']:.1f} [from {f['low']:.1f}]" for f in row[name] if f["verdict"] == "proven"
        ]
        say(f"  {name:9s} of {len(row[name])} candidates proven: {', '.join(proven) or 'none'}")
    say(
        f"  worst species on a ground {before:.1%} → {after:.1%} by {row['rung'] or row['verdict']}; the balanced network {balanced:.1%}; "
        f"{row['minutes']:.1f} minutes"
    )
    right = any(f["called"] == "background" and f["verdict"] == "proven" for f in row["biased"])
    none = not any(f["verdict"] == "proven" for f in row["balanced"])
    return right and none and after >= OF_BALANCED * balanced and row["minutes"] <= MINUTES


def _leopards() -> dict[str, object]:
    start = time.monotonic()
    story = leopards_mended()
    minutes = (time.monotonic() - start) / 60
    known = leopards(COUNT, correlation=CORRELATION, seed=SEED)
    truth = [SPECIES[k] for k in known.species]
    other = audit(st.open(BALANCED), list(known.pictures), truth=truth, masks=list(known.masks))
    return {
        "biased": [brief(f) for f in story.audit.to_dict()["findings"]],
        "balanced": [brief(f) for f in other.to_dict()["findings"]],
        "worst": list(story.worst),
        "rung": story.repair.rung,
        "verdict": story.repair.verdict,
        "minutes": minutes,
    }


def waterbirds_told(folder: Path, say: Callable[[str], None]) -> bool:
    """`benchmarks/waterbirds.py`, in a process of its own."""
    say("\nWaterbirds")
    script = Path(__file__).parents[1] / "waterbirds.py"
    done = subprocess.run([sys.executable, str(script), "--folder", str(folder / "waterbirds")], check=False)
    return done.returncode == 0
