"""What this process may use of its machine, and what is set for it."""

import os
import subprocess
import sys

import pytest

from seethrough import machine


@pytest.fixture
def granted(tmp_path, monkeypatch):
    def grant(text, bound=8):
        (tmp_path / "cpu.max").write_text(text)
        monkeypatch.setattr(machine, "CGROUP", tmp_path)
        monkeypatch.setattr(machine, "_bound", lambda: bound)

    return grant


@pytest.mark.parametrize(
    ("said", "expected"),
    [("max 100000", 8), ("200000 100000", 2), ("50000 100000", 1), ("1600000 100000", 8), ("-1 100000", 8), ("?", 8)],
)
def test_processors_are_those_that_the_container_grants(granted, said, expected):
    granted(said)
    assert machine.processors() == expected


def test_an_older_container_says_it_in_two_files(tmp_path, monkeypatch):
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("300000\n")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    monkeypatch.setattr(machine, "CGROUP", tmp_path)
    monkeypatch.setattr(machine, "_bound", lambda: 8)
    assert machine.processors() == 3


def test_threads_are_limited_where_fewer_processors_are_granted_than_seen(granted):
    granted("200000 100000")
    set_, whole = {}, {}
    machine.set_threads(set_)
    assert set_ == {"OMP_NUM_THREADS": "2", "GOMP_SPINCOUNT": machine.SPINS}
    granted("max 100000")
    machine.set_threads(whole)
    assert whole == {"GOMP_SPINCOUNT": machine.SPINS}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"OMP_NUM_THREADS": "5"}, {"OMP_NUM_THREADS": "5", "GOMP_SPINCOUNT": machine.SPINS}),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, {"OMP_WAIT_POLICY": "ACTIVE", "OMP_NUM_THREADS": "2"}),
        ({"GOMP_SPINCOUNT": "7"}, {"GOMP_SPINCOUNT": "7", "OMP_NUM_THREADS": "2"}),
        ({"SEETHROUGH_THREADS": "0"}, {"SEETHROUGH_THREADS": "0"}),
        (
            {"SEETHROUGH_THREADS": "3", "OMP_NUM_THREADS": "9"},
            {"SEETHROUGH_THREADS": "3", "OMP_NUM_THREADS": "3", "GOMP_SPINCOUNT": machine.SPINS},
        ),
    ],
)
def test_what_the_person_set_stays(granted, before, after):
    granted("200000 100000")
    environment = dict(before)
    machine.set_threads(environment)
    assert environment == after


BLOCKS = """
import sys, ctypes
from seethrough.machine import freed_memory_kept, keep_freed_memory

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 2**20

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]

def use():
    block = libc.malloc(200 << 20)
    ctypes.memset(block, 1, 200 << 20)
    libc.free(block)

before = resident()
with freed_memory_kept():
    use()
    inside = resident() - before
print(round(inside), round(resident() - before))
"""


def held(**environment):
    """MB held after a block of 200 MB was freed, while it is kept and behind it."""
    found = subprocess.run(
        [sys.executable, "-c", BLOCKS], capture_output=True, text=True, check=True, env={**os.environ, **environment}
    )
    return [int(number) for number in found.stdout.split()]


@pytest.mark.skipif(machine._of_glibc("mallopt") is None, reason="another C library")
def test_freed_memory_is_kept_for_the_time_of_the_work_and_given_back_behind_it():
    inside, after = held()
    assert inside > 150 and after < 50


@pytest.mark.skipif(machine._of_glibc("mallopt") is None, reason="another C library")
def test_a_person_can_say_no_to_it():
    assert max(held(SEETHROUGH_KEEP_MEMORY="0")) < 50


def test_a_command_sets_how_its_threads_wait_before_torch_is_there():
    code = (
        "import os, sys; from seethrough.cli.process import prepare; prepare(); "
        "print('torch' in sys.modules, os.environ.get('GOMP_SPINCOUNT'), os.environ.get('OMP_WAIT_POLICY'))"
    )
    bare = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "GOMP_", "SEETHROUGH_"))}
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=bare).stdout
    assert said.split() == ["False", machine.SPINS, "None"]
