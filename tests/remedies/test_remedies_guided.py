"""The end of a network as a function of its weights, and what is learned there that no last layer can tell apart."""

import numpy as np
import pytest
import torch
import torch.nn as nn
from planted_ward import SIDE, drawn, planted, ward_of
from small_networks import Normed, keras_model, opened
from torch.func import functional_call

import seethrough as st
from seethrough.findings.canvas import Canvas
from seethrough.remedies.edit import edited
from seethrough.remedies.pool import Pool, learning, made
from seethrough.remedies.rung import BLOCK, Edit, Ward
from seethrough.remedies.rungs import RUNGS
from seethrough.remedies.rungs import guided as guiding
from seethrough.remedies.rungs import tail as tails
from seethrough.remedies.rungs.block import both_rows
from seethrough.remedies.rungs.choosing import balanced, exam_of
from seethrough.remedies.rungs.fitting import last_of
from seethrough.remedies.rungs.guided import Moved, beside_of, loss_of, patterns
from seethrough.remedies.rungs.tail import features_of, rows_of, tail_of
from seethrough.remedies.rungs.training import Course, Step, trained
from seethrough.remedies.weights import block

RUN = ("block", "guided")


def small_ward(net, count=40):
    pictures, label, _ = drawn(count, 0.85, False)
    return ward_of(net, pictures, label)


@pytest.fixture(scope="module")
def colours():
    """A ward, what each rung made of it, and its exam."""
    ward, _, net = planted("colours", masks=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(guiding, "ENERGIES", (1.0,))  # half of what is tried
        return ward, net, {name: RUNGS[name].attempt(ward) for name in RUN}, exam_of(ward)


def marks_of(net, edit, ward):
    """Of an edited network, asked itself."""
    exam = exam_of(ward)
    canvas = Canvas(edited(net, edit), ward.canvas.collection, ward.canvas.foreground)
    asked = Ward(canvas, ward.facts, ward.faults, ward.learn, ward.choose)
    logits = canvas.features(made(asked, exam.pool.numbers, exam.pool.donors))[1]
    return exam.marks(logits)


@pytest.mark.parametrize("framework", ["torch", "keras"])
def test_a_tail_gives_the_networks_own_features_with_its_own_weights_and_others(framework):
    net = opened(Normed()) if framework == "torch" else st.open(keras_model(), preprocessing="unit")
    ward = small_ward(net)
    tail = tail_of(ward)
    assert tail is not None and set(tail.own) == set(block(net))
    x = ward.canvas.load(ward.learn[:9]).x
    values = tail.values(x)
    own = ward.canvas.features(x)[0]
    assert np.allclose(tail.features(values, tail.own).numpy(), own, atol=1e-5)
    assert np.allclose(tail.features(values, {}).numpy(), own, atol=1e-5)
    chance = torch.Generator().manual_seed(0)
    others = {path: p + 0.1 * torch.randn(p.shape, generator=chance) for path, p in tail.own.items()}
    again = Canvas(edited(net, Edit(weights=others)), ward.canvas.collection)
    given = again.features(x)[0]
    assert np.allclose(tail.features(values, others).numpy(), given, atol=1e-4)
    assert np.abs(given - own).max() > 1e-3


def test_its_gradients_are_those_of_the_module():
    module = Normed().eval()
    net = opened(module)
    ward = small_ward(net)
    tail = tail_of(ward)
    assert tail is not None
    x = ward.canvas.load(ward.learn[:5]).x
    weights = {path: p.clone().requires_grad_(True) for path, p in tail.own.items()}
    head = module.head.weight.detach()
    ours = torch.autograd.grad((tail.features(tail.values(x), weights) @ head.T)[:, 1].sum(), list(weights.values()))
    again = {path: p.clone().requires_grad_(True) for path, p in tail.own.items()}
    out = functional_call(module, again, (ward.canvas.as_seen(x),))
    theirs = torch.autograd.grad(out[:, 1].sum(), list(again.values()))
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(ours, theirs))


def test_equal_kernels_are_told_apart_by_the_layer_that_uses_them():
    import keras

    given = keras.Input((SIDE, SIDE, 3))
    x = keras.layers.Conv2D(4, 3, strides=2, activation="relu")(given)
    for name in ("one", "two"):
        x = keras.layers.Conv2D(4, 3, activation="relu", use_bias=False, name=name)(x)
    model = keras.Model(given, keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(x)))
    model.get_layer("two").set_weights(model.get_layer("one").get_weights())
    tail = tail_of(small_ward(st.open(model, preprocessing="unit")))
    assert tail is not None
    used = {tail.steps[k].layer: use.path for (k, _), use in tail.uses.items()}
    assert used and all(path == f"{layer}/kernel" for layer, path in used.items())


@pytest.mark.parametrize("name", RUN)
def test_what_no_last_layer_can_tell_apart_the_block_learns_to(colours, name):
    ward, net, found, exam = colours
    head = RUNGS["exchanged"].attempt(ward)
    assert marks_of(net, head.edit, ward).worst < 0.4
    before, after = exam.marks(exam.pool.logits), marks_of(net, found[name].edit, ward)
    assert RUNGS[name].changes == BLOCK and before.worst < 0.1 and before.effect > 0.35
    assert after.worst > 0.85 and after.effect < 0.06
    assert found[name].settings["worst"] == pytest.approx(after.worst, abs=0.02)
    assert set(found[name].edit.weights) <= {*block(net), "read.weight", "read.bias"}


@pytest.mark.parametrize("name", RUN)
def test_controls_of_a_block_mend_less(colours, name):
    ward, net, found, _ = colours
    own = marks_of(net, found[name].edit, ward)
    for control in found[name].controls.values():
        assert marks_of(net, control, ward).value < own.value - 0.02


def test_a_pattern_is_what_the_exchange_moves(colours):
    """In the picture's blue corner and nowhere else, by about what marks differ."""
    ward, _, _, _ = colours
    tail, last = tail_of(ward), last_of(ward)
    assert tail is not None and last is not None
    rows, _ = both_rows(ward, tail)
    (moved,) = patterns(ward, last, rows, rows.pool.donor_classes)
    assert moved.pattern.shape[-2:] == (SIDE, SIDE)
    inside = moved.pattern[2, :5, :5]
    outside = moved.pattern.clone()
    outside[2, :7, :7] = 0
    assert inside.mean() > 0.3 and outside.abs().mean() < 0.02


def test_the_penalty_is_the_square_of_what_the_aspect_moves_to_first_order():
    """On one linear layer: λ · ((w₁ − w₀) · v)², whatever the picture."""
    weight = torch.tensor([[0.5, -1.0, 0.0], [1.5, 1.0, 2.0]])
    values = torch.randn(4, 3, generator=torch.Generator().manual_seed(0)).requires_grad_(True)
    v = torch.tensor([1.0, 2.0, 0.5])
    logits, places = values @ weight.T, torch.tensor([0, 1, 1, 0])
    step = Step(np.arange(4), values, logits, places)
    plain = loss_of([], None, penalty=0.0, energy=0.0)(step)
    found = loss_of([Moved(v, 1, (0,))], None, penalty=0.1, energy=0.0)(step)
    assert float((found - plain).detach()) == pytest.approx(0.1 * float((weight[1] - weight[0]) @ v) ** 2, rel=1e-5)


def test_the_energy_is_the_share_of_the_evidence_beside_the_thing():
    weight = torch.zeros(2, 1, 2, 2)
    weight[1, 0] = torch.tensor([[3.0, 1.0], [0.0, -5.0]])
    values = torch.ones(2, 1, 2, 2, requires_grad=True)
    logits = (values[:, None] * weight).flatten(2).sum(2)
    beside = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]]).expand(2, 2, 2)
    step = Step(np.arange(2), values, logits, torch.tensor([1, 1]))
    plain = loss_of([], beside, penalty=0.0, energy=0.0)(step)
    found = loss_of([], beside, penalty=0.0, energy=2.0)(step)
    assert float((found - plain).detach()) == pytest.approx(2 * 3 / 4, rel=1e-5)


def test_where_things_are_is_brought_to_the_places_before_the_block(colours):
    ward, _, _, _ = colours
    tail = tail_of(ward)
    assert tail is not None
    rows, _ = both_rows(ward, tail)
    beside = beside_of(ward, tail, rows)
    assert beside is not None and beside.shape == (len(rows.pool), SIDE, SIDE)
    assert beside[:, 8:10, 8:10].max() < 0.01 and beside[:, :4, :4].min() > 0.99
    assert beside_of(planted("colours")[0], tail, rows) is None


def test_outputs_that_no_picture_belongs_to_hardly_move_in_a_block():
    class Many(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.read = Normed(), nn.Linear(5, 6)
            self.body.head = nn.Identity()

        def forward(self, x):
            return self.read(self.body(x))

    torch.manual_seed(0)
    module = Many().eval()
    ward = small_ward(opened(module, classes=None), 120)
    tail, last = tail_of(ward), last_of(ward)
    assert tail is not None and last is not None
    pool = learning(ward)
    rows, exam = rows_of(tail, pool), exam_of(ward)
    course = Course(ward, tail, last, rows, balanced(pool.classes), rows_of(tail, exam.pool), exam)
    found = trained(
        course, last.whole, lambda s: nn.functional.cross_entropy(s.logits, s.places), rate=0.03, epochs=3, choose=False
    )
    features = features_of(tail, rows, found.weights)
    after = found.whole(features)
    assert np.abs(found.whole.weight[2:] - last.whole.weight[2:]).max() == 0
    moved, learned = np.abs(after - pool.logits)[:, 2:].mean(), np.abs(after - pool.logits)[:, :2].mean()
    assert learned > 0.05 and moved < learned / 2


def test_of_more_pictures_than_there_is_room_for_some_are_drawn(monkeypatch):
    ward = small_ward(opened(Normed()), 120)
    tail = tail_of(ward)
    assert tail is not None
    pool: Pool = learning(ward)
    each = int(np.prod(tail.graph.values[tail.before].at(1)))
    whole = rows_of(tail, pool)
    monkeypatch.setattr(tails, "LARGEST", 2 * each * 40)
    some = rows_of(tail, pool)
    assert len(some.pool) == 40 and some.values.dtype == torch.float16 and len(whole.pool) == len(pool)
    at = [
        np.flatnonzero((pool.numbers == n) & (pool.donors[:, 0] == d))[0]
        for n, d in zip(some.pool.numbers, some.pool.donors[:, 0])
    ]
    assert torch.allclose(some.values.float(), whole.values[at], atol=2e-3)


def test_a_network_without_a_block_or_without_an_inside_is_told():
    flat = nn.Sequential(nn.Flatten(), nn.Linear(3 * SIDE * SIDE, 4), nn.ReLU(), nn.Linear(4, 2)).eval()
    ward = small_ward(st.open(flat, input_size=(3, SIDE, SIDE), preprocessing="unit"))
    assert {RUNGS[name].unfit(ward) for name in RUN} == {"no_block"} and RUNGS["exchanged"].unfit(ward) is None

    def answers(batch):
        bright = batch.mean((1, 2, 3)) / 255
        return np.stack([1 - bright, bright], 1)

    told = st.open(answers, input_size=(3, SIDE, SIDE), preprocessing="unit")
    black = small_ward(told)
    assert {rung.unfit(black) for rung in RUNGS.values()} == {"no_head"}


def test_the_same_seed_trains_the_same(colours):
    ward, _, _, exam = colours
    tail, last = tail_of(ward), last_of(ward)
    assert tail is not None and last is not None
    rows, chosen = both_rows(ward, tail)
    course = Course(ward, tail, last, rows, balanced(rows.pool.classes), chosen, exam)
    one, two = (
        trained(course, last.whole, lambda s: nn.functional.cross_entropy(s.logits, s.places), rate=0.01, epochs=1)
        for _ in range(2)
    )
    assert one.marks.value == pytest.approx(two.marks.value, abs=1e-5)
    assert all(torch.allclose(p, two.weights[path], atol=1e-6) for path, p in one.weights.items())
