"""What trains against what was meant to: patterns, containers, shared weights, Keras' layers within layers."""

import pytest
import torch
import torch.nn as nn
from checked_networks import Small, check, finding, names, small, trained


def test_frozen_layers_that_train_are_counted_and_listed():
    module = small()
    module.stem.weight.requires_grad_(False)
    found = check(module, frozen=["stem", "norm"])
    wrong = finding(found, "frozen_trains")
    assert wrong.layers == ("stem", "norm") and wrong.numbers["parameters"] == 8 + 16  # stem's bias, norm's two
    module.stem.requires_grad_(False), module.norm.requires_grad_(False)
    assert check(module, frozen=["stem", "norm"]).passed


def test_trainable_layers_that_are_frozen_are_counted_and_listed():
    module = small()
    module.head.bias.requires_grad_(False)
    wrong = finding(check(module, trainable=["head"]), "trainable_frozen")
    assert wrong.layers == ("head",) and wrong.numbers["parameters"] == 5
    assert "trainable_frozen" not in names(check(small(), trainable=["head"]))


def test_running_statistics_are_nothing_to_train():
    module = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    assert check(trained(module), trainable=["*"]).passed


def test_a_pattern_that_names_a_container_covers_what_is_inside():
    module = small()
    found = check(module, frozen=["block"])
    assert finding(found, "frozen_trains").layers == ("block.0",)
    assert names(check(module, frozen=["bloc"]), "error") == ["pattern_fits_nothing"]


def test_a_pattern_that_fits_nothing_is_a_misunderstanding_and_the_nearest_are_named():
    found = check(small(), frozen=["stm"], trainable=["haed*"])
    first, second = (f for f in found.findings if f.name == "pattern_fits_nothing")
    assert first.level == second.level == "error"
    assert (first.numbers["pattern"], first.numbers["nearest"]) == ("stm", "stem")
    assert second.numbers["nearest"] == "head"
    assert "nearest: stem" in str(found)


def test_a_pattern_that_names_only_layers_without_parameters_is_doubtful():
    assert finding(check(small(), frozen=["block.1"]), "pattern_without_parameters").layers == ("block.1",)
    assert "pattern_without_parameters" not in names(check(small(), frozen=["block.*"]))


def test_what_is_meant_to_be_both_is_told_once_and_judged_by_neither():
    module = small()
    module.stem.requires_grad_(False)
    found = check(module, frozen=["stem", "h*"], trainable=["head", "block"])
    assert names(found, "error") == ["meant_both"] and finding(found, "meant_both").layers == ("head",)


def test_what_no_pattern_names_is_good_to_know():
    module = small()
    module.norm.requires_grad_(False)
    found = check(module, trainable=["head"])
    assert finding(found, "unnamed_train").layers == ("stem", "block.0")
    assert finding(found, "unnamed_frozen").layers == ("norm",)
    assert found.passes(strict=True) or names(found, "warning") == []
    assert "unnamed_train" not in names(check(small()))


def test_a_weight_that_is_shared_with_a_layer_that_trains_is_explained():
    class Tied(Small):
        def __init__(self):
            super().__init__()
            self.again = nn.Linear(16, 5)
            self.again.weight = self.head.weight

        def forward(self, x):
            return super().forward(x) + self.again(self.features(x))

    module = Tied()
    with torch.no_grad():
        for p in module.parameters():
            p.normal_(0, 0.1)
    found = check(module.eval(), frozen=["again"])
    assert finding(found, "frozen_shared").layers == ("again", "head")
    assert finding(found, "frozen_trains").layers == ("again",)
    module.head.weight.requires_grad_(False), module.again.bias.requires_grad_(False)
    assert "frozen_shared" not in names(check(module, frozen=["again"]))


def test_a_tensor_beside_the_layers_is_named_by_its_own_name():
    class Token(Small):
        def __init__(self):
            super().__init__()
            self.token = nn.Parameter(torch.zeros(1, 16))

        def forward(self, x):
            return self.head(self.features(x) + self.token)

    found = check(small(Token), frozen=["token"])
    assert finding(found, "frozen_trains").layers == ("token",)


@pytest.fixture
def nested():
    keras = pytest.importorskip("keras", reason="keras isn't installed")
    layers = keras.layers
    inner = keras.Sequential([layers.Conv2D(4, 3, name="c"), layers.BatchNormalization(name="n")], name="inner")
    entry = keras.Input((16, 16, 3))
    x = layers.GlobalAveragePooling2D(name="mean")(inner(entry))
    return keras.Model(entry, layers.Dense(3, name="head")(x))


def test_keras_layers_within_layers_are_frozen_with_what_is_around_them(nested):
    nested.get_layer("inner").trainable = False
    found = check(nested, size=None, frozen=["inner"], trainable=["head"])
    assert names(found, "error") == []
    nested.get_layer("inner").get_layer("c").trainable = True
    nested.get_layer("inner").trainable = True
    nested.get_layer("inner").get_layer("n").trainable = False
    found = check(nested, size=None, frozen=["inner"])
    assert finding(found, "frozen_trains").layers == ("inner/c",)
    assert finding(found, "frozen_trains").numbers["parameters"] == 3 * 3 * 3 * 4 + 4


def test_keras_statistics_do_not_count_as_frozen_weights(nested):
    assert "trainable_frozen" not in names(check(nested, size=None, trainable=["*"]))
    nested.get_layer("inner").get_layer("n").trainable = False
    wrong = finding(check(nested, size=None, trainable=["inner/*"]), "trainable_frozen")
    assert wrong.layers == ("inner/n",) and wrong.numbers["parameters"] == 8  # gamma and beta
