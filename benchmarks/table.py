"""Ours beside its peers: one row a work and network, each at its best, in turn, in a process of its own.

    python benchmarks/table.py                            everything, in full: hours
    python benchmarks/table.py --quick --readme           of long works a stated part; the table goes into both READMEs
    python benchmarks/table.py --rows gradcam,lrp --networks vgg16 --json table.json

The peer's best setting (how many at once, how few steps) is found by short trials before. Then rounds: ours on a newly opened
network, of which nothing is recorded or planned (``first``), the peer's, ours again (``next``). The ratio is that of the medians,
peer over ``first``, where a row doesn't say otherwise. The peak memory of each side is taken in another process, of one
call. ``--quick`` times a part of works that cost the same part by part (positions, masks, channels, pictures) and reckons the rest.
Freed memory is kept for both sides; ``--give-back`` leaves the allocator as the system has it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import warnings
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rows.shown import line, markdown, write

ROOT = Path(__file__).parents[1]
READMES = {"en": ROOT / "README.md", "zh": ROOT / "README.zh-CN.md"}
QUICK_LIMIT, LIMIT = 40.0, 600.0
RESULT = "RESULT "


def child(said: dict[str, Any]) -> None:
    """In a process of its own: one measurement, told in one line."""
    warnings.filterwarnings("ignore")
    os.environ["KERAS_BACKEND"] = "torch"
    if not said["give_back"]:
        from seethrough.cli.process import keep_freed_memory

        keep_freed_memory()
    import torch

    import rows
    from rows.measured import peak, timings
    from rows.row import Setting
    from seethrough.models.torchvision_import import make_torchvision_importable

    torch.set_num_threads(said["threads"])
    make_torchvision_importable()
    row = rows.table()[said["row"]]
    quick = said["quick"] or said["side"] == "theirs"  # what costs the same part by part has its peak in each part
    chosen = {name: tuple(v) if isinstance(v, list) else v for name, v in said["chosen"].items()}
    setting = Setting(said["network"], quick, said["device"], chosen)
    if said["side"] == "both":
        found: Any = timings(row, setting, said["limit"])
    else:
        found = peak(row, setting, said["side"])
    print(RESULT + json.dumps(found), flush=True)


def asked(said: dict[str, Any]) -> Any:
    """What a child found.

    Raises
    ------
    RuntimeError
        It ended without; with the last line that it wrote.
    """
    threads = str(said["threads"])
    environment = {**os.environ, "OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
    if said["device"] == "cpu":
        environment["CUDA_VISIBLE_DEVICES"] = ""  # Keras takes a GPU where it sees one
    command = [sys.executable, __file__, "--child", json.dumps(said)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    for told in reversed(done.stdout.splitlines()):
        if told.startswith(RESULT):
            return json.loads(told.removeprefix(RESULT))
    raise RuntimeError((done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1])


def measured(row: Any, network: str, options: argparse.Namespace, before: dict[str, Any]) -> dict[str, Any]:
    """One row on one network, as it goes into the JSON; ``before`` are the peer's settings that it already has."""
    told = {
        "key": row.key, "network": network, "work": dict(row.work), "peer": dict(row.peer), "bar": row.bars[network],
        "counts": row.counts,
    }  # fmt: skip
    missing = [name for name in row.needs if find_spec(name) is None]
    if missing:
        return {**told, "missing": f"{', '.join(missing)} isn't installed (extra `bench`)"}
    said = {
        "row": row.key, "network": network, "quick": options.quick, "device": options.device, "threads": options.threads,
        "give_back": options.give_back, "limit": options.limit or (QUICK_LIMIT if options.quick else LIMIT),
        "chosen": before if options.as_before else {},
    }  # fmt: skip
    try:
        told |= asked({**said, "side": "both"})
        if not options.no_memory:
            for side in ("ours", "theirs"):
                told[f"peak_{side}"] = asked({**said, "side": side, "chosen": told["chosen"]})
    except RuntimeError as error:
        return {**told, "missing": str(error)}
    return told


def machine(options: argparse.Namespace) -> dict[str, Any]:
    """What the table says of where it was made."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(text.split(":", 1)[1].strip() for text in lines if text.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return {
        "processor": name, "threads": options.threads, "device": options.device, "torch": version("torch"),
        "quick": options.quick,
    }  # fmt: skip


def chosen(names: str | None, among: Sequence[str], what: str) -> list[str]:
    """The named ones, in the order of the table.

    Raises
    ------
    SystemExit
        There is no such one.
    """
    wanted = list(among) if names is None else [name.strip() for name in names.split(",")]
    unknown = [name for name in wanted if name not in among]
    if unknown:
        raise SystemExit(f"there is no {what} {', '.join(unknown)}; there are {', '.join(among)}")
    return [name for name in among if name in wanted]


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", help="by key, with commas between; all")
    parser.add_argument("--networks", help="by key, with commas between; all")
    parser.add_argument("--quick", action="store_true", help="time a part of long works and reckon the rest")
    parser.add_argument("--json", type=Path, help="write what was measured to a file; what it has of other rows stays")
    parser.add_argument("--readme", action="store_true", help="write the table into both READMEs, between the marks")
    parser.add_argument("--only-show", action="store_true", help="measure nothing: show (and write) what the JSON has")
    parser.add_argument("--limit", type=float, help="seconds after which no other round of a row is begun")
    parser.add_argument("--as-before", action="store_true", help="the peer's best settings are those that the JSON has")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--no-memory", action="store_true", help="leave the peak memory out")
    parser.add_argument("--give-back", action="store_true", help="leave the allocator as the system has it")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    return parser.parse_args(given)


def main() -> int:
    """Print the table; 1 where a figure to reach isn't, or a row couldn't be run."""
    options = arguments()
    if options.child:
        child(json.loads(options.child))
        return 0
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import rows
    from rows.nets import NAMES

    every = rows.table()
    keys = [] if options.only_show else chosen(options.rows, list(every), "row")
    networks = chosen(options.networks, list(NAMES), "network")
    kept: dict[str, Any] = {"rows": []}
    if options.json and options.json.exists():
        kept = json.loads(options.json.read_text("utf-8"))
    found = {(one["key"], one["network"]): one for one in kept["rows"]}
    about = kept["machine"] if options.only_show else machine(options)
    for key in keys:
        for network in networks:
            if network in every[key].bars:
                before = found.get((key, network), {}).get("chosen", {})
                found[key, network] = one = measured(every[key], network, options, before)
                print(line(one), flush=True)
                if options.json:
                    options.json.parent.mkdir(parents=True, exist_ok=True)
                    options.json.write_text(_written(found, about), "utf-8")
    order = [found[key, network] for key in every for network in NAMES if (key, network) in found]
    if options.only_show:
        print("\n".join(line(one) for one in order))
    if options.readme:
        for language, path in READMES.items():
            write(path, markdown(order, NAMES, about, language))
    return int(any("missing" in one for one in order))


def _written(found: dict[tuple[str, str], dict[str, Any]], about: dict[str, Any]) -> str:
    return json.dumps({"machine": about, "rows": list(found.values())}, indent=1, ensure_ascii=False)


if __name__ == "__main__":
    sys.exit(main())
