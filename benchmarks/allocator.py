"""What `seethrough.machine.keep_freed_memory` is worth: the same forward passes in two fresh processes, with and
without it.
"""

from __future__ import annotations

import subprocess
import sys

MEASURE = """
import sys, time, torch
from seethrough.machine import keep_freed_memory
if sys.argv[1] == "kept" and not keep_freed_memory():
    sys.exit("this C library has no such thresholds")
torch.manual_seed(0)
torch.set_num_threads(2)
convolution = torch.nn.Conv2d(64, 64, 3, padding=1)
network = torch.nn.Sequential(torch.nn.Conv2d(3, 64, 3, padding=1), torch.nn.ReLU(), convolution, torch.nn.ReLU())
with torch.inference_mode():
    pictures = torch.rand(8, 3, 224, 224)
    network(pictures)
    times = []
    for _ in range(4):
        start = time.perf_counter()
        network(pictures)
        times.append(time.perf_counter() - start)
print(min(times))
"""


def seconds(allocator: str) -> float:
    """The shortest of four forward passes in a fresh process."""
    done = subprocess.run([sys.executable, "-c", MEASURE, allocator], check=True, capture_output=True, text=True)
    return float(done.stdout)


def main() -> int:
    """Print both and their ratio."""
    usual, kept = seconds("usual"), seconds("kept")
    print(f"8 pictures through two convolutions: {usual:.2f} s; freed memory kept: {kept:.2f} s, {usual / kept:.1f}×")
    return 0


if __name__ == "__main__":
    sys.exit(main())
