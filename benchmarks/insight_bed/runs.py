"""Runs: a case after the other, each kept as a line of a file, so that what was broken off goes on."""

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
from insight_bed.case import Case
from insight_bed.nets import kept, network
from insight_bed.oracle import USED, made

HERE = Path(__file__).parent
FINDINGS = Path(seethrough.__file__).parent / "findings"
FILE = "rows.jsonl"

Row = dict[str, Any]


@cache
def bed_state() -> str:
    """A mark of all that a network of the bed depends on."""
    return _mark([HERE / f"{name}.py" for name in ("case", "first", "second", "nets", "oracle")])


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
    path = folder / "networks" / bed_state() / f"{case.network}.safetensors"
    return kept(path, lambda: made(case), network(case.bed, case.architecture, case.classes, case.seed))


def run(case: Case, folder: Path) -> Row:
    """One case: its network and its audit. What goes wrong is a row too."""
    from insight_bed.looked import looked

    torch.set_num_threads(1)
    row: Row = {"key": case.key, "case": asdict(case), "bed": bed_state(), "findings": findings_state()}
    try:
        module, known = of_case(case, folder)
        return {**row, "network": known, "used": known["effect"] >= USED, "audit": looked(case, module)}
    except Exception as error:
        return {**row, "failed": f"{type(error).__name__}: {error}", "trace": traceback.format_exc(limit=-4)}


def read(folder: Path) -> dict[str, Row]:
    """The last row of each case that was drawn and trained as it is now; those that failed are left out."""
    file = folder / FILE
    found: dict[str, Row] = {}
    for line in file.read_text("utf-8").splitlines() if file.exists() else ():
        try:
            row = json.loads(line)
        except ValueError:  # broken off in the middle of a line
            continue
        if row.get("bed") == bed_state() and "failed" not in row:
            found[row["key"]] = row
    return found


def run_all(
    cases: Sequence[Case],
    folder: Path,
    *,
    jobs: int = 1,
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
    todo = [
        c
        for c in cases
        if c.key not in there or (anew and there[c.key]["findings"]["mark"] != findings_state()["mark"])
    ]
    folder.mkdir(parents=True, exist_ok=True)
    for row in _each(todo, folder, jobs, until):
        with (folder / FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        told(row)


def _each(todo: Sequence[Case], folder: Path, jobs: int, until: float | None) -> Iterator[Row]:
    def late() -> bool:
        return until is not None and time.monotonic() >= until

    if jobs == 1:
        for case in todo:
            if late():
                return
            yield run(case, folder)
        return
    waiting = list(reversed(todo))
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        running: set[Future[Row]] = set()
        while waiting or running:
            while waiting and len(running) < jobs and not late():
                running.add(pool.submit(run, waiting.pop(), folder))
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
