"""The process that parses HDF5 may die in any way and at any moment; the one that asked lives, with one sentence."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from seethrough.errors import EnvironmentLacks, InputRefused
from seethrough.models import hdf5_copy, open_model, reader
from seethrough.models.hdf5_copy import contents, stored_shapes
from seethrough.models.keras_files import weights_file

h5py = pytest.importorskip("h5py")  # before any of it is shadowed below
pytest.importorskip("resource", reason="this system keeps no limits")

SHADOW = """
import json, os, signal, sys
here = os.path.dirname(__file__)
sys.path.remove(here)
del sys.modules["h5py"]

def dies(*arguments, **options):
    {how}

if {point!r} == "import":
    dies()
import h5py
if {point!r} == "open":
    h5py.File.__init__ = dies
if {point!r} == "walk":
    h5py.h5o.open = dies
if {point!r} == "read":
    h5py.Dataset.__getitem__ = dies
if {point!r} == "answer":
    json.dumps = dies
"""

ENDS = {
    "SIGSEGV": "import ctypes; ctypes.string_at(0)",
    "SIGKILL": "os.kill(os.getpid(), signal.SIGKILL)",
    "RLIMIT_AS": "return bytearray(8 << 30)",
    "SIGABRT": "os.abort()",
    "exit": "os._exit(7)",
}
POINTS = ("import", "open", "walk", "read", "answer")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as written:
        written["layers/d/vars/0"] = np.ones((3, 4), np.float32)
    return path


@pytest.fixture
def shadowed(tmp_path, monkeypatch):
    """A function (how, point): the child's h5py is the real one, but for what happens there."""

    def shadow(how, point):
        (tmp_path / "shadow").mkdir(exist_ok=True)
        (tmp_path / "shadow" / "h5py.py").write_text(SHADOW.format(how=how, point=point))
        monkeypatch.syspath_prepend(tmp_path / "shadow")

    return shadow


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("end", ENDS)
def test_a_reader_that_dies_is_one_sentence_and_an_exit_code(shadowed, file, tmp_path, end, point):
    shadowed(ENDS[end], point)
    with pytest.raises((InputRefused, EnvironmentLacks)) as raised:
        contents(file, tmp_path / "numbers", "the file")
    said = str(raised.value)
    assert "\n" not in said and raised.value.exit_code == (4 if end == "SIGKILL" else 3)
    if end == "RLIMIT_AS" and point in ("open", "walk", "read"):
        assert "more than the limit of 256 MB" in said
    else:
        how = {"RLIMIT_AS": "exit code 1", "exit": "exit code 7"}.get(end, end)
        assert f"The reader process died ({how}) while reading the file" in said


def test_a_reader_that_turns_in_a_circle_is_stopped_by_its_processor_time(shadowed, file):
    shadowed("exec('while True: pass')", "walk")
    with pytest.raises(InputRefused, match=r"took more than 1\.0 s, and the reader process was stopped"):
        contents(file, None, "the file")


def test_a_reader_that_sleeps_is_stopped_by_the_clock(shadowed, file, monkeypatch):
    monkeypatch.setattr(reader, "PATIENCE", 0.2)
    shadowed("import time; time.sleep(100)", "walk")
    with pytest.raises(InputRefused, match="was stopped"):
        contents(file, None, "the file")


@pytest.mark.parametrize(
    "answer",
    [
        "nonsense",
        "",
        "[]",
        '{"read": 3}',
        '{"read": {"groups": {}}}',
        '{"kind": "SystemExit", "refused": "x"}',
        json.dumps(
            {"read": {"groups": {}, "arrays": {"a": {"shape": [10**9], "dtype": "<f4", "offset": 0, "attributes": {}}}}}
        ),
        json.dumps(
            {"read": {"groups": {}, "arrays": {"a": {"shape": [-1], "dtype": "<f4", "offset": 0, "attributes": {}}}}}
        ),
        json.dumps(
            {"read": {"groups": {}, "arrays": {"a": {"shape": [1], "dtype": "|O", "offset": 0, "attributes": {}}}}}
        ),
    ],
)
def test_what_an_overpowered_reader_says_is_not_believed(shadowed, file, tmp_path, answer):
    numbers = tmp_path / "numbers"
    shadowed(f"open({str(numbers)!r}, 'w').close(); print({answer!r}, end='', flush=True); os._exit(0)", "walk")
    with pytest.raises(InputRefused, match="gave no sense about the file"):
        contents(file, numbers, "the file")


def test_a_reader_that_never_stops_talking_is_cut_off(shadowed, file, monkeypatch):
    monkeypatch.setattr(reader, "LARGEST_ANSWER", 1 << 16)
    shadowed("exec('while True: print(1 << 9999)')", "walk")
    with pytest.raises((InputRefused, EnvironmentLacks)):
        contents(file, None, "the file")


def test_where_no_limits_are_kept_it_is_a_process_all_the_same(file, tmp_path, monkeypatch):
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "resource.py").write_text("raise ImportError('no limits here')")
    monkeypatch.syspath_prepend(tmp_path / "none")
    assert contents(file, tmp_path / "numbers", "the file").elements == 12


def test_the_reader_sees_nothing_of_the_environment(shadowed, file, monkeypatch):
    monkeypatch.setenv("SECRET", "very")
    shadowed("os._exit(9 if 'SECRET' in os.environ else 8)", "open")
    with pytest.raises(InputRefused, match="exit code 8"):
        contents(file, None, "the file")


def test_the_reader_imports_neither_torch_nor_keras():
    code = (
        "import sys, seethrough.models.reader, seethrough.models.hdf5, h5py; print({'torch', 'keras'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "set()", done.stderr


def test_a_strangers_hdf5_is_never_parsed_in_this_process(tmp_path, monkeypatch):
    keras = pytest.importorskip("keras")
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(3, name="dense")])
    for name in ("m.keras", "m.h5", "m.weights.h5"):
        model.save_weights(tmp_path / name) if "weights" in name else model.save(tmp_path / name)
    opened = []
    real = h5py.File.__init__

    def watched(self, name, mode="r", *arguments, **options):
        if isinstance(name, str | Path):  # and not a handle to what is open
            opened.append((Path(name).name, mode))
        real(self, name, mode, *arguments, **options)

    monkeypatch.setattr(h5py.File, "__init__", watched)
    open_model(tmp_path / "m.keras")
    assert set(opened) == {("model.weights.h5", "w"), ("model.weights.h5", "r")}  # "w" is ours, in a folder of ours
    opened.clear()
    open_model(tmp_path / "m.h5")
    assert next(mode for _, mode in opened) == "w" and {name for name, _ in opened} == {"model.h5"}
    opened.clear()
    (tmp_path / "folder").mkdir()
    assert stored_shapes(weights_file(tmp_path / "m.weights.h5", tmp_path / "folder")) == {
        "dense/0": (8, 3),
        "dense/1": (3,),
    }
    assert opened == [("written", "w"), ("model.weights.h5", "r")]


def test_nothing_is_left_in_the_temporary_folder(tmp_path, monkeypatch, shadowed):
    keras = pytest.importorskip("keras")
    keras.Sequential([keras.Input((8,)), keras.layers.Dense(3)]).save(tmp_path / "m.keras")
    (tmp_path / "t").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "t"))
    shadowed(ENDS["SIGSEGV"], "read")
    with pytest.raises(InputRefused, match="SIGSEGV"):
        open_model(tmp_path / "m.keras")
    assert not list((tmp_path / "t").iterdir())


def test_a_full_disk_is_the_environments_fault(file, tmp_path, monkeypatch):
    found = contents(file, tmp_path / "numbers", "the file")

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(h5py.File, "create_dataset", full)
    with pytest.raises(EnvironmentLacks, match="No space left"):
        hdf5_copy.write_hdf5(found, tmp_path / "numbers", tmp_path / "new.h5")
