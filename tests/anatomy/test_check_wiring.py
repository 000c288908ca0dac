"""What nothing uses, what no output depends on, what doesn't depend on the image, and how a network ends."""

import pytest
import torch
import torch.nn as nn
from checked_networks import Small, check, finding, names, small, trained
from torch.nn import functional as F

WIRING = {"layers_not_used", "layers_not_used_empty", "dead_branch", "weights_not_used", "outputs_without_image"}


def faults(module, **more):
    return WIRING & set(names(check(module, **more)))


class Extra(Small):
    """With one layer beside, which subclasses do something with."""

    def __init__(self):
        super().__init__()
        self.extra = nn.Linear(16, 16)


def test_a_layer_that_is_never_called_is_told_with_its_parameters():
    told = finding(check(small(Extra)), "layers_not_used")
    assert told.level == "warning" and told.layers == ("extra",) and told.numbers == {"parameters": 16 * 16 + 16}


def test_a_layer_that_only_training_calls_is_told_apart():
    class Helped(Extra):
        def forward(self, x):
            x = self.features(x)
            return (self.head(x), self.extra(x)) if self.training else self.head(x)

    found = check(small(Helped))
    assert finding(found, "layers_of_training").layers == ("extra",) and "layers_not_used" not in names(found)
    assert not found.to_dict()["warnings"]


def test_a_layer_without_parameters_that_is_never_called_is_good_to_know():
    module = small()
    module.spare = nn.ReLU()
    assert finding(check(module), "layers_not_used_empty").level == "info"
    assert faults(module) == {"layers_not_used_empty"}


def test_a_layer_whose_result_nobody_takes_is_a_dead_branch():
    class Dead(Extra):
        def forward(self, x):
            x = self.features(x)
            self.extra(x)
            return self.head(x)

    found = check(small(Dead))
    assert finding(found, "dead_branch").layers == ("extra",) and "layers_not_used" not in names(found)

    class Alive(Extra):
        def forward(self, x):
            x = self.features(x)
            return self.head(x + self.extra(x))

    assert faults(small(Alive)) == set()


def test_a_branch_of_several_layers_is_dead_from_where_it_parts():
    class Aside(Small):
        def __init__(self):
            super().__init__()
            self.side = nn.Sequential(nn.Linear(16, 4), nn.ReLU(), nn.Linear(4, 2))

        def forward(self, x):
            x = self.features(x)
            self.side(x).softmax(1)
            return self.head(x)

    assert finding(check(small(Aside)), "dead_branch").layers == ("side.0", "side.1", "side.2")


def test_an_auxiliary_output_is_no_dead_branch():
    class Two(Extra):
        def forward(self, x):
            x = self.features(x)
            return {"logits": self.head(x), "auxiliary": self.extra(x)}

    assert faults(small(Two)) == set()


def test_single_weights_that_no_output_depends_on_are_named():
    class Beside(Small):
        def __init__(self):
            super().__init__()
            self.gain = nn.Parameter(torch.ones(5))
            self.head.spare = nn.Parameter(torch.ones(7))

        def forward(self, x):
            return super().forward(x)

    told = finding(check(small(Beside)), "weights_not_used")
    assert told.layers == ("gain", "head") and told.numbers == {"names": "gain, spare", "parameters": 12}

    class Used(Beside):
        def forward(self, x):
            return super().forward(x) * self.gain + self.head.spare[:5]

    assert faults(small(Used)) == set()


@pytest.mark.parametrize("how", ["product", "normed", "functional", "tied", "parametrized"])
def test_weights_that_are_used_in_another_way_than_by_calling_their_layer_are_used(how):
    class Ways(Extra):
        def forward(self, x):
            x = self.features(x)
            weight = self.extra.weight
            if how == "product":
                weight = weight * self.extra.bias
            elif how == "normed":
                weight = F.normalize(weight, dim=1) + self.extra.bias
            elif how == "tied":
                return self.head(F.linear(x, self.extra.weight.t(), self.extra.bias))
            elif how == "parametrized":
                return self.head(self.extra(x))
            return self.head(F.linear(x, weight, self.extra.bias))

    module = small(Ways)
    if how == "parametrized":
        torch.nn.utils.parametrizations.weight_norm(module.get_submodule("extra"))
    assert faults(module) == set()


def test_attention_uses_the_projection_that_it_does_not_call():
    layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)

    class Attending(Small):
        def __init__(self):
            super().__init__()
            self.encoder = layer

        def forward(self, x):
            return self.head(self.encoder(self.features(x)[:, None]).mean(1))

    assert faults(small(Attending)) == set()


def test_what_a_scripted_network_does_inside_is_used():
    assert faults(torch.jit.script(small())) == set()


def test_layers_that_are_called_again_and_by_other_names_are_used():
    class Again(Small):
        def __init__(self):
            super().__init__()
            self.alias, self.conv = self.stem, nn.Conv2d(8, 8, 3, padding=1)

        def features(self, x):
            x = self.conv(self.conv(self.alias(x)))
            return self.block(self.norm(x)).mean((2, 3))

    assert faults(small(Again)) == set()


def test_an_output_without_a_path_from_the_image_is_named():
    class Constant(Extra):
        def forward(self, x):
            return {"logits": super().forward(x), "prior": self.extra.bias.expand(len(x), 16)}

    told = finding(check(small(Constant)), "outputs_without_image")
    assert told.level == "error" and told.numbers == {"names": "prior", "outputs": 1}

    class Moved(Extra):
        def forward(self, x):
            y = super().forward(x)
            return {"logits": y, "prior": self.extra.bias.expand(len(x), 16) + y.mean()}

    assert "outputs_without_image" not in names(check(small(Moved)))


def test_a_network_whose_only_output_has_no_path_from_the_image_is_told():
    class Blind(Small):
        def forward(self, x):
            return self.head(torch.ones(len(x), 16))

    assert {"outputs_without_image", "answers_alike"} & set(names(check(small(Blind)), "error"))


# --- the end ----------------------------------------------------------------------------------------------------------


def ending(*last, size=(3, 16, 16), outputs=5):
    layers = [nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, outputs), *last]
    return check(trained(nn.Sequential(*layers)), size=size)


def test_two_softmaxes_are_one_too_many():
    told = finding(ending(nn.Softmax(1), nn.Softmax(1)), "ends_twice")
    assert told.numbers == {"last": "softmax", "before": "softmax"} and told.layers == ("5", "6")
    assert "ends_twice" in names(ending(nn.Sigmoid(), nn.Softmax(1)))
    assert "ends_twice" not in names(ending(nn.Softmax(1)))
    assert "ends_twice" not in names(ending(nn.Softmax(1), nn.Linear(5, 5), nn.Softmax(1)))


def test_an_end_without_softmax_is_good_to_know_and_one_with_it_is_nothing_to_tell():
    assert finding(ending(), "ends_in_logits").level == "info"
    claims = {c.name: c for c in ending(nn.Softmax(1)).claims}
    assert claims["ending"].found == {"activation": "softmax"} and claims["ending"].findings == ()


def test_a_softmax_of_one_output_is_always_1():
    assert finding(ending(nn.Softmax(1), outputs=1), "softmax_of_one").level == "error"
    assert "softmax_of_one" not in names(ending(nn.Softmax(1), outputs=2))
    assert "softmax_of_one" not in names(ending(nn.Sigmoid(), outputs=1))


def test_a_rectifier_at_the_end_is_doubtful():
    assert finding(ending(nn.ReLU()), "ends_in_rectifier").layers == ("5",)
    assert "ends_in_rectifier" not in names(ending(nn.Tanh()))


# --- Keras ------------------------------------------------------------------------------------------------------------


def test_keras_models_with_layers_within_layers_are_read_as_well():
    keras = pytest.importorskip("keras", reason="keras isn't installed")
    layers = keras.layers

    class Own(keras.Model):
        def __init__(self, use):
            super().__init__()
            self.use, self.inner = use, keras.Sequential([layers.Conv2D(4, 3, name="c"), layers.BatchNormalization()])
            self.spare, self.dead = layers.Dense(3, name="spare"), layers.Dense(3, name="dead")
            self.head = layers.Dense(3, name="head")

        def call(self, x):
            x = keras.ops.mean(self.inner(x), axis=(1, 2))
            side = self.dead(x)
            return self.head(x) + side + self.spare(x) if self.use else self.head(x)

    def built(use):
        model = Own(use)
        model.spare.build((None, 4))
        model(torch.zeros(1, 16, 16, 3))
        return model

    model = built(use=False)
    found = check(model, size=(16, 16, 3))
    assert finding(found, "layers_not_used").layers == ("spare",)
    assert finding(found, "dead_branch").layers == ("dead",)
    model = built(use=True)
    assert faults(model, size=(16, 16, 3)) == set()


def test_a_keras_weight_that_is_multiplied_as_it_is_is_used():
    keras = pytest.importorskip("keras", reason="keras isn't installed")

    class Scale(keras.layers.Layer):
        def build(self, shape):
            self.gamma = self.add_weight(shape=shape[-1:], initializer="ones", name="gamma")
            self.spare = self.add_weight(shape=(3,), initializer="ones", name="spare")

        def call(self, x):
            return x * self.gamma

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4), Scale(name="scale")])
    told = finding(check(model, size=None), "weights_not_used")
    assert told.layers == ("scale",) and told.numbers == {"names": "spare", "parameters": 3}


def test_keras_ends_are_read_through_its_own_layers():
    keras = pytest.importorskip("keras", reason="keras isn't installed")
    layers = keras.layers

    def model(outputs, *last):
        return keras.Sequential([keras.Input((4,)), layers.Dense(outputs, activation="softmax", name="head"), *last])

    assert "ends_twice" in names(check(model(3, layers.Softmax()), size=None))
    assert "softmax_of_one" in names(check(model(1), size=None))
    assert not {"ends_twice", "softmax_of_one"} & set(names(check(model(3), size=None)))
