"""Weights: finite, not all alike, no longer as they were drawn, of one scale, one type, in one place."""

import math

import pytest
import torch
import torch.nn as nn
from checked_networks import Small, check, finding, names, small, trained
from torch.nn import functional as F

import seethrough as st
from seethrough.anatomy.checks.initial import Drawn
from seethrough.anatomy.checks.numbers import spread_of
from seethrough.anatomy.checks.parts import has_data


@torch.no_grad()
def test_nan_and_infinite_weights_are_counted():
    module = small()
    module.stem.weight[0, 0, 0, :2] = float("nan")
    module.norm.running_var[3] = float("inf")
    bad = finding(check(module), "weights_not_finite")
    assert bad.level == "error" and bad.layers == ("stem", "norm") and bad.numbers == {"nan": 2, "infinite": 1}
    assert "weights_not_finite" not in names(check(small()))


@torch.no_grad()
def test_kernels_of_zeros_and_of_one_number_are_told_and_biases_of_zeros_are_not():
    module = small()
    module.stem.bias.zero_(), module.norm.weight.fill_(1)
    assert not {"weights_zero", "weights_constant"} & set(names(check(module)))
    module.stem.weight.zero_(), module.head.weight.fill_(0.25)
    found = check(module)
    assert finding(found, "weights_zero").layers == ("stem",)
    assert finding(found, "weights_constant").layers == ("head",)
    assert finding(found, "weights_constant").numbers["value"] == 0.25


def test_statistics_that_training_never_touched_are_told():
    module = small()
    module.norm.reset_running_stats()
    assert finding(check(module), "statistics_untouched").layers == ("norm",)
    module.norm.running_mean[0] = 0.01
    assert "statistics_untouched" not in names(check(module))


def test_a_layer_left_out_when_weights_were_loaded_is_told_from_the_trained_ones():
    class Wide(Small):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(16, 20)

    module = small(Wide)
    torch.manual_seed(0)
    module.head.reset_parameters()
    told = finding(check(module), "weights_as_drawn")
    assert told.layers == ("head",) and told.numbers == {"judged": 3}


def test_a_few_steps_are_enough_to_be_trained():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 36, 10))
    assert finding(check(module, size=(3, 8, 8)), "weights_all_as_drawn").layers == ("0", "3")
    step = torch.optim.SGD(module.parameters(), 0.1)
    for _ in range(10):
        step.zero_grad()
        F.cross_entropy(module(torch.randn(32, 3, 8, 8)), torch.randint(10, (32,))).backward()
        step.step()
    assert not {"weights_as_drawn", "weights_all_as_drawn"} & set(names(check(module, size=(3, 8, 8))))


def test_a_network_that_never_trained_is_told_once():
    torch.manual_seed(0)
    found = check(Small().eval())
    assert finding(found, "weights_all_as_drawn").layers == ("stem", "block.0")  # the head is too small to judge
    assert "statistics_untouched" not in names(found)


@pytest.mark.parametrize("initializer", ["glorot_uniform", "he_normal", "lecun_uniform"])
def test_what_keras_draws_is_known_from_its_initializer(initializer):
    keras = pytest.importorskip("keras", reason="keras isn't installed")
    layers = keras.layers
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(16, 3, kernel_initializer=initializer, name="c"),
            layers.DepthwiseConv2D(5, depthwise_initializer=initializer, name="depthwise"),
            layers.Flatten(),
            layers.Dense(10, kernel_initializer=initializer, name="d"),
        ]
    )
    assert finding(check(model, size=None), "weights_all_as_drawn").layers == ("c", "depthwise", "d")
    kernel, bias = model.get_layer("c").get_weights()
    model.get_layer("c").set_weights([kernel * 1.05, bias])
    assert finding(check(model, size=None), "weights_as_drawn").layers == ("depthwise", "d")


def test_a_distribution_is_told_by_its_bound_and_its_spread():
    generator = torch.Generator().manual_seed(0)
    uniform = torch.rand(5000, generator=generator) * 2 - 1
    assert Drawn(1.0).fits(uniform)
    assert not Drawn(1.05).fits(uniform) and not Drawn(0.99).fits(uniform)
    assert not Drawn(1.0).fits(torch.randn(5000, generator=generator).clamp(-1, 1) * 0.5)
    assert not Drawn(1.0).fits(uniform[:99])
    assert not Drawn(1.0, normal=True).fits(uniform)
    cut = torch.nn.init.trunc_normal_(torch.empty(5000), 0, 0.5, -1, 1, generator=generator)
    assert Drawn(1.0, normal=True).fits(cut) and not Drawn(1.0).fits(cut)


def test_random_weights_by_name_are_said_once_and_instead_of_all_that_follows_from_it():
    pytest.importorskip("keras", reason="keras isn't installed")
    found = st.open("keras:MobileNetV2", input_size=(32, 32, 3)).check()
    assert names(found, "warning") == ["weights_random"]


class Deep(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(*[nn.Conv2d(3, 3, 3, padding=1) for _ in range(6)])

    def forward(self, x):
        return self.layers(x).mean((2, 3))


@torch.no_grad()
@pytest.mark.parametrize(("times", "name"), [(2000, "weights_huge"), (1 / 2000, "weights_tiny")])
def test_weights_a_thousand_times_the_usual_are_told(times, name):
    module = trained(Deep())
    module.layers[2].weight *= times
    told = finding(check(module), name)
    assert told.layers == ("layers.2",) and times / 2 < told.numbers["times"] < times * 2
    module.layers[2].weight *= 300 / 2000 if times > 1 else 2000 / 300
    assert name not in names(check(module))


def test_several_types_and_the_layers_that_are_of_another():
    module = small()
    module.norm.running_mean = module.norm.running_mean.double()
    told = finding(check(module, size=None), "types_mixed")
    assert told.layers == ("norm",) and told.numbers == {"types": "float32, float64", "common": "float32"}
    assert "types_mixed" not in names(check(small().half(), size=None))


def test_weights_without_data_are_told_with_their_device():
    module = small()
    module.head.to("meta")
    found = check(module, size=None)
    assert finding(found, "weights_without_data").layers == ("head",)
    assert finding(found, "devices_several").numbers == {"devices": "cpu, meta", "common": "cpu"}
    assert "devices_several" not in names(check(small(), size=None))


def test_weights_that_are_not_made_yet_are_told_and_nothing_breaks():
    module = nn.Sequential(nn.LazyConv2d(4, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(3))
    found = check(module)
    assert finding(found, "weights_not_made").layers == ("0", "3")
    module(torch.zeros(1, 3, 16, 16))
    assert "weights_not_made" not in names(check(module))


def test_shared_weights_are_good_to_know():
    module = Deep()
    module.layers[1].weight = module.layers[0].weight
    told = finding(check(trained(module)), "weights_shared")
    assert told.level == "info" and told.layers == ("layers.0", "layers.1") and told.numbers == {"parameters": 81}
    assert "weights_shared" not in names(check(trained(Deep())))


def test_a_spread_is_of_all_numbers():
    found = spread_of(torch.tensor([3.0, -4.0]))
    assert (found.low, found.high) == (-4, 3) and math.isclose(found.scale, math.sqrt(12.5))
    found = spread_of(torch.tensor([1.0, float("nan"), float("-inf")]))
    assert (found.nan, found.infinite) == (1, 1)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_numbers_of_other_precisions_are_read(dtype):
    found = spread_of(torch.tensor([300.0, -400.0], dtype=dtype))
    assert (found.low, found.high) == (-400, 300) and math.isclose(found.scale, math.sqrt(125_000), rel_tol=1e-2)


def test_numbers_of_eight_bits_are_left_out():
    module = small()
    module.head.weight = nn.Parameter(module.head.weight.detach().to(torch.float8_e4m3fn), requires_grad=False)
    assert not has_data(module.head.weight) and has_data(module.stem.weight)
    assert names(check(module, size=None), "error") == []
