"""Runs: a job after the other, each kept as a line of a file, so that what was broken off goes on."""

from __future__ import annotations

import hashlib
import json
import subprocess
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

import seethrough
from insight_bed.beds import FILES
from insight_bed.case import Case
from insight_bed.cases import AUDITS, Job, balanced
from insight_bed.nets import kept, network
from insight_bed.oracle import USED, made, truth

HERE = Path(__file__).parent
FINDINGS = Path(seethrough.__file__).parent / "findings"
FILE = "rows.jsonl"

Row = dict[str, Any]


@cache
def bed_state(bed: str) -> str:
    """A mark of all that a network of a bed depends on: how its pictures are drawn, and how it is built, trained and measured."""
    return _mark([HERE / f"{name}.py" for name in ("case", "layers", "nets", "oracle", *FILES[bed])])


@cache
def findings_state() -> dict[str, str]:
    """The commit that changed what finds and judges last, and a mark of what it is now."""
    commit = subprocess.run(
        ["git", "log", "-1", "--format=%h", "--", str(FINDINGS)],
        cwd=FINDINGS,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    return {"commit": commit or "unknown", "mark": _mark(sorted(FINDINGS.rglob("*.py")))}


def _mark(files: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()[:10]


def of_case(case: Case, folder: Path) -> tuple[torch.nn.Module, dict[str, Any]]:
    """A case's network, trained now or before, and what is known of it."""
    path = folder / "networks" / bed_state(case.bed) / f"{case.network}.safetensors"
    return kept(path, lambda: made(case), network(case.bed, case.architecture, case.classes, case.seed))


def run(job: Job, folder: Path) -> Row:
    """One job: a case's network, and its audit or repair. What goes wrong is a row too."""
    torch.set_num_threads(1)
    case = job.case
    row: Row = {
        "key": job.key,
        "work": job.work,
        "case": asdict(case),
        "bed": bed_state(case.bed),
        "findings": findings_state(),
    }
    try:
        module, known = of_case(case, folder)
        row |= {"network": known, "used": known["effect"] >= USED}
        if job.work == AUDITS:
            from insight_bed.looked import looked

            return {**row, "audit": looked(case, module)}
        from insight_bed.repaired import repaired

        twin = balanced(case)
        return {**row, "repair": repaired(case, module, truth(twin, of_case(twin, folder)[0]))}
    except Exception as error:
        return {**row, "failed": f"{type(error).__name__}: {error}", "trace": traceback.format_exc(limit=-4)}


def read(folder: Path) -> dict[str, Row]:
    """The last row of each job whose case was drawn and trained as it is now; those that failed are left out."""
    file = folder / FILE
    found: dict[str, Row] = {}
    for line in file.read_text("utf-8").splitlines() if file.exists() else ():
        try:
            row = json.loads(line)
        except ValueError:  # broken off in the middle of a line
            continue
        if "failed" not in row and row.get("bed") == bed_state(row["case"]["bed"]):
            found[row["key"]] = row
    return found


def run_all(
    jobs: Sequence[Job],
    folder: Path,
    *,
    processes: int = 1,
    until: float | None = None,
    anew: bool = False,
    told: Callable[[Row], None] = lambda row: None,
) -> None:
    """Run those that aren't in the folder yet.

    Parameters
    ----------
    until
        `time.monotonic()` from which on none is begun.
    anew
        Those too that were audited by other finders or another judge than they are now.
    """
    there = read(folder)
    mark = findings_state()["mark"]
    todo = [job for job in jobs if job.key not in there or (anew and there[job.key]["findings"]["mark"] != mark)]
    folder.mkdir(parents=True, exist_ok=True)
    for row in _each(todo, folder, processes, until):
        with (folder / FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        told(row)


def _each(todo: Sequence[Job], folder: Path, processes: int, until: float | None) -> Iterator[Row]:
    def late() -> bool:
        return until is not None and time.monotonic() >= until

    if processes == 1:
        for job in todo:
            if late():
                return
            yield run(job, folder)
        return
    waiting = list(reversed(todo))
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        running: set[Future[Row]] = set()
        while waiting or running:
            while waiting and len(running) < processes and not late():
                running.add(pool.submit(run, waiting.pop(), folder))
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
