"""Importing torchvision where its compiled part doesn't load; each in a process of its own, since imports stay."""

import importlib.util
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("torchvision") is None, reason="torchvision isn't installed (the extra 'vision')"
)


def said_by(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_torchvision_is_imported_whether_or_not_its_operators_load() -> None:
    program = """
from seethrough.models.torchvision_import import import_torchvision, operator_notes, operators_missing
torchvision = import_torchvision()
assert import_torchvision() is torchvision
assert operators_missing() == (not torchvision.extension._has_ops())
assert [note.name for note in operator_notes()] == ["torchvision_without_operators"] * operators_missing()
network = torchvision.models.get_model("squeezenet1_1").eval()
import torch
print(tuple(network(torch.zeros(1, 3, 64, 64)).shape))
"""
    assert said_by(program) == "(1, 1000)"


def test_what_is_missing_is_declared_and_never_silently_computed() -> None:
    program = """
from unittest import mock
import torch
from seethrough.models.torchvision_import import import_torchvision, operators_missing
with mock.patch("torch.ops.load_library", side_effect=OSError("compiled for another PyTorch")):
    torchvision = import_torchvision()
assert operators_missing()
try:
    torchvision.ops.nms(torch.rand(3, 4), torch.rand(3), 0.5)
except RuntimeError as error:
    print("refused")
"""
    assert said_by(program) == "refused"


def test_another_failure_of_the_import_is_said_in_a_sentence(tmp_path) -> None:
    (tmp_path / "torchvision.py").write_text("raise RuntimeError('built for the moon')")
    program = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
from seethrough.errors import EnvironmentLacks
from seethrough.models.torchvision_import import import_torchvision
try:
    import_torchvision()
except EnvironmentLacks as error:
    print(error)
"""
    assert said_by(program).startswith("torchvision can't be imported (built for the moon); install the one that")
