"""How threads that have nothing to do had better wait: a small network's forward, alone and beside a busy neighbour.

    python benchmarks/threads.py [--rounds 3]

Each way in a process of its own, in turn: as OpenMP has it (a thread looks 300,000 times for work before it sleeps), as our
command sets it (`seethrough.machine.set_threads`), and asleep at once (``OMP_WAIT_POLICY=PASSIVE``). The neighbour is one
process that computes all the time.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys

from seethrough.machine import set_threads

MEASURE = """
import statistics, time, torch
from torch import nn

def block(inside, outside, stride):
    return nn.Sequential(
        nn.Conv2d(inside, inside, 3, stride, 1, groups=inside), nn.ReLU(), nn.Conv2d(inside, outside, 1), nn.ReLU()
    )

torch.manual_seed(0)
network = nn.Sequential(nn.Conv2d(3, 32, 3, 2, 1), *(block(32, 32, 1) for _ in range(20)), nn.AdaptiveAvgPool2d(1)).eval()
picture = torch.rand(1, 3, 224, 224)
with torch.inference_mode():
    network(picture)
    times = []
    end = time.perf_counter() + 1.5
    while time.perf_counter() < end:
        start = time.perf_counter()
        network(picture)
        times.append(time.perf_counter() - start)
print(statistics.median(times))
"""
NEIGHBOUR = "while True: pass"
OPENMP = ("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "SEETHROUGH_THREADS")


def ways() -> dict[str, dict[str, str]]:
    """By name, the environment of each."""
    bare = {name: value for name, value in os.environ.items() if name not in OPENMP}
    ours = dict(bare)
    set_threads(ours)
    return {"as OpenMP has it": bare, "as ours": ours, "asleep at once": {**bare, "OMP_WAIT_POLICY": "PASSIVE"}}


def seconds(environment: dict[str, str]) -> float:
    """The median of a forward in a fresh process."""
    done = subprocess.run([sys.executable, "-c", MEASURE], check=True, capture_output=True, text=True, env=environment)
    return float(done.stdout)


def table(rounds: int, *, busy: bool) -> None:
    neighbour = subprocess.Popen([sys.executable, "-c", NEIGHBOUR]) if busy else None
    try:
        times: dict[str, list[float]] = {name: [] for name in ways()}
        for _ in range(rounds):
            for name, environment in ways().items():
                times[name].append(seconds(environment))
    finally:
        if neighbour is not None:
            neighbour.kill()
            neighbour.wait()
    for name, found in times.items():
        print(
            f"{'beside a busy neighbour' if busy else 'alone':24} {name:18} {1000 * statistics.median(found):8.1f} ms a forward",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    for busy in (False, True):
        table(rounds, busy=busy)


if __name__ == "__main__":
    main()
