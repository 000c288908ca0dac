"""Pickles that would run code when opened: each is refused with one line that names what it calls for, and nothing runs."""

import time

import pytest
import torch
from hostile_pickles import archive, hostile_files, routes
from torch import nn

from seethrough.cli import run
from seethrough.errors import EnvironmentLacks, InputRefused
from seethrough.models import open_model


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    mark = folder / "ran"
    return mark, {each.hole: each for each in hostile_files(folder / "files", mark)}


def test_there_are_sixty_and_more(files):
    assert len(files[1]) >= 60


def test_none_runs_anything_and_each_is_one_sentence_with_the_way_out(files):
    mark, hostile = files
    before = sorted(mark.parent.rglob("*"))
    for hole, each in hostile.items():
        with pytest.raises(InputRefused) as refused:
            open_model(each.path, architecture=nn.Identity)
        said = str(refused.value)
        assert refused.value.exit_code == 3 and "\n" not in said, (hole, said)
        if each.calls is not None:
            assert f"({each.calls})" in said and "safetensors.torch.save_file" in said, (hole, said)
    assert not mark.exists() and sorted(mark.parent.rglob("*")) == before


@pytest.mark.parametrize(
    "hole", ["GLOBAL_REDUCE", "legacy_object", "protocol_0", "legacy_tar", "TorchScript", "damaged_CRC"]
)
def test_the_command_line_says_it_in_one_line_and_exits_with_3(files, capsys, hole):
    code = run(["summary", str(files[1][hole].path), "--architecture", "torch.nn:Identity"])
    said = capsys.readouterr().err
    assert code == 3 and said.count("\n") == 1 and said.startswith("seethrough: ") and "Traceback" not in said


def test_torchscript_is_told_how_to_save_weights(files):
    with pytest.raises(InputRefused, match=r"TorchScript program.*safetensors"):
        open_model(files[1]["TorchScript"].path, architecture=nn.Identity)


def test_the_canary_sings_where_code_is_allowed(tmp_path):
    """Else the tests above would prove nothing."""
    mark = tmp_path / "ran"
    for route in ("GLOBAL_REDUCE", "DUP", "INST", "OBJ"):
        path = archive(tmp_path / "x.pt", routes(mark)[route][0])
        with pytest.raises(InputRefused):
            open_model(path, architecture=nn.Identity, allow_code=True)
        for _ in range(100):
            if mark.exists():
                break
            time.sleep(0.02)
        assert mark.exists(), route
        mark.unlink()


def test_an_older_torch_with_a_known_hole_is_said(monkeypatch, tmp_path):
    torch.save(nn.Linear(2, 2).state_dict(), tmp_path / "x.pt")
    monkeypatch.setattr(torch, "__version__", "2.9.1+cpu")
    with pytest.raises(EnvironmentLacks, match="CVE-2026-24747"):
        open_model(tmp_path / "x.pt", architecture=lambda: nn.Linear(2, 2))
