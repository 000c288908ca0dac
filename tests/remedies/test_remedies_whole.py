"""The rung that trains all layers: it mends what the last block can't, and mirrors only where that changes no answer."""

import numpy as np
import pytest
import torch
import torch.nn as nn
from planted_ward import COUNT, SIDE, Cells, Colours, drawn, ward_of
from small_networks import SIDE as NET_SIDE
from small_networks import Normed, keras_model, opened

import seethrough as st
from seethrough.findings.canvas import Canvas
from seethrough.remedies.edit import edited
from seethrough.remedies.pool import made
from seethrough.remedies.rung import BLOCK, Edit, Ward
from seethrough.remedies.rungs import RUNGS, whole
from seethrough.remedies.rungs.choosing import exam_of
from seethrough.remedies.rungs.tail import tail_of
from seethrough.remedies.rungs.varied import same_mirrored
from seethrough.remedies.rungs.whole import EVERY
from seethrough.remedies.weights import block


class Early(Colours):
    """As `Colours`, but red and blue are one already behind the first layer, before the last block."""

    def __init__(self) -> None:
        super().__init__()
        self.first.weight.data = torch.tensor([1.0, 0.0, 1.6]).repeat(3, 1)[:, :, None, None].clone()
        self.third.weight.data = torch.tensor([1.0, 0.0, 0.0])[None, :, None, None].clone()


def warded(network: nn.Module, colours: bool) -> Ward:
    net = st.open(network.eval(), input_size=(3, SIDE, SIDE), preprocessing="unit")
    pictures, label, _ = drawn(COUNT, 0.85, colours)
    return ward_of(net, pictures, label)


@pytest.fixture(scope="module")
def early():
    return warded(Early(), True)


def marks_of(edit, ward):
    """Of an edited network, asked itself."""
    exam = exam_of(ward)
    canvas = Canvas(edited(ward.canvas.net, edit), ward.canvas.collection, None)
    asked = Ward(canvas, ward.facts, ward.faults, ward.learn, ward.choose)
    return exam.marks(canvas.features(made(asked, exam.pool.numbers, exam.pool.donors))[1])


def test_what_is_one_before_the_last_block_is_told_apart_by_all_layers_together(early, monkeypatch):
    monkeypatch.setattr(whole, "RATE", 0.03)  # a dozen numbers have a long way to go in few steps
    state = {k: v.clone() for k, v in early.canvas.net.module.state_dict().items()}
    assert "first.weight" not in block(early.canvas.net)
    of_block, of_whole = RUNGS["block"].attempt(early), RUNGS["whole"].attempt(early)
    before, partly, after = (marks_of(edit, early) for edit in (Edit(), of_block.edit, of_whole.edit))
    assert before.effect > 0.3 and partly.worst < 0.4
    assert after.worst > 0.8 and after.effect < 0.1
    assert RUNGS["whole"].changes == BLOCK and "first.weight" in of_whole.edit.weights and of_whole.settings["mirrored"]
    for control in of_whole.controls.values():
        assert marks_of(control, early).value < after.value - 0.05
    assert all(torch.equal(v, state[k]) for k, v in early.canvas.net.module.state_dict().items())


def test_pictures_are_mirrored_only_where_the_network_takes_both_for_the_same(early):
    tail = tail_of(early, EVERY)
    assert tail is not None and tail.is_whole and tail.across == 3 and same_mirrored(early)
    sided = warded(Cells(), False)  # it reads one corner
    assert not same_mirrored(sided)


def test_what_would_take_too_long_is_told(early, monkeypatch):
    assert RUNGS["whole"].unfit(early) is None
    monkeypatch.setattr(whole, "LONGEST", 0)
    assert RUNGS["whole"].unfit(early) == "too_long"


def test_a_network_without_an_inside_is_told():
    net = st.open(lambda x: np.asarray(x).mean((2, 3))[:, :2], input_size=(3, SIDE, SIDE), preprocessing="unit")
    pictures, label, _ = drawn(40, 0.85, False)
    assert RUNGS["whole"].unfit(ward_of(net, pictures, label)) in ("no_head", "no_block")


@pytest.mark.parametrize("framework", ["torch", "keras"])
def test_filters_lie_in_the_weights_own_memory_one_for_each_channel_that_they_make(framework):
    net = opened(Normed()) if framework == "torch" else st.open(keras_model(), preprocessing="unit")
    pictures = np.random.default_rng(0).integers(0, 256, (COUNT, NET_SIDE, NET_SIDE, 3), dtype=np.uint8)
    tail = tail_of(ward_of(net, pictures, np.arange(COUNT) % 2), EVERY)
    assert tail is not None and tail.is_whole
    own = {path: t.clone(memory_format=torch.preserve_format) for path, t in tail.own.items()}
    filters = tail.filters(own)
    assert sorted(len(each) for each in filters) == sorted(
        t.shape[0 if framework == "torch" else -1] for t in own.values() if t.dim() == 4
    )
    for each in filters:
        each[1:] = 0  # all but the first of each layer
    for path, t in own.items():
        if t.dim() == 4:
            there = t if framework == "torch" else t.movedim(-1, 0)
            first = tail.own[path] if framework == "torch" else tail.own[path].movedim(-1, 0)
            assert torch.equal(there[0], first[0]) and bool((there[1:] == 0).all())


def test_steps_that_are_steady_leave_filters_as_long_as_they_were(early, monkeypatch):
    monkeypatch.setattr(whole, "RATE", 0.03)
    found = RUNGS["whole"].attempt(early).edit.weights["first.weight"].flatten(1).norm(dim=1)
    own = early.canvas.net.module.first.weight.detach().flatten(1).norm(dim=1)
    assert torch.allclose(found, own, rtol=0.05)  # the running mean of such is a little shorter
