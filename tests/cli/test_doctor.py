"""``doctor``: which doors are open, and what to do about those that aren't."""

import json
import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from seethrough.cli import doctoring
from seethrough.models import installed
from seethrough.models.installed import NEEDED, doors, machine
from seethrough.models.open import BY_NAME


@pytest.fixture
def without(monkeypatch):
    """As if some libraries weren't installed, or others were."""

    def pretend(**versions):
        real = installed._version
        monkeypatch.setattr(installed, "_version", lambda name: versions[name] if name in versions else real(name))

    return pretend


def of(name):
    return next(door for door in doors() if door.name == name)


def test_the_table_of_what_doors_need_is_that_of_the_project():
    described = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    extras = {
        extra: {re.split(r"[<>=]", said)[0]: said.partition(">=")[2] or None for said in needed}
        for extra, needed in {**described["optional-dependencies"], None: described["dependencies"]}.items()
    }
    for _, extra, needed in NEEDED.values():
        for library, least in needed.items():
            assert extras[extra][library] == least, library
    assert {*BY_NAME, "onnx", "demo"} <= set(NEEDED)


def test_an_open_door_says_its_versions_and_nothing_is_missing():
    door = of("torch")
    assert (door.state, door.missing, door.command) == ("open", (), None)
    assert [(each.name, each.version) for each in door.libraries] == [("torch", version("torch"))]


def test_a_closed_door_says_what_is_missing_and_what_installs_it(without):
    without(transformers=None, keras="2.15.0")
    door = of("hf")
    assert (door.state, door.missing) == ("closed", ("transformers isn't installed",))
    assert door.command == "pip install 'seethrough[hf]'"
    assert of("keras").missing[0] == "keras 2.15.0 is installed and 3.10 is needed" and of("keras").state == "closed"


def test_what_a_door_opens_without_leaves_it_partly_open(without):
    without(onnx="1.30", onnxruntime=None)
    door = of("onnx")
    assert door.state == "partly" and door.missing == (
        "onnxruntime isn't installed (without it no answer is compared)",
    )


@pytest.mark.skipif(installed._version("torchvision") is None, reason="torchvision isn't installed")
def test_a_torchvision_without_its_operators_is_told():
    from seethrough.models.torchvision_import import import_torchvision, operators_missing

    import_torchvision()
    assert of("torchvision").state == ("partly" if operators_missing() else "open")
    assert of("timm").state == ("open" if installed._version("timm") else "closed")


def test_the_machine_is_described_in_plain_numbers():
    here = machine()
    assert here.torch == version("torch") and here.devices[0] == "cpu" and 1 <= here.cores <= 4096
    assert here.memory is None or (2**28 < here.memory < 2**50 and (here.free is None or here.free <= here.memory))


def test_doctor_prints_every_door_and_what_to_install(without, capsys):
    without(transformers=None)
    assert doctoring.doctor(as_json=False) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in NEEDED) and version("torch") in said
    assert "hf: transformers isn't installed. Get it with: pip install 'seethrough[hf]'" in said


def test_doctor_says_the_same_to_programs(capsys):
    assert doctoring.doctor(as_json=True) == 0
    record = json.loads(capsys.readouterr().out)
    assert [door["name"] for door in record["doors"]] == list(NEEDED)
    assert record["machine"]["torch"] == version("torch") and isinstance(record["keeps_freed_memory"], bool)
