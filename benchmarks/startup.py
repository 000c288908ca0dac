"""What a person waits for before anything happens: ``import seethrough`` and ``seethrough --help``.

Each is measured in fresh processes, the start of Python included; the smallest of several is printed, since other work
on the machine only ever adds.
"""

from __future__ import annotations

import subprocess
import sys
import time

RUNS = 5
LIMITS = {"import seethrough": 0.5, "seethrough --help": 0.7}


def seconds(command: list[str]) -> float:
    """The shortest of several runs."""
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> int:
    """Print both; 1 where one is over its limit."""
    measured = {
        "import seethrough": seconds([sys.executable, "-c", "import seethrough"]),
        "seethrough --help": seconds([sys.executable, "-m", "seethrough", "--help"]),
    }
    for what, took in measured.items():
        print(f"{what}: {took:.2f} s (limit {LIMITS[what]} s)")
    return int(any(took > LIMITS[what] for what, took in measured.items()))


if __name__ == "__main__":
    sys.exit(main())
