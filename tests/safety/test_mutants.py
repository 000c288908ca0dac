"""Damaged files by the hundred (by the thousand in ``benchmarks/hostile.py``): opened or refused, and nothing else."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

COUNTS = {"keras": 60, "h5": 60, "safetensors": 200, "pt": 200, "legacy": 200}
SEED = 0


@pytest.mark.parametrize("kind", COUNTS)
def test_a_damaged_file_is_opened_or_refused_in_two_seconds(kind):
    if kind in ("keras", "h5"):
        pytest.importorskip("keras")
        pytest.importorskip("h5py")
    command = [sys.executable, Path(__file__).with_name("mutants.py"), kind, SEED, COUNTS[kind], 0.05]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"mutant {done.stderr.split()[-1]} of {kind} ended the process: {done.returncode}"
    said = json.loads(done.stdout)
    assert not said["wrong"], "\n".join(f"mutant {seed} of {kind}: {what}" for seed, what in said["wrong"].items())
    assert said["counts"]["opened"] and said["counts"]["refused"]
    assert said["slowest"][0] < 2, f"mutant {said['slowest'][1]} of {kind} took {said['slowest'][0]:.1f} s"
    assert said["grown_mib"] < 256
