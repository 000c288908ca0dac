"""Whatever happens to a run: it goes on, to the numbers of an unbroken one, with at most the shard at work done again."""

import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from jobs_material import Answers, draw, equal, network, started, table

from seethrough import machine
from seethrough.datasets.collection import collect
from seethrough.errors import EnvironmentLacks, InputRefused
from seethrough.jobs import run, verify
from seethrough.jobs.manifest import NAME, opened
from seethrough.jobs.store import Written, shard_file

TESTS = Path(__file__).parent
linux = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="processes as Linux lists them")
posix = pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")


def children_of(process):
    """Whichever of its threads started them."""
    threads = Path(f"/proc/{process.pid}/task").iterdir()
    return {int(child) for thread in threads for child in (thread / "children").read_text().split()}


def temporary_files(folder):
    return [p.name for p in folder.rglob("*") if p.name.endswith(".part")]


@posix
def test_a_run_that_is_killed_goes_on_to_the_same_numbers(net, pictures, tmp_path):
    whole = table(run(net, collect(pictures), Answers(net), shard=16, batch=8, workers=0))
    folder, log, chance, kills = tmp_path / "run", tmp_path / "log", random.Random(0), 0
    for _ in range(4):
        process = started(pictures, folder, log)
        time.sleep(chance.uniform(0.1, 0.5))
        process.kill()
        process.join()
        kills += process.exitcode == -signal.SIGKILL
    results = run(
        net, collect(pictures), Answers(net, begun=lambda: log.open("ab").write(b".")), folder=folder, shard=16
    )
    assert equal(table(results), whole) and verify(folder).whole
    assert kills > 1 and len(log.read_bytes()) <= 4 + kills
    assert temporary_files(folder) == []
    assert sorted(p.name for p in folder.iterdir()) == [NAME, "shards"]


@linux
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_run_leaves_no_process_and_says_how_to_go_on(tmp_path, number):
    folder, log = tmp_path / "run", tmp_path / "log"
    process = started(draw(tmp_path / "many", 70), folder, log, 0.1)
    until(lambda: len(at_rest(folder)) > 0)
    readers = children_of(process)
    os.kill(process.pid, number)
    process.join(120)
    assert process.exitcode == (130 if number == signal.SIGINT else -number) and readers
    until(lambda: not any(Path(f"/proc/{reader}").exists() for reader in readers))
    if number == signal.SIGINT:
        assert re.match(
            r"\d+ of 70 images are done and kept in .*run the same again", log.with_suffix(".notes").read_text()
        )
        assert temporary_files(folder) == [] and sorted(p.name for p in folder.iterdir()) == [NAME, "shards"]


def at_rest(folder):
    """Shards that are written."""
    return list((folder / "shards").glob("[0-9]*"))


def until(true, seconds=120):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


@posix
def test_a_second_writer_is_refused_and_the_first_goes_on(net, pictures, tmp_path):
    folder = tmp_path / "run"
    process = started(pictures, folder, tmp_path / "log", 0.15)
    until(lambda: len(at_rest(folder)) > 0)
    with pytest.raises(EnvironmentLacks, match="Another process is at work"):
        run(net, collect(pictures), Answers(net), folder=folder, shard=16, batch=8)
    with pytest.raises(EnvironmentLacks, match="Another process is at work"):
        verify(folder)
    process.join(120)
    assert process.exitcode == 0
    assert verify(folder).whole


def test_a_second_writer_in_the_same_process_is_refused_too(net, pictures, tmp_path):
    half = tmp_path / "shards" / ".000003.safetensors.ab12.part"

    def nested(batch):
        half.write_bytes(b"of the first one, at work")
        with pytest.raises(EnvironmentLacks, match="Another process is at work"):
            run(net, collect(pictures), Answers(net), folder=tmp_path, shard=16)
        assert half.exists()

    run(net, collect(pictures), Answers(net, seen=nested), folder=tmp_path, shard=16, batch=16)
    assert verify(tmp_path).whole


FULL = """
import resource, sys
sys.path.insert(0, {tests!r})
from jobs_material import Answers, Rows, collect, network, np, run
import pathlib
from seethrough.errors import EnvironmentLacks

class Large(Rows):
    def arrays(self):
        return {{**super().arrays(), "large": np.zeros(200_000, np.uint8)}}

class Work(Answers):
    def part(self):
        self.begun()
        return Large(self)

def fill():
    begun.append(1)
    if len(begun) == 3:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))

net, begun, folder = network(), [], pathlib.Path(sys.argv[2])
work = Work(net, begun=fill)
try:
    run(net, collect(pathlib.Path(sys.argv[1])), work, folder=folder, shard=16, batch=8)
except EnvironmentLacks as error:
    print(error.exit_code, error)
print(sorted(p.name for p in (folder / "shards").iterdir()))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
begun.clear()
work.begun = lambda: begun.append(1)
results = run(net, collect(pathlib.Path(sys.argv[1])), work, folder=folder, shard=16)
print(len(begun), sum(len(items) for items, _ in results.shards()))
"""


@posix
def test_a_disk_that_is_full_stops_the_run_which_can_go_on(pictures, tmp_path):
    """A file that may not grow over a size refuses like a full disk, from the third shard on."""
    code = FULL.format(tests=str(TESTS))
    command = [sys.executable, "-c", code, str(pictures), str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    said, files, rest = done.stdout.splitlines()
    assert said.startswith("4 ") and "32 of 50 images are done and kept" in said and "go on" in said
    assert files == "['000000.safetensors', '000001.safetensors']" and rest == "2 50"


def test_no_reader_is_left_when_a_shard_cant_be_written(net, pictures, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    work = Answers(net, seen=lambda batch: monkeypatch.setattr(os, "fsync", full))
    with pytest.raises(EnvironmentLacks, match=r"No space left.*0 of 50 images are done") as kept:
        run(net, collect(pictures), work, folder=tmp_path, shard=16, batch=8, workers=2)
    assert not any(thread.name.startswith("seethrough-reader") for thread in threading.enumerate())
    assert temporary_files(tmp_path) == [] and kept.value.exit_code == 4


def test_a_full_disk_at_the_manifest_is_one_sentence(net, pictures, tmp_path):
    run(net, collect(pictures), Answers(net), folder=tmp_path, shard=16, batch=8)
    with opened(tmp_path) as manifest:
        manifest._connection.execute("PRAGMA max_page_count = 1")
        with pytest.raises(EnvironmentLacks, match=r"can't be written.*full"):
            for number in range(100, 2000):
                manifest.record(Written(number, 1, "0" * 64), (), 8)
        manifest._connection.execute("PRAGMA max_page_count = 100000")
        manifest.record(Written(3000, 1, "0" * 64), (), 8)  # and goes on when there is room again


def test_a_folder_of_another_format_is_refused(net, pictures, tmp_path):
    run(net, collect(pictures), Answers(net), folder=tmp_path, shard=16, batch=8)
    with sqlite3.connect(tmp_path / NAME) as manifest:
        manifest.execute("PRAGMA user_version = 2")
    manifest.close()
    with pytest.raises(InputRefused, match=r"format 2.*knows format 1"):
        run(net, collect(pictures), Answers(net), folder=tmp_path, shard=16)
    with pytest.raises(InputRefused, match="format 2"):
        verify(tmp_path)


@pytest.mark.parametrize(
    "content", [b"no database at all, but long enough for one" * 30, b"SQLite format 3\0" + b"x" * 2000]
)
def test_a_manifest_that_is_none_is_refused(net, pictures, tmp_path, content):
    (tmp_path / NAME).write_bytes(content)
    with pytest.raises(InputRefused, match="no manifest"):
        run(net, collect(pictures), Answers(net), folder=tmp_path)
    assert (tmp_path / NAME).read_bytes() == content


def test_somebody_elses_database_is_left_alone(net, pictures, tmp_path):
    with sqlite3.connect(tmp_path / NAME) as other:
        other.execute("CREATE TABLE run (key)")
    other.close()
    with pytest.raises(InputRefused, match="no manifest"):
        run(net, collect(pictures), Answers(net), folder=tmp_path)


def test_a_folder_that_cant_be_made_is_refused(net, pictures, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(EnvironmentLacks, match="can't be used for a run"):
        run(net, collect(pictures), Answers(net), folder=tmp_path / "file" / "run")


def test_half_written_files_of_a_killed_run_go_and_nothing_else_does(net, pictures, tmp_path):
    (tmp_path / "shards").mkdir()
    (tmp_path / "shards" / ".000000.safetensors.ab12.part").write_bytes(b"half")
    (tmp_path / "units.html").write_text("a page")
    (tmp_path / "shards" / "000001.safetensors").write_bytes(b"written, and never recorded")
    (tmp_path / "shards" / "000077.safetensors").write_bytes(b"of no shard at all")
    run(net, collect(pictures), Answers(net), folder=tmp_path, shard=16, batch=8)
    assert not (tmp_path / "shards" / "000077.safetensors").exists() and temporary_files(tmp_path) == []
    assert (tmp_path / "units.html").read_text() == "a page" and verify(tmp_path).whole


def test_a_shard_that_was_changed_is_never_read_as_it_was(net, pictures, tmp_path):
    results = run(net, collect(pictures), Answers(net), folder=tmp_path, shard=16, batch=8)
    path = shard_file(tmp_path, 1)
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputRefused, match="isn't as it was written"):
        table(results)


def test_a_temporary_folder_goes_with_its_results(net, pictures, monkeypatch, tmp_path):
    import gc
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    results = run(net, collect(pictures), Answers(net), batch=8)
    assert len(list(tmp_path.iterdir())) == 1 and len(table(results)) == 50
    del results
    gc.collect()
    assert list(tmp_path.iterdir()) == []


def test_a_run_of_an_other_network_keeps_the_first_ones_numbers(net, pictures, tmp_path):
    first = table(run(net, collect(pictures), Answers(net), folder=tmp_path, shard=16, batch=8))
    other = network(seed=5)
    with pytest.raises(ValueError, match="another run"):
        run(other, collect(pictures), Answers(other), folder=tmp_path, shard=16)
    assert equal(first, table(run(net, collect(pictures), Answers(net), folder=tmp_path, shard=16)))
    assert np.isfinite(np.stack(list(first.values()))).all()


HELD = """
import ctypes, pathlib, sys
sys.path.insert(0, {tests!r})
from jobs_material import Answers, network
from seethrough.datasets.collection import collect
from seethrough.jobs import run
from seethrough.machine import keep_freed_memory

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]

def resident():
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20

def take(batch):
    block = libc.malloc(300 << 20)
    ctypes.memset(block, 1, 300 << 20)
    libc.free(block)
    inside.append(resident())

net, inside = network(), []
keep_freed_memory()
before = resident()
run(net, collect(pathlib.Path(sys.argv[1])), Answers(net, seen=take), shard=16, batch=8, workers=0)
print(round(inside[-1] - before), round(resident() - before))
"""


@pytest.mark.skipif(machine._of_glibc("malloc_trim") is None, reason="another C library")
def test_what_a_run_took_is_given_back_where_a_command_keeps_what_it_frees(pictures):
    command = [sys.executable, "-c", HELD.format(tests=str(TESTS)), str(pictures)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    inside, behind = map(int, done.stdout.split())
    assert inside > 250 and behind < 100
