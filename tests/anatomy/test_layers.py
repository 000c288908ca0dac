"""One layer in full, against the layer itself; and its weights as a file."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn as nn

from seethrough.anatomy.layers import describe_layer, find_layers, named_arrays, save_weights
from seethrough.errors import EnvironmentLacks, UsageError
from seethrough.models.open import open_model

NAMES = ["block1_conv1", "block1_conv2", "block1_pool", "block2_conv1", "head[0]", "head"]


def test_layers_are_found_by_path_or_pattern_in_the_networks_order():
    assert find_layers(NAMES, "block1_pool") == ("block1_pool",)
    assert find_layers(NAMES, "*_conv?") == ("block1_conv1", "block1_conv2", "block2_conv1")
    assert find_layers(NAMES, "block[2-9]*") == ("block2_conv1",)
    assert find_layers(NAMES, "head[0]") == ("head[0]",), "a path is a path first"


@pytest.mark.parametrize("pattern", ["block1_conv9", "Block1_conv", "blok1_conv1"])
def test_an_unknown_layer_is_refused_with_the_nearest_names(pattern):
    with pytest.raises(UsageError, match=r"Nearest: .*block1_conv1"):
        find_layers(NAMES, pattern)


def test_a_layer_is_described_as_it_is(mixed):
    opened, graph = mixed
    report, conv = describe_layer(opened, graph, "conv"), opened.module.conv
    assert (report.path, report.kind, report.inside) == ("conv", "Conv2d", ())
    assert report.configuration["kernel_size"] == (3, 3) and report.configuration["bias"] is True
    weight = report.weights[0]
    assert (weight.name, weight.shape, weight.dtype, weight.trainable) == ("weight", (8, 8, 3, 3), "float32", True)
    values = conv.weight.detach().double()
    assert weight.mean == pytest.approx(values.mean().item()) and weight.std == pytest.approx(
        values.std(unbiased=False).item()
    )
    assert (weight.min, weight.max, weight.not_finite) == (values.min().item(), values.max().item(), 0)


def test_each_call_has_its_own_shapes_field_and_operations(mixed):
    first, second = describe_layer(*mixed, "conv").calls
    assert (first.path, second.path) == ("conv", "conv:2")
    assert first.inputs == first.outputs == ((8, 8, 8),)
    assert first.receptive.size == (7, 7) and second.receptive.size == (11, 11)
    assert first.macs == second.macs == 8 * 64 * 72
    assert first.operations == ("conv2d",)
    assert describe_layer(*mixed, "dead").calls == ()


def test_a_container_tells_what_is_inside_of_it(encoder):
    report = describe_layer(*encoder, "layers.2")
    assert "layers.2.norm1" in report.inside and not any(p.startswith("layers.3") for p in report.inside)
    assert {"norm1.weight", "self_attn.in_proj_weight", "self_attn.out_proj.bias"} <= {w.name for w in report.weights}
    assert "TransformerEncoderLayer" in str(report) and "the whole picture" in str(report)


def test_numbers_that_are_none_are_counted_and_kept_out(mixed):
    opened, graph = mixed
    with torch.no_grad():
        opened.module.norm.weight[:3] = torch.tensor([float("nan"), float("inf"), 7.0])
    weight, *_, batches = describe_layer(opened, graph, "norm").weights
    assert weight.not_finite == 2 and weight.max == 7 and np.isfinite(weight.mean)
    assert batches.buffer and batches.dtype == "int64"
    with torch.no_grad():
        opened.module.norm.weight[:] = float("nan")
    report = describe_layer(opened, graph, "norm")
    assert json.loads(json.dumps(report.to_dict()))["weights"][0]["mean"] is None
    assert "8 NaN or infinite" in str(report)


def test_without_a_graph_settings_and_weights_are_told(mixed):
    report = describe_layer(mixed[0], None, "stem")
    assert report.calls is None and "input_size" in str(report) and "not trainable" in str(report)


def test_saved_weights_are_the_networks_own(mixed, tmp_path):
    opened, _ = mixed
    path = save_weights(opened, "norm", tmp_path / "norm.npz")
    stored = np.load(path)
    assert set(stored) == set(opened.module.norm.state_dict())
    assert all(np.array_equal(stored[k], v.numpy()) for k, v in opened.module.norm.state_dict().items())
    several = np.load(save_weights(opened, "[hs]*", tmp_path / "several.npz"))
    assert set(several) == {"stem/weight", "stem/bias", "head/weight"}
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_files_that_cannot_be_are_refused_and_leave_nothing(mixed, tmp_path):
    opened, _ = mixed
    with pytest.raises(UsageError, match="npz"):
        save_weights(opened, "conv", tmp_path / "conv.csv")
    with pytest.raises(UsageError, match="no weights"):
        save_weights(opened, "relu", tmp_path / "relu.npz")
    with pytest.raises(EnvironmentLacks, match="missing"):
        save_weights(opened, "conv", tmp_path / "missing" / "conv.npz")
    target = tmp_path / "taken.npz"
    target.mkdir()
    with pytest.raises(EnvironmentLacks, match=r"taken\.npz"):
        save_weights(opened, "conv", target)
    assert [p.name for p in tmp_path.iterdir()] == ["taken.npz"]


def test_a_file_that_stood_there_stays_until_the_new_one_is_whole(mixed, tmp_path, monkeypatch):
    opened, _ = mixed
    target = save_weights(opened, "conv", tmp_path / "w.npz")
    before = target.read_bytes()

    def interrupted(file, **arrays):
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save_weights(opened, "head", target)
    assert target.read_bytes() == before and list(Path(tmp_path).iterdir()) == [target]


def test_a_lone_module_is_its_own_layer():
    opened = open_model(nn.Conv2d(3, 4, 1))
    assert describe_layer(opened, None, "Conv2d").configuration["out_channels"] == 4
    assert set(named_arrays(opened, "Conv2d")) == {"weight", "bias"}
