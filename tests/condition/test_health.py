"""Health, in closed form: what is planted is found, where it was planted, and nothing else."""

import json

import numpy as np
import pytest
import torch
import torch.nn as nn
from health_networks import finding, names, opened, pictures, small

import seethrough as st
from seethrough.condition.health import Health
from seethrough.errors import InputRefused, UsageError


@pytest.fixture(scope="module")
def clean():
    return st.health(opened(small()), pictures())


def test_a_network_with_nothing_planted_has_no_finding_of_weight(clean):
    assert isinstance(clean, Health) and clean.images == 32
    assert [layer.path for layer in clean.layers] == ["0", "3", "7"]
    assert not {"bad_numbers", "dead", "duplicates", "dominating", "low_rank", "saturation"} & set(names(clean))


def test_frequencies_extremes_and_means_are_those_of_the_activations(clean):
    net = opened(small())
    given = net.prepare(list(pictures())).batch
    with torch.no_grad():
        a = net.module[:2](given).double().transpose(0, 1).flatten(1).numpy()
    layer = clean["0"]
    assert (layer.images, layer.places, layer.channels) == (32, 32 * 32, 16)
    assert np.array_equal(layer.frequency, (a > 0).mean(1))
    assert np.allclose(layer.mean, a.mean(1), atol=1e-6) and np.allclose(layer.largest, a.max(1), atol=1e-6)
    assert np.allclose(layer.rms, np.sqrt((a**2).mean(1)), atol=1e-6)
    best = a.reshape(16, 32, -1).max(2).argmax(1)
    assert np.array_equal(layer.best, best)


def test_a_unit_with_a_bias_of_minus_a_billion_is_dead():
    net = small()
    with torch.no_grad():
        net[3].bias[[5, 9]] = -1e9
    health = st.health(opened(net), pictures())
    found = finding(health, "dead", "3")
    assert found.units == (5, 9) and found.numbers["no_weights"] == 0 and found.numbers["may_fire"] == 3 / 32
    assert np.flatnonzero(health["3"].dead).tolist() == [5, 9] and health["3"].frequency[5] == 0


def test_a_unit_without_weights_is_dead_and_said_to_be_without():
    net = small()
    with torch.no_grad():
        net[0].weight[2], net[0].bias[2] = 0, 0
    assert finding(st.health(opened(net), pictures()), "dead", "0").numbers["no_weights"] == 1


def test_a_unit_that_never_changes_is_dead_though_it_is_above_zero():
    net = small()
    with torch.no_grad():
        net[0].weight[2], net[0].bias[2] = 0, 0.5
    found = finding(st.health(opened(net), pictures()), "dead", "0")
    assert found.units == (2,) and not found.numbers["rectified"]


def test_silence_on_a_few_pictures_is_no_finding():
    net = small()
    with torch.no_grad():
        net[3].bias[5] = -1e9
    health = st.health(opened(net), pictures(8))
    assert "dead" not in names(health) and health["3"].dead[5]
    assert [n.name for n in health.notes] == ["few_images"]


def test_a_copied_filter_with_scaled_weights_correlates_one():
    net = small()
    with torch.no_grad():
        net[0].weight[7], net[0].bias[7] = 3 * net[0].weight[1], 3 * net[0].bias[1]
    found = finding(st.health(opened(net), pictures()), "duplicates", "0")
    assert found.units == (1, 7) and found.numbers["spare"] == 1
    assert found.numbers["correlation"] == pytest.approx(1) and found.numbers["cosine"] == pytest.approx(1)


def test_an_opposite_filter_is_no_twin():
    net = small()
    with torch.no_grad():
        net[0].weight[7], net[0].bias[7] = -net[0].weight[1], -net[0].bias[1]
    assert "duplicates" not in names(st.health(opened(net), pictures()))


def test_a_copy_with_another_threshold_has_alike_weights_only():
    net = small()
    with torch.no_grad():
        net[3].weight[7], net[3].bias[7] = net[3].weight[1], net[3].bias[1] - 0.1
    health = st.health(opened(net), pictures())
    assert {"alike_weights", "duplicates", "dead"} & set(names(health, layer="3")) == {"alike_weights"}


def test_a_filter_scaled_by_thirty_dominates():
    net = small()
    with torch.no_grad():
        net[3].weight[4] *= 30
    found = finding(st.health(opened(net), pictures()), "dominating", "3")
    assert found.units == (4,) and 20 < found.numbers["weights"] < 45


def test_normalisation_that_evens_a_filter_out_leaves_nothing_to_find():
    net = small()
    norm = nn.BatchNorm2d(16)
    with torch.no_grad():
        net[0].weight[4] *= 30
        net[0].bias[4] *= 30
        norm.running_var[4] = 900
    health = st.health(opened(nn.Sequential(net[0], norm, *net[1:])), pictures())
    assert "dominating" not in names(health)


@pytest.mark.parametrize("rank", [1, 3])
def test_the_rank_of_a_construction_is_found(rank):
    torch.manual_seed(0)
    mixed = nn.Conv2d(rank, 24, 1, bias=False)
    net = nn.Sequential(
        nn.Conv2d(3, rank, 1, bias=False), mixed, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(24, 2)
    )
    health = st.health(opened(net), pictures())
    found = health["1"].rank
    assert found is not None and found.exact == rank and found.directions <= rank and found.possible == rank
    rectified = nn.Sequential(net[0], mixed, nn.Softplus(), *net[2:])
    deep = st.health(opened(rectified), pictures())["1"].rank
    assert deep is not None and deep.possible == 24


def test_a_layer_of_one_direction_has_low_rank():
    net = small()
    with torch.no_grad():
        net[3].weight[:] = net[3].weight[:1] * torch.linspace(1, 2, 24)[:, None, None, None]
    assert "low_rank" in names(st.health(opened(net), pictures()), layer="3")


def test_saturated_units_are_found_at_the_ends_of_their_activation():
    net = small()
    net[1] = nn.Sigmoid()
    with torch.no_grad():
        net[0].bias[:6] = 50
    health = st.health(opened(net), pictures())
    found = finding(health, "saturation", "0")
    assert found.units == tuple(range(6)) and found.level == "warning" and found.numbers["share"] == 1


def test_values_that_are_no_numbers_are_an_error_and_counted():
    class Broken(nn.Module):
        def forward(self, x):
            return torch.cat([torch.log(x[:, :1] - 10), x[:, 1:]], 1)

    net = small()
    health = st.health(opened(nn.Sequential(net[0], Broken(), nn.ReLU(), *net[2:])), pictures(6))
    found = [f for f in health.findings if f.name == "bad_numbers"]
    assert found and found[0].level == "error" and health.findings[0] is found[0]
    assert found[0].layer == "2" and found[0].units == (0,) and found[0].numbers["values"] == 6 * 32 * 32


def test_values_beyond_sixteen_bits_are_said():
    net = small()
    with torch.no_grad():
        net[0].weight *= 1e6
    assert {"half_precision"} <= set(names(st.health(opened(net), pictures(6)), layer="0"))


def test_a_unit_that_fires_for_one_class_alone_is_wholly_selective():
    dark, bright = np.full((10, 32, 32, 3), 20, np.uint8), np.full((10, 32, 32, 3), 220, np.uint8)
    net = small()
    with torch.no_grad():
        net[0].weight[0], net[0].bias[0] = 1 / 27, -0.5
        net[0].weight[1], net[0].bias[1] = 0, 0.5
    truth = ["dark"] * 10 + ["bright"] * 10
    health = st.health(opened(net), np.concatenate([dark, bright]), truth=truth)
    assert health.classes == 2
    assert health["0"].selectivity[0] == pytest.approx(1) and health["0"].selectivity[1] == pytest.approx(0)
    few = st.health(opened(net), np.concatenate([dark[:4], bright[:4]]), truth=truth[:4] + truth[10:14])
    assert np.isnan(few["0"].selectivity).all()


@pytest.mark.parametrize("batch", [1, 5, 32])
def test_batches_change_nothing(clean, batch):
    other = st.health(opened(small()), pictures(), batch=batch)
    for ours, theirs in zip(clean.layers, other.layers):
        assert np.abs(ours.frequency - theirs.frequency).max() <= 3 / (32 * ours.places)  # sums round otherwise near 0
        assert np.allclose(ours.rms, theirs.rms, rtol=1e-5) and ours.rank.directions == theirs.rank.directions
        assert [(p.first, p.second) for p in ours.pairs] == [(p.first, p.second) for p in theirs.pairs]
    assert names(clean) == names(other)


def test_only_the_layers_that_are_named_are_measured():
    health = st.health(opened(small()), pictures(6), layers="3")
    assert [layer.path for layer in health.layers] == ["3"]
    with pytest.raises(UsageError, match="There is no layer 'nowhere'"):
        st.health(opened(small()), pictures(6), layers=["nowhere"])


def test_a_network_without_units_is_refused():
    with pytest.raises(UsageError, match="has no layer with units"):
        st.health(opened(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())), pictures(4))


def test_a_network_that_cannot_be_written_down_is_refused():
    def function(images):
        return images.mean((1, 2))

    net = st.open(function, input_size=(32, 32, 3), preprocessing="unit")
    with pytest.raises((InputRefused, UsageError)):
        st.health(net, pictures(3))


def test_the_record_is_plain_and_the_arrays_are_all_there(clean, tmp_path):
    record = json.loads(clean.save(tmp_path / "health.json").read_text("utf-8"))
    assert [layer["path"] for layer in record["layers"]] == ["0", "3", "7"] and record["images"] == 32
    with np.load(clean.save(tmp_path / "health.npz")) as arrays:
        assert np.array_equal(arrays["3/frequency"], clean["3"].frequency)
        assert arrays["strides/2/spectrum"].shape == (33, 33)
