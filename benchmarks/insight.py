"""What is found of shortcuts that were planted, and what is found where there are none.

    python benchmarks/insight.py --folder DIR --minutes 20     the stated subset first, as far as the time goes
    python benchmarks/insight.py --folder DIR --jobs 2         all of it
    python benchmarks/insight.py --folder DIR --rows clean5,fifth --anew
    python benchmarks/insight.py --folder DIR --rows leopards,waterbirds
    python benchmarks/insight.py --folder DIR --tell           nothing is run: the tables of what is there

Small networks are trained on drawn pictures in which something beside the thing goes with its class as often as is said: 85 to 100
in a hundred, or not at all (clean twins). What a network really uses is measured by drawing the same pictures again with the
shortcut changed (`insight_bed/oracle.py`): used is what moves answers by ten points. Each is then audited as a person would, who
has a network, pictures, their classes, and masks or none. Proven: corrected p < .01 on judging pictures, and the effect's interval
beyond the control from 5 points on. Each case is kept in the folder, and what is there isn't run again, unless ``--anew`` finds it
made by other finders than there are now. The subset: each kind once at 95 in a hundred and once clean, architectures in turn.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from insight_bed.beds import GENERATORS, SEEN
from insight_bed.cases import AUDITS, REPAIRS, ROWS, Job, jobs, subset
from insight_bed.real import leopards_told, waterbirds_told
from insight_bed.runs import Row, findings_state, read, run_all
from insight_bed.told import clean, planted, repairs, slices

REAL = ("leopards", "waterbirds")
COUNTS, UNSEEN_BY = "fifth", "8ce1f6b"
"""The generator that was drawn last, and the finders that hadn't seen its own kinds: with later ones its row doesn't count."""


def main() -> int:
    """Print the tables; 1 where a figure isn't reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="where networks and rows are kept")
    parser.add_argument("--minutes", type=float, help="after so many none is begun")
    parser.add_argument("--rows", default=",".join(ROWS), help="some of " + ",".join((*ROWS, *REAL)))
    parser.add_argument("--subset", action="store_true", help="the stated subset alone")
    parser.add_argument("--jobs", type=int, default=1, help="processes, each with one thread")
    parser.add_argument("--anew", action="store_true", help="what other finders had made is made again")
    parser.add_argument("--tell", action="store_true", help="nothing is run")
    said = parser.parse_args()
    wanted = [name for name in ROWS if name in said.rows.split(",")]
    # the stated subset of every row comes before the rest of any
    todo = [job for name in wanted for job in jobs(name)]
    rest = () if said.subset else [job for job in todo if not subset(job.case)]
    todo = [*(job for job in todo if subset(job.case)), *rest]
    until = None if said.minutes is None else time.monotonic() + 60 * said.minutes
    if not said.tell:
        run_all(todo, said.folder, processes=said.jobs, until=until, anew=said.anew, told=told)
    good = tables(said.folder, todo) if todo else True
    if "leopards" in said.rows.split(",") and not said.tell:
        good &= leopards_told(said.folder, print, anew=said.anew)
    if "waterbirds" in said.rows.split(",") and not said.tell:
        good &= waterbirds_told(said.folder, print)
    return 0 if good else 1


def told(row: Row) -> None:
    """A line while it runs."""
    if "failed" in row:
        print(f"{row['key']:42s} FAILED {row['failed']}", flush=True)
        return
    network = row["network"]
    if row["work"] == REPAIRS:
        mended = row["repair"]
        shares = " → ".join(f"{mended[when]['worst']:.2f}" for when in ("before", "after", "balanced"))
        print(
            f"{row['key']:42s} worst group, mended, balanced: {shares}  {mended['verdict']} {mended['rung']}",
            flush=True,
        )
        return
    audit = row["audit"]
    verdict = "named" if audit["proven"] and audit["named"] else "proven" if audit["proven"] else ""
    verdict = verdict or (
        "FALSE" if audit["any"] and not row["case"]["correlation"] else "other" if audit["any"] else "-"
    )
    print(
        f"{row['key']:42s} oracle {network['effect']:5.1f} usual {network['usual']:.2f} worst {network['worst']:.2f}  {verdict:6s} "
        f"{audit['headline'] or ''}  ({network['seconds']:.0f} + {audit['cpu']:.0f} s)",
        flush=True,
    )


def tables(folder: Path, wanted: Sequence[Job]) -> bool:
    """What is in a folder of all that is wanted; whether its figures are reached."""
    keys = {job.key for job in wanted}
    there = [row for key, row in read(folder).items() if key in keys]
    asked = {(job.case.bed, job.case.correlation > 0) for job in wanted if job.work == AUDITS and job.case.masked}
    with_cues, without = ({bed for bed, cue in asked if cue is which} for which in (True, False))
    marks = sorted({f"{row['findings']['commit']} ({row['findings']['mark']})" for row in there})
    print(
        f"\n{len(there)} of {len(wanted)} jobs; audited by the finders of {', '.join(marks) or '–'}; now {findings_state()['mark']}"
    )
    mended = [row for row in there if row["work"] == REPAIRS]
    there = [row for row in there if row["work"] != REPAIRS]
    masked = [row for row in there if row["case"]["masked"]]
    with_cue = [row for row in masked if row["case"]["correlation"]]
    good = True
    if without:
        good = clean([row for row in masked if not row["case"]["correlation"]], print)
    for bed, generator in GENERATORS.items():
        own = [row for row in with_cue if row["case"]["bed"] == bed]
        unseen = [kind for kind in generator.KINDS if kind not in SEEN[bed]]
        if SEEN[bed] and own:
            some = [row for row in own if row["case"]["kind"] in SEEN[bed]]
            planted(some, SEEN[bed], f"The {bed} generator, kinds that one before has too, in other looks", print)
        counts = bed == COUNTS
        if own or (counts and bed in with_cues):
            title = f"The {bed} generator, kinds of its own" + (
                f" (counts with the finders of {UNSEEN_BY})" if counts else ""
            )
            enough = planted([row for row in own if row["case"]["kind"] in unseen], unseen, title, print)
            good &= enough or not counts
    if with_cues:
        good &= slices(with_cue, print)
    bare = [row for row in there if not row["case"]["masked"]]
    if bare:
        print("\nWithout masks")
        clean([row for row in bare if not row["case"]["correlation"]], print)
        kinds = list(dict.fromkeys(kind for generator in GENERATORS.values() for kind in generator.KINDS))
        planted([row for row in bare if row["case"]["correlation"]], kinds, "Without masks", print)
    return repairs(mended, print) and good


if __name__ == "__main__":
    raise SystemExit(main())
