"""The door to PyTorch: live modules as they are, and weights for architectures of one's own."""

import sys
import textwrap

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from seethrough.errors import InputRefused, UsageError
from seethrough.images import Preprocessing
from seethrough.models import open_model


class Net(nn.Module):
    def __init__(self, channels: int = 4) -> None:
        super().__init__()
        self.channels = channels
        convolution = nn.Conv2d(3, channels, 3, padding=1, bias=False)
        self.features = nn.Sequential(convolution, nn.BatchNorm2d(channels), nn.ReLU(inplace=True))
        self.again = self.features[2]
        self.head = nn.Linear(channels, 5)

    def forward(self, x):
        return self.head(self.again(self.features(x)).mean((2, 3)))


def trained():
    torch.manual_seed(3)
    return Net().eval()


def same_answers(one, other):
    x = torch.rand(2, 3, 8, 8)
    with torch.no_grad():
        return torch.equal(one(x), other(x))


def test_a_live_module_is_described_and_not_touched():
    module = Net().train()
    module.head.weight.requires_grad_(False)

    def look():
        state = [(p.data_ptr(), p._version, p.requires_grad) for p in module.parameters()]
        return state, [m.training for m in module.modules()], [sorted(vars(m)) for m in module.modules()]

    before = look()
    opened = open_model(module, input_size=(3, 8, 8), classes=list("abcde"), preprocessing="torch")
    dict(opened.info), dict(opened.arrays)
    assert look() == before and opened.module is module
    assert (opened.layout, opened.weights, opened.notes) == ("channels_first", "live", ())
    assert (opened.input_size, opened.classes, opened.preprocessing.name) == ((3, 8, 8), tuple("abcde"), "torch")
    assert opened.source == "Net (live torch module)"


def test_paths_are_those_of_named_modules_and_a_shared_module_stands_once():
    module = Net()
    opened = open_model(module)
    assert list(opened.layers) == ["features", "features.0", "features.1", "features.2", "head"]
    assert opened.paths[id(module.again)] == "features.2" and len(opened.paths) == 5


def test_settings_are_the_constructors_and_hold_no_tensors():
    opened = open_model(Net())
    conv = opened.info["features.0"]
    assert (conv["class"], conv["in_channels"], conv["out_channels"], conv["bias"]) == ("Conv2d", 3, 4, False)
    assert (conv["kernel_size"], conv["padding"]) == ((3, 3), (1, 1))
    assert opened.info["features.2"] == {"class": "ReLU", "inplace": True}
    assert opened.info["head"] == {"class": "Linear", "in_features": 4, "out_features": 5, "bias": True}


def test_arrays_are_the_state_dict_and_copies_of_it():
    module = Net()
    found = open_model(module).arrays["features.1"]
    assert list(found) == list(module.features[1].state_dict())
    found["weight"][:] = 9
    assert (module.features[1].weight == 1).all()
    assert open_model(Net().bfloat16()).arrays["head"]["weight"].dtype == np.float32


def test_a_module_without_modules_inside_stands_for_itself():
    assert list(open_model(nn.Conv2d(3, 4, 3)).layers) == ["Conv2d"]


def test_weights_that_are_no_numbers_are_an_error_that_names_the_first_layer():
    module = Net()
    with torch.no_grad():
        module.features[1].running_var[0] = float("nan")
        module.head.bias[0] = float("inf")
    (note,) = open_model(module).notes
    assert (note.name, note.level) == ("weights_not_finite", "error")
    assert note.numbers == {"layer": "features.1", "layers": 2}


@pytest.mark.parametrize("form", ["safetensors", "pt", "older pt", "wrapped", "parallel", "lightning"])
def test_weights_from_every_kind_of_file_give_the_trained_networks_answers(tmp_path, form):
    module, path = trained(), tmp_path / "weights"
    state = module.state_dict()
    prefix = {"parallel": "module.", "lightning": "model.net."}.get(form, "")
    state = {f"{prefix}{key}": value for key, value in state.items()}
    if form == "safetensors":
        save_file({key: value.contiguous() for key, value in state.items()}, path)
    else:
        whole = {"epoch": 3, "state_dict": state} if form in ("wrapped", "lightning") else state
        torch.save(whole, path, _use_new_zipfile_serialization=form != "older pt")
    opened = open_model(path, architecture=Net)
    assert same_answers(module, opened.module) and opened.weights == "weights" and not opened.module.training
    notes = {note.name: dict(note.numbers) for note in opened.notes}
    assert notes.get("prefix_removed") == ({"prefix": prefix} if prefix else None)
    assert notes.get("state_dict_unwrapped") == ({"key": "state_dict"} if form in ("wrapped", "lightning") else None)
    assert len(opened.provenance["file_sha256"]) == 64


def test_batch_counters_may_be_absent_and_half_precision_is_widened(tmp_path):
    module = trained()
    state = {key: value.half() for key, value in module.state_dict().items() if "num_batches" not in key}
    save_file(state, tmp_path / "w.safetensors")
    opened = open_model(tmp_path / "w.safetensors", architecture=Net)
    assert opened.module.head.weight.dtype == torch.float32
    assert torch.equal(opened.module.head.weight, module.head.weight.half().float())


def test_weights_that_do_not_fit_name_the_first_five_keys(tmp_path):
    state = Net(6).state_dict()
    state["extra.weight"] = torch.zeros(2)
    del state["head.bias"]
    torch.save(state, tmp_path / "w.pt")
    with pytest.raises(InputRefused) as refused:
        open_model(tmp_path / "w.pt", architecture=Net)
    words = str(refused.value)
    assert "1 missing, 1 unexpected, 6 of another shape" in words
    assert "First: head.bias missing; extra.weight unexpected; " in words
    assert "features.0.weight is (6, 3, 3, 3), not (4, 3, 3, 3)" in words and words.count(";") == 4


def test_weights_without_an_architecture_say_what_to_do(tmp_path):
    torch.save(Net().state_dict(), tmp_path / "w.pt")
    with pytest.raises(UsageError, match=r"architecture='package\.module:function'"):
        open_model(tmp_path / "w.pt")


def test_an_architecture_is_imported_from_the_working_folder(tmp_path, monkeypatch):
    (tmp_path / "own_networks_xyz.py").write_text(
        textwrap.dedent("""
        from torch import nn
        class Zoo:
            def small(): return nn.Linear(2, 3)
        def broken(): raise KeyError("no such option")
        number = 3
        def wrong(): return 3
    """)
    )
    torch.save(nn.Linear(2, 3).state_dict(), tmp_path / "w.pt")
    monkeypatch.chdir(tmp_path)
    before = list(sys.path)
    assert isinstance(open_model("w.pt", architecture="own_networks_xyz:Zoo.small").module, nn.Linear)
    assert sys.path == before
    for named, words in (
        ("own_networks_xyz:broken", "raised KeyError"), ("own_networks_xyz:nothing", "isn't there"),
        ("no_such_package_xyz:f", "can't be imported"),
        ("own_networks_xyz", "named 'package.module:function'"), ("own_networks_xyz:wrong", "returned int"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=words):
            open_model("w.pt", architecture=named)


def test_building_an_architecture_leaves_the_random_state(tmp_path):
    torch.save(Net().state_dict(), tmp_path / "w.pt")
    state = torch.get_rng_state()
    open_model(tmp_path / "w.pt", architecture=Net)
    assert torch.equal(state, torch.get_rng_state())


class Evil:
    mark = ""

    def __reduce__(self):
        return open, (Evil.mark, "w")


@pytest.mark.parametrize("older", [False, True])
def test_a_pickled_module_is_refused_without_running_it(tmp_path, older):
    Evil.mark = str(tmp_path / "ran")
    module = nn.Linear(2, 3)
    torch.save(module, tmp_path / "whole.pt", _use_new_zipfile_serialization=not older)
    held = {"state_dict": module.state_dict(), "x": Evil()}
    torch.save(held, tmp_path / "evil.pt", _use_new_zipfile_serialization=not older)
    for name, called in (("whole.pt", "torch.nn.modules.linear.Linear"), ("evil.pt", "io.open")):
        with pytest.raises(InputRefused, match="save the weights alone") as refused:
            open_model(tmp_path / name, architecture=Net)
        words = str(refused.value)
        assert called in words and "allow_code=True" in words and "\n" not in words
    assert not (tmp_path / "ran").exists()
    opened = open_model(tmp_path / "whole.pt", allow_code=True)
    assert torch.equal(opened.module.weight, module.weight)


def test_programs_are_refused_unless_allowed(tmp_path):
    module = trained()
    torch.jit.trace(module, torch.rand(1, 3, 8, 8)).save(str(tmp_path / "script.pt"))
    torch.export.save(torch.export.export(module, (torch.rand(2, 3, 8, 8),)), tmp_path / "program.pt2")
    for name, words in (("script.pt", "TorchScript program"), ("program.pt2", r"exported program \(.pt2\)")):
        with pytest.raises(InputRefused, match=f"{words}.*allow_code"):
            open_model(tmp_path / name)
        assert same_answers(module, open_model(tmp_path / name, allow_code=True).module)


@pytest.mark.parametrize("held", [{"epoch": 3}, [torch.zeros(2)], torch.zeros(3), {"model": {"a": 1}}])
def test_a_file_without_a_state_dict_is_refused(tmp_path, held):
    torch.save(held, tmp_path / "w.pt")
    with pytest.raises(InputRefused, match="no state dict"):
        open_model(tmp_path / "w.pt", architecture=Net)


@pytest.mark.parametrize("part", [0.3, 0.7, 0.98])
@pytest.mark.parametrize("form", ["pt", "older", "safetensors"])
def test_a_file_cut_off_is_refused(tmp_path, form, part):
    path = tmp_path / "w"
    state = {key: value.clone() for key, value in Net(32).state_dict().items()}
    if form == "safetensors":
        save_file(state, path)
    else:
        torch.save(state, path, _use_new_zipfile_serialization=form == "pt")
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(InputRefused) as refused:
        open_model(path, architecture=Net)
    assert "\n" not in str(refused.value)


def test_a_preprocessing_of_ones_own_is_kept():
    own = Preprocessing("custom", scale=0.5)
    assert open_model(Net(), preprocessing=own).preprocessing is own and open_model(Net()).preprocessing is None
