"""Ctrl-C and SIGTERM in the middle of the work: an exit code of their own, a sentence, and nothing left behind."""

import os
import signal
import subprocess
import sys

import pytest
from cli_material import contents

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")

LONG = ("--input-size", "3x96x96", "--methods", "occlusion", "--window", "4", "--stride", "1")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_command_leaves_nothing(tiny, folder, number, code):
    architecture = (folder / "tiny_cli_network.py").read_text()
    (folder / "tiny_cli_network.py").write_text(
        architecture.replace("def net():", "def net():\n    print('building', flush=True)")
    )
    before = contents(folder)
    command = [sys.executable, "-m", "seethrough", "explain", *tiny[:3], *tiny[5:], "cat.png", "-o", "why.html", *LONG]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder, restore_signals=True
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "building\n"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)  # it is at work
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
    assert process.returncode == code
    assert "Interrupted" in err and "Traceback" not in err and err.count("\n") == 1
    assert contents(folder) == before


def test_a_ctrl_c_within_a_text_that_is_executed_has_the_same_code(folder):
    """As in the import of a library that makes dataclasses; Python by itself would end by the signal."""
    (folder / "tiny_cli_network.py").write_text("exec('raise KeyboardInterrupt')")
    command = [sys.executable, "-m", "seethrough", "summary", "tiny_cli_network.py:net"]
    done = subprocess.run([*command, "--input-size", "8x8x3"], capture_output=True, text=True, cwd=folder, timeout=60)
    assert done.returncode == 130 and "Interrupted" in done.stderr, done
