"""Files of less than a megabyte that declare gigabytes: refused with what they declare and the limit, before any is taken."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from bombs import BOMBS

pytest.importorskip("keras")
pytest.importorskip("h5py")


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    command = [sys.executable, Path(__file__).with_name("bombs.py"), tmp_path_factory.mktemp("bombs")]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    return {said["hole"]: said for said in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("hole", BOMBS)
def test_a_bomb_is_refused_with_little_time_and_memory(opened, hole):
    said = opened[hole]
    assert said["code"] == 3 and "\n" not in said["said"], said
    assert said["size"] < 1 << 20 and said["seconds"] < 5 and said["grown_mib"] < 256, said


@pytest.mark.parametrize("hole", [hole for hole in BOMBS if "_of_1e" in hole or "1e1" in hole])
def test_a_bomb_is_told_what_it_declares(opened, hole):
    (numbers,) = [re.findall(r"[\d,]{10,}", opened[hole]["said"].partition("': ")[2] or opened[hole]["said"])]
    assert max(int(number.replace(",", "")) for number in numbers) >= 10**9, opened[hole]["said"]
    assert re.search("limit|stores|has", opened[hole]["said"])
