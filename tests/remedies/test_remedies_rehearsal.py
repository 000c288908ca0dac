"""What health advises is tried with and without, on networks of which it is known what ails them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn as nn

import seethrough as st
from seethrough.condition.findings import Finding
from seethrough.datasets.collection import collect
from seethrough.errors import InputRefused, NetworkRefused, UsageError
from seethrough.images import preprocessing_named
from seethrough.remedies.rehearsal import layers
from seethrough.remedies.rehearsal.anew import anew
from seethrough.remedies.rehearsal.changes import CHANGES, Arm, Change, possible
from seethrough.remedies.rehearsal.pictures import material_of
from seethrough.remedies.rehearsal.rehearse import BETTER, _over_pictures_and_seeds, rehearse

SIDE = 32


def network(step: int = 4, last: nn.Module | None = None) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 5, step, 2), nn.Sigmoid(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), last or nn.Linear(8, 2),
    ).eval()  # fmt: skip


def between(count: int, seed: int = 0):
    """What tells the two apart lies on pixels that windows of 2 at a stride of 4 step over."""
    chance = np.random.default_rng(seed)
    made = chance.normal(110, 20, (count, SIDE, SIDE, 3))
    for k in range(count):
        for row, column in ((2, 2), (2, 3), (3, 2), (3, 3)):
            made[k, row::4, column::4] += 90 * (1 if k % 2 else -1)
    return np.clip(made, 0, 255).astype(np.uint8), [str(k % 2) for k in range(count)]


def blind() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 16, 2, 4), nn.ReLU(), nn.Conv2d(16, 8, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(8, 2),
    ).eval()  # fmt: skip


def opened(module):
    as_it_is = replace(preprocessing_named("unit"), resize_to=SIDE)  # a resized picture smears into what windows see
    return st.open(module, input_size=(3, SIDE, SIDE), preprocessing=as_it_is, classes=["0", "1"])


def test_the_architecture_begins_anew_the_same_for_a_seed_and_the_network_stays():
    net = opened(network())
    before = {k: v.clone() for k, v in net.module.state_dict().items()}
    first, again, other = anew(net, 1), anew(net, 1), anew(net, 2)
    assert torch.equal(first[0].weight, again[0].weight) and not torch.equal(first[0].weight, other[0].weight)
    assert all(torch.equal(v, before[k]) for k, v in net.module.state_dict().items()) and not net.module.training


def under_one_vignette(count: int):
    """Patches of their own colours in one light, which alone decides where a grey picture gets brighter."""
    chance, at = np.random.default_rng(0), np.linspace(-1, 1, SIDE)
    dark = 1 - 0.5 * (at[:, None] ** 2 + at**2)[..., None]
    for _ in range(count):
        colours = np.kron(chance.uniform(-70, 70, (4, 4, 3)), np.ones((8, 8, 1)))
        colours -= (colours @ [0.299, 0.587, 0.114])[..., None]
        yield ((140 + colours) * dark).clip(0, 255).astype(np.uint8)


def test_pictures_that_share_a_vignette_are_drawn_into_both_parts_and_twins_into_one():
    pictures = list(under_one_vignette(120))
    twice = [*pictures, *pictures[:20]]
    truth = [str(k % 2) for k in range(len(twice))]
    _, material = material_of(opened(network()), collect(twice, truth=truth), None, 0)
    assert len(material.x) + len(material.held_x) == 140 and 40 <= len(material.held_x) <= 44
    apart = (material.x[:, None] - material.held_x).abs().amax((2, 3, 4))
    assert apart.min() > 0


def test_a_network_that_does_not_say_how_its_weights_begin_is_refused():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.ones(3, 2))

        def forward(self, x):
            return x.mean((2, 3)) @ self.w

    with pytest.raises(NetworkRefused, match="reset_parameters"):
        anew(opened(Own().eval()), 0)
    with pytest.raises(NetworkRefused, match="only PyTorch and Keras"):
        anew(st.open(lambda x: x.mean((2, 3))[:, :2], input_size=(3, SIDE, SIDE), preprocessing="unit"), 0)


def test_a_low_pass_filter_strides_in_the_layers_place_with_as_many_places():
    conv = nn.Conv2d(3, 4, 5, 3, 2)
    x = torch.rand(2, 3, 31, 29)
    blurred = layers.Blurred(layers.at_stride_1(conv), (3, 3))
    assert blurred(x).shape == conv(x).shape
    dense = nn.functional.conv2d(x, conv.weight, conv.bias, 1, 2)
    at = dense[:, :, 2:5, 5:8]  # around the place (1, 2) of the strided map
    kernel = torch.outer(torch.tensor(layers.BINOMIAL), torch.tensor(layers.BINOMIAL))
    assert torch.allclose(blurred(x)[:, :, 1, 2], (at * kernel).sum((2, 3)), atol=1e-6)


@pytest.mark.parametrize("advice", sorted(set(CHANGES) - {"other_activation"}))
def test_every_change_leaves_a_network_that_answers_and_all_other_weights(advice):
    arm = Arm(network(), "torch")
    finding = Finding("x", "warning", "0", numbers={"directions": 3})
    changed = CHANGES[advice](Change(advice, finding, ("0", "1")), arm)
    assert changed.module(torch.rand(2, 3, SIDE, SIDE)).shape == (2, 2)
    assert torch.equal(changed.module[2].weight, arm.module[2].weight) and changed.module[2] is not arm.module[2]
    assert type(arm.module[0]) is nn.Conv2d and arm.module[0].stride == (4, 4)


def test_an_activation_behind_the_layer_is_exchanged():
    arm = CHANGES["other_activation"](
        Change("other_activation", Finding("saturation", "warning", "0"), ("0", "1")), Arm(network(), "torch")
    )
    assert isinstance(arm.module[1], nn.ReLU)


def test_filters_are_held_to_a_radius():
    arm = CHANGES["clip_rms"](Change("clip_rms", Finding("dominating", "warning", "0")), Arm(network(), "torch"))
    with torch.no_grad():
        arm.module[0].weight[3] *= 100
    before = arm.module[0].weight.clone()
    arm.after[0]()
    rms = arm.module[0].weight.square().flatten(1).mean(1).sqrt()
    assert rms.max() <= 2.001 * before.square().flatten(1).mean(1).sqrt().median()
    assert torch.equal(arm.module[0].weight[0], before[0])


def test_a_change_after_which_layers_do_not_fit_is_told_and_not_tried():
    flat = nn.Sequential(nn.Conv2d(3, 4, 5, 4, 2), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 64, 2)).eval()
    change = Change("smaller_stride", Finding("aliasing", "warning", "0"))
    error = possible(change, Arm(flat, "torch"), torch.rand(2, 3, SIDE, SIDE))
    assert error is not None and "don't fit each other" in str(error)
    assert possible(change, Arm(network(), "torch"), torch.rand(2, 3, SIDE, SIDE)) is None


def test_an_interval_over_trainings_and_pictures_is_wider_than_over_pictures_alone():
    chance = np.random.default_rng(0)
    same = np.repeat(chance.integers(-1, 2, (1, 200)) * 100.0, 3, 0)
    apart = same + np.array([[-20.0], [0.0], [20.0]])
    narrow, wide = _over_pictures_and_seeds(same, 0), _over_pictures_and_seeds(apart, 0)
    none = _over_pictures_and_seeds(0 * same, 0)
    assert (none.low, none.high) == (-1.5, 1.5)
    assert wide.high - wide.low > 1.3 * (narrow.high - narrow.low) and abs(wide.value - narrow.value) < 1e-9


def test_the_stride_that_throws_the_classes_away_is_found_and_a_smaller_one_is_better(tmp_path):
    pictures, classes = between(160)
    net = opened(blind())
    said = []
    found = rehearse(
        net, pictures, truth=classes, advice=["smaller_stride", "blur_before"], seeds=2, steps=120, folder=tmp_path,
        progress=lambda what, done, of: said.append((what, done, of)),
    )  # fmt: skip
    by_name = {t.advice: t for t in found.tried}
    assert by_name["smaller_stride"].finding == "aliasing" and by_name["smaller_stride"].layer == "0"
    assert len(by_name["smaller_stride"].without) == 2 and by_name["smaller_stride"].difference.n == found.held
    kept = sorted(p.name for p in (tmp_path / "rehearsed").iterdir())
    again = rehearse(
        net, pictures, truth=classes, advice=["smaller_stride", "blur_before"], seeds=2, steps=120, folder=tmp_path
    )
    assert again.to_dict() == found.to_dict() and kept == sorted(p.name for p in (tmp_path / "rehearsed").iterdir())
    assert said[-1][1] == said[-1][2] == 2 * (1 + len(found.tried))
    better = by_name["smaller_stride"]
    assert better.verdict == BETTER and better.difference.low > 20 and max(better.without) < 0.7
    assert 0 < max(better.fault_with) < min(better.fault_without)


def test_too_few_pictures_and_unknown_advice_are_refused():
    pictures, classes = between(20)
    with pytest.raises(InputRefused, match="too few"):
        rehearse(opened(network()), pictures, truth=classes, steps=1)
    with pytest.raises(UsageError, match="smaller_stride"):
        rehearse(opened(network()), pictures, truth=classes, advice=["smaller_strid"], steps=1)


def keras_network():
    keras = pytest.importorskip("keras")
    given = keras.Input((SIDE, SIDE, 3))
    x = keras.layers.Conv2D(6, 5, strides=4, padding="same", activation="tanh", name="first")(given)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.Conv2D(4, 3, padding="same", activation="relu", name="second")(x)
    return keras.Model(
        given, keras.layers.Dense(2, activation="softmax", name="head")(keras.layers.GlobalAveragePooling2D()(x))
    )


@pytest.mark.parametrize("advice", sorted(CHANGES))
def test_every_change_of_a_keras_model_leaves_one_that_answers_and_all_other_weights(advice):
    model = keras_network()
    arm = Arm(model, "keras")
    finding = Finding("x", "warning", "first", numbers={"directions": 3})
    changed = CHANGES[advice](Change(advice, finding, ("first", "norm")), arm)
    assert tuple(changed.module(torch.rand(2, SIDE, SIDE, 3)).shape) == (2, 2)
    for name in ("second", "head"):
        own, theirs = model.get_layer(name).get_weights(), changed.module.get_layer(name).get_weights()
        assert all(np.array_equal(a, b) for a, b in zip(own, theirs))
    first = {layer.name: layer for layer in model.layers}["first"]
    assert first.strides == (4, 4) and first.activation.__name__ == "tanh"


def test_a_keras_model_begins_anew_and_learns_the_same_each_time():
    from seethrough.remedies.rehearsal.training import Material, right, trained

    pictures, classes = between(80)
    x, y = torch.from_numpy(pictures).permute(0, 3, 1, 2) / 255, torch.tensor([int(k) for k in classes])
    material = Material(x[:60], y[:60], x[60:], y[60:], "softmax", "keras", True)
    net = st.open(keras_network(), preprocessing="unit", classes=["0", "1"])
    arms = [Arm(anew(net, seed), "keras") for seed in (1, 1, 2)]
    for arm in arms:
        trained(arm, material, 6, 0)
    first, again, other = ([w.copy() for w in arm.module.get_weights()] for arm in arms)
    assert all(np.array_equal(a, b) for a, b in zip(first, again)) and not np.array_equal(first[0], other[0])
    moved = arms[0].module.get_layer("norm").moving_mean
    assert float(abs(moved.value).max()) > 0 and len(right(arms[0], material)) == 20


def test_a_rehearsal_is_told_in_both_languages_and_written(tmp_path):
    from seethrough.findings.statistics import Interval
    from seethrough.remedies.rehearsal.rehearse import NO_DIFFERENCE, WORSE, Rehearsal, Tried
    from seethrough.show import rehearsal_words as words

    each = [
        Tried(
            advice,
            "0",
            "aliasing",
            (0.5, 0.6),
            (0.7, 0.8),
            Interval(d, d - 4, d + 4, 50),
            verdict,
            (0.4, 0.4),
            (0.1, 0.0),
            1.5,
        )
        for advice, d, verdict in (
            ("smaller_stride", 20.0, BETTER),
            ("blur_before", 1.0, NO_DIFFERENCE),
            ("clip_rms", -9.0, WORSE),
        )
    ]
    found = Rehearsal("net", tuple(each), (("prune_dead", "3", "not_a_change"),), 100, 64, 200, 50, 2)
    assert "20 of 100" in words.said(each[0]).en and "9.0 of 100 pictures fewer" in words.said(each[2]).en
    page = found.save(tmp_path / "rehearsal.html").read_text()
    assert "half the stride" in page and "步幅减半" in page and "trims a network" in page
    assert set(words.BY_NAME) == set(CHANGES)
