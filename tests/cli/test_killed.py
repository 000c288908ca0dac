"""``kill -9`` in the middle of ``audit`` and ``repair``: the same command goes on, to what it would have said undisturbed."""

import json
import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
from corner_network import OPEN, stand_in, write_masked_photos, write_network, write_weights

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")

KILLS = """
import os
import signal
import sys

part, number = os.environ.get("KILLED_AT", ":0").split(":")
left = int(number)

def hook(event, said):
    # A file is about to get its name: all of it is written, under another one. No moment is worse.
    global left
    if left and event == "os.rename" and part in str(said[1]):
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(hook)
"""
AUDIT = ("audit", "first.safetensors", "photos", "--masks", "masks", "--finders", "places", *OPEN)
REPAIR = (
    "repair", "first.safetensors", "photos", "--answer", "region=background", "--rungs", "reweighted", *OPEN,
)  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A network that reads a corner and the middle; in 8 of 10 photos the corner is that of the class."""
    home = tmp_path_factory.mktemp("killed")
    write_masked_photos(home, 280, 4)
    write_weights(home / "first.safetensors", 4, mark=14.0, thing=9.0)
    write_network(home, 4, KILLS)
    return home


@pytest.fixture
def ask(seethrough, home, monkeypatch):
    """A function (*arguments) → Outcome, in this process, there."""
    stand_in(home, monkeypatch)
    return seethrough


@pytest.fixture
def undisturbed(ask, home):
    """The folder of an audit that nobody killed."""
    if not (home / "whole").exists():
        assert ask(*AUDIT, "-o", "whole/").code == 0
    return home / "whole"


def killed(home, moment, *arguments):
    """The real command, killed when so many files of such a name have been written and the last isn't called so yet."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(home), *sys.path]), "KILLED_AT": moment}
    done = subprocess.run(
        [sys.executable, "-m", "seethrough", *map(str, arguments)], cwd=home, env=environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, (moment, done.stdout, done.stderr)


def kept(folder):
    """Files that have their name, and when they were written."""
    files = [*folder.rglob("*.safetensors"), *folder.rglob("*.npz")]
    return {p.relative_to(folder): p.stat().st_mtime_ns for p in files if not p.name.startswith(".")}


def without_counts(record):
    """All but how often the network was asked, which is less where something was kept."""
    record["provenance"].pop("asked", None)
    return record


def test_an_audit_that_is_killed_goes_on_to_the_same_record(ask, home, undisturbed):
    folder, before = home / "disturbed", []
    for moment in ("shards:3", "judged:2"):
        killed(home, moment, *AUDIT, "-o", folder)
        before.append(kept(folder))
        assert not (folder / "findings.json").exists() and not (folder / "audit.html").exists()
    shards, judged = (sum("judged" in p.parts for p in each) for each in before), before[1]
    assert len(before[0]) == 2 and tuple(shards) == (0, 1) and len(judged) > 3
    assert ask(*AUDIT, "-o", folder).code == 0
    after = kept(folder)
    for each in before:
        assert each.items() <= after.items()  # nothing that was kept was made anew
    assert after.keys() == kept(undisturbed).keys()
    first, again = (json.loads((f / "findings.json").read_text()) for f in (undisturbed, folder))
    assert again["provenance"]["asked"] < first["provenance"]["asked"]
    assert without_counts(again) == without_counts(first)


def test_a_repair_that_is_killed_goes_on_to_the_same_network(ask, home, undisturbed):
    from safetensors.numpy import load_file

    folder, out = home / "mended", home / "disturbed.safetensors"
    shutil.copytree(undisturbed, folder)
    whole = ask(*REPAIR, "--findings", undisturbed, "-o", "whole.safetensors")
    assert whole.code == 0, whole.err
    learned = []
    for moment in ("reweighted-:1", "disturbed.safetensors:1"):
        killed(home, moment, *REPAIR, "--findings", folder, "-o", out.name)
        learned.append({p: at for p, at in kept(folder / "repair").items() if "reweighted-" in p.name})
        assert not out.exists()
    assert [len(each) for each in learned] == [0, 1]  # it was still to get its name; then only the network was
    assert ask(*REPAIR, "--findings", folder, "-o", out.name).code == 0
    assert learned[1].items() <= kept(folder / "repair").items()
    first, again = load_file(home / "whole.safetensors"), load_file(out)
    assert first.keys() == again.keys() and all(np.array_equal(first[name], again[name]) for name in first)
    said = [json.loads((f / "repair" / "repair.json").read_text()) for f in (undisturbed, folder)]
    assert said[0]["scores"] == said[1]["scores"] and said[0]["verdict"] == said[1]["verdict"] == "passed"
