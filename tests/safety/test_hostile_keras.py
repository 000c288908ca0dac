"""Configurations of Keras that name more than layers: refused as text, and the interpreter notices nothing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hostile_keras import SECRET, layer_entries

pytest.importorskip("keras")
pytest.importorskip("h5py")


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    command = [sys.executable, Path(__file__).with_name("hostile_keras.py"), folder]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_nothing_ran(opened):
    assert not opened["ran"]


def test_a_true_file_opens_beside_them(opened):
    assert [opened["outcomes"][f"true .{suffix}"][0] for suffix in ("keras", "h5")] == ["opened", "opened"]


@pytest.mark.parametrize("way", ["keras", "h5", "older.keras"])
@pytest.mark.parametrize("hole", layer_entries("mark", SECRET))
def test_a_configuration_is_refused_and_causes_no_event(opened, hole, way):
    said, events = opened["outcomes"][f"{hole} in .{way}"]
    assert events == [], events
    assert said.startswith(("'", "Keras can't read")) and "\n" not in said and "that nobody may read" not in said, said
    if way != "older.keras":  # without its modules Keras knows no class, its own neither
        assert "allow_code" in said, said
