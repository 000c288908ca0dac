"""Shapes in and out: what a network takes and what it doesn't, how many outputs, how many names."""

import pytest
import torch.nn as nn
from checked_networks import Small, check, finding, names, small, trained

import seethrough as st
from seethrough.anatomy.checks.trial import nearest_sizes, step_of


class Halving(nn.Module):
    """Five halvings and five doublings with connections across: sides must be multiples of 32."""

    def __init__(self):
        super().__init__()
        self.down = nn.ModuleList(nn.Conv2d(3 if i == 0 else 4, 4, 3, 2, 1) for i in range(5))
        self.up = nn.ModuleList(nn.ConvTranspose2d(4, 4, 2, 2) for _ in range(5))
        self.last = nn.Conv2d(4, 2, 1)

    def forward(self, x):
        kept = []
        for layer in self.down:
            kept.append(x)
            x = layer(x).relu()
        for layer in self.up:
            x = layer(x)
            before = kept.pop()
            if x.shape[2:] != before.shape[2:]:
                raise ValueError(f"{tuple(x.shape[2:])} does not fit {tuple(before.shape[2:])}")
            x = x + before if before.shape[1] == 4 else x
        return self.last(x)


def flat():
    return trained(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 14 * 14, 3)))


def test_sides_that_go_in_steps_are_told_by_the_step_and_the_least():
    wrong = finding(check(trained(Halving()), input=(3, 30, 30)), "input_refused")
    assert wrong.level == "error" and wrong.numbers["step"] == 32 and wrong.numbers["least"] == [3, 32, 32]
    assert wrong.numbers["takes"][0] == [3, 32, 32]
    assert "does not fit" in wrong.numbers["reason"]
    found = check(trained(Halving()), input=(3, 64, 96))
    assert "input_refused" not in names(found)
    assert "multiples of 32, from 3×32×32 on" in str(check(trained(Halving()), input=(3, 30, 30)))


def test_torch_does_not_log_what_was_only_tried(caplog):
    class Fits(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = nn.Conv2d(3, 4, 3, stride=2), nn.Conv2d(3, 4, 2, stride=2)

        def forward(self, x):
            return (self.one(x) + self.two(x)).mean((2, 3))

    found = check(trained(Fits()), input=(3, 30, 30))
    assert "must match the size" in finding(found, "input_refused").numbers["reason"]
    assert not caplog.records


def test_a_network_of_one_size_names_that_size():
    found = check(flat(), input=(3, 20, 20))
    assert finding(found, "input_refused").numbers["takes"] == [[3, 16, 16]]
    assert "it takes 3×16×16" in str(found)
    assert names(check(flat(), input=(3, 16, 16)), "error") == []


def test_what_the_network_gives_is_then_told_of_its_own_size():
    claims = {c.name: c for c in check(flat(), input=(3, 20, 20), outputs=3).claims}
    assert claims["input"].verdict == "fails" and claims["outputs"].verdict == "holds"
    assert claims["wiring"].verdict == "holds"


def test_channels_at_the_wrong_end_are_recognised():
    found = check(flat(), input="16x16x3")
    assert finding(found, "input_axes").numbers["turned"] == [3, 16, 16]


def test_another_number_of_channels_is_refused_and_the_right_one_named():
    assert [3, 16, 16] in finding(check(small(), input=(1, 16, 16)), "input_refused").numbers["takes"]


def test_another_size_that_is_taken_is_good_to_know():
    found = check(small(), input=(3, 24, 20))
    assert finding(found, "input_differs").level == "info" and found.passed
    assert "input_differs" not in names(check(small(), input=(3, 16, 16)))


def test_one_number_is_the_side_of_a_square():
    for side in (24, "24"):
        claims = {c.name: c for c in check(small(), input=side).claims}
        assert claims["input"].meant == (3, 24, 24)
    lines = trained(nn.Sequential(nn.Linear(7, 9), nn.ReLU(), nn.Linear(9, 3)))
    assert finding(check(lines, size=(7,), input="8"), "input_refused").numbers["takes"] == [[7]]


def test_when_no_size_goes_that_is_said():
    class Never(Small):
        def forward(self, x):
            raise ValueError("out of order")

    found = check(small(Never), input=(3, 16, 16))
    assert finding(found, "input_refused").numbers == {
        "size": [3, 16, 16], "reason": "out of order", "takes": [], "step": None, "least": None,
        "tried": finding(found, "input_refused").numbers["tried"],
    }  # fmt: skip
    unchecked = {c.name: c for c in found.unchecked}
    assert set(unchecked) == {"outputs", "ending", "wiring"}


def test_where_an_input_is_refused_the_wiring_is_read_up_to_there():
    module = trained(nn.Sequential(*flat(), nn.ReLU(), nn.Linear(3, 3)))
    claims = {c.name: c for c in check(module, size=None, input=(3, 20, 20)).claims}
    assert claims["wiring"].verdict == "unchecked" and claims["wiring"].found == {"layers": 6, "used": 4}
    assert "in '3' at" in (claims["wiring"].unchecked or "")


def test_a_network_that_looks_at_values_is_asked_with_real_images_a_few_times():
    asked = []

    class Looks(Small):
        def forward(self, x):
            asked.append(tuple(x.shape[1:]))
            if float(x.sum()) != 0 or x.shape[2] != 16:
                raise ValueError("only black pictures of 16")
            return super().forward(x)

    wrong = finding(check(small(Looks), input=(3, 20, 20)), "input_refused")
    assert wrong.numbers["reason"] == "only black pictures of 16" and wrong.numbers["takes"] == [[3, 16, 16]]
    assert wrong.numbers["tried"] < 6 and len(asked) < 60


def test_outputs_are_counted_against_what_was_meant():
    assert finding(check(small(), outputs=4), "outputs_other").numbers == {"meant": 4, "outputs": 5}
    assert check(small(), outputs=5).passed


def test_outputs_with_places_are_their_channels():
    assert check(trained(Halving()), size=(3, 32, 32), outputs=2).passed


def test_of_several_outputs_the_logits_are_counted():
    class Two(Small):
        def forward(self, x):
            y = self.features(x)
            return {"features": y, "logits": self.head(y)}

    claims = {c.name: c for c in check(small(Two), outputs=5).claims}
    assert claims["outputs"].verdict == "holds"
    assert claims["outputs"].found["shapes"] == {"features": [16], "logits": [5]}


def test_boxes_are_no_outputs_to_be_counted():
    net = st.open(small(), input_size=(3, 16, 16), task="detection", classes=["cat", "dog"])
    assert {c.name for c in net.check().claims} == {"input", "ending", "wiring", "weights", "training"}
    claims = {c.name: c for c in net.check(outputs=5, classes=["cat"]).claims}
    assert claims["outputs"].unchecked == claims["classes"].unchecked == "boxes"
    assert not net.check(outputs=5).passed


def test_names_of_classes_are_counted_against_the_outputs():
    found = check(small(), classes=["a", "b"])
    assert finding(found, "classes_other").numbers == {"names": 2, "outputs": 5}
    assert check(small(), classes=list("abcde")).passed
    assert "classes" not in {c.name for c in check(small()).claims}


def test_keras_sizes_are_in_its_own_layout():
    keras = pytest.importorskip("keras", reason="keras isn't installed")
    layers = keras.layers
    entry = keras.Input((16, 12, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(entry))
    model = keras.Model(entry, layers.Dense(2)(x))
    assert finding(check(model, size=None, input="3x16x12"), "input_axes").numbers["turned"] == [16, 12, 3]
    assert finding(check(model, size=None, input="30x30x3"), "input_refused").numbers["takes"] == [[16, 12, 3]]
    assert check(model, size=None, input="16x12x3", outputs=2).passed


def test_a_step_is_said_only_where_it_is_what_tells_sizes_apart():
    taken, refused = [(32, 32), (64, 64), (96, 96)], [(30, 30), (299, 299), (48, 48)]
    assert step_of(taken, refused) == 32
    assert step_of(taken, [*refused, (128, 128)]) is None
    assert step_of(taken[:2], refused) is None
    assert step_of(taken, [(16, 16)]) is None  # too small is another reason


def test_the_nearest_sizes_are_near_by_ratio():
    assert nearest_sizes((3, 30, 30), [(3, 64, 64), (3, 32, 32), (3, 16, 16)], 2) == [(3, 32, 32), (3, 16, 16)]
