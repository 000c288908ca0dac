"""Last layers and wrappers on planted features: what is wrong goes, what is right stays, and controls mend nothing."""

import numpy as np
import pytest
import torch
from planted_ward import FAULT, IN_MARK, IN_THING, Cells, drawn, planted, ward_of
from scipy.optimize import minimize
from scipy.special import expit, logsumexp, softmax

import seethrough as st
from seethrough.remedies.edit import edited
from seethrough.remedies.pool import as_they_are, learning
from seethrough.remedies.rung import HEAD, WRAPPED, Rung, Ward
from seethrough.remedies.rungs import RUNGS
from seethrough.remedies.rungs.choosing import ALIKE, Exam, Marks, balanced, best_head, cells, exam_of
from seethrough.remedies.rungs.exchanged import control_rows, weights_of
from seethrough.remedies.rungs.fitting import Linear, as_tensor, fitted, last_of, within
from seethrough.remedies.rungs.grouped import averaged, even_draws, plain_draws, shuffled_codes
from seethrough.remedies.rungs.reweighted import afr_weights, dealt_anew
from seethrough.remedies.rungs.subtraction import ESTIMATED, PROJECTED, amounts_of
from seethrough.remedies.rungs.subtraction import _dealt_anew as without_order
from seethrough.remedies.rungs.wrapped import at_their_height

HEADS, WRAPPERS = ("reweighted", "grouped", "exchanged"), ("subtraction", "prototypes")


def logits_of(edit, pool):
    """What a network of cells says after an edit."""
    if edit.wrapper is not None:
        return edit.wrapper(as_tensor(pool.features), as_tensor(pool.logits)).numpy()
    z = pool.features @ edit.weights["read.weight"].numpy().T + edit.weights["read.bias"].numpy()
    return np.concatenate([0 * z, z], 1) if z.shape[1] == 1 else z


def on_mark(edit):
    """The weight of the mark beside that of the thing."""
    weight = edit.weights["read.weight"].numpy()
    weight = weight[1] - weight[0] if len(weight) > 1 else weight[0]
    return abs(weight[IN_MARK] / weight[IN_THING])


def test_the_ladder_is_in_its_order_and_each_rung_is_one():
    assert list(RUNGS) == [
        "subtraction",
        "reweighted",
        "grouped",
        "prototypes",
        "exchanged",
        "block",
        "guided",
        "whole",
    ]
    for name, rung in RUNGS.items():
        as_one: Rung = rung
        assert as_one.name == name and RUNGS[name].unfit(planted()[0]) is None


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("kind", ["cells", "single"])
def test_the_mark_loses_its_weight_and_the_thing_keeps_it(name, kind):
    ward, _, net = planted(kind)
    found, exam = RUNGS[name].attempt(ward), exam_of(ward)
    assert RUNGS[name].changes == HEAD and set(found.edit.weights) == {"read.weight", "read.bias"}
    before, after = exam.marks(exam.pool.logits), exam.marks(logits_of(found.edit, exam.pool))
    assert before.worst < 0.2 and before.effect > 0.3
    assert after.worst > 0.8 and after.effect < 0.1 and on_mark(found.edit) < 0.4 < 1.4
    assert found.settings["worst"] == pytest.approx(after.worst) and set(found.controls) == {"shuffled", "plain"}
    given = net.module.read.weight.shape
    assert found.edit.weights["read.weight"].shape == given and net.module.read.weight[-1, IN_MARK].item() == 14


@pytest.mark.parametrize("name", WRAPPERS)
@pytest.mark.parametrize("kind", ["cells", "single"])
def test_wrappers_mend_too_and_hand_back_what_they_are_given(name, kind):
    ward, _, _ = planted(kind)
    found, exam = RUNGS[name].attempt(ward), exam_of(ward)
    after = exam.marks(logits_of(found.edit, exam.pool))
    assert RUNGS[name].changes == WRAPPED and not found.edit.weights
    assert after.worst > 0.8 and after.effect < 0.1
    assert found.edit.wrapper is not None
    one = found.edit.wrapper(as_tensor(exam.pool.features[:3]), as_tensor(exam.pool.logits[:3, 1:]))
    assert one.shape == (3, 1)
    two = logits_of(found.edit, exam.pool)[:3]
    assert np.allclose(one[:, 0].numpy(), two[:, 1] - two[:, 0], atol=1e-4)


@pytest.mark.parametrize("name", [*HEADS, "prototypes"])
def test_the_same_budget_spent_for_nothing_leaves_the_mark_its_say(name):
    """Where the mark agrees with the class 95 times in 100, so that learning from the pictures as they are keeps it."""
    ward, found = often(name)
    exam = exam_of(ward)
    own = exam.marks(logits_of(found.edit, exam.pool))
    for control in found.controls.values():
        spent = exam.marks(logits_of(control, exam.pool))
        assert spent.value < own.value - 0.1 and spent.worst < own.worst - 0.05
        assert spent.effect > own.effect + 0.1 or name in WRAPPERS


def test_what_is_estimated_by_aspects_dealt_anew_is_next_to_nothing():
    """Of a linear network the mark's contribution is known: 14 times its brightness, half of it for each class's side."""
    ward, _, _ = planted()
    last, pool = last_of(ward), learning(ward)
    slopes, _, outputs = amounts_of(ward, last, pool, ESTIMATED)
    assert outputs == (1, 0) and slopes[0, IN_MARK].item() == pytest.approx(7, rel=0.1)
    assert slopes[0, IN_THING].abs() < 2
    by_chance, _, _ = amounts_of(ward, last, without_order(pool, np.random.default_rng(0)), ESTIMATED)
    assert by_chance.abs()[:, IN_MARK].max() < 0.7
    projected, _, _ = amounts_of(ward, last, pool, PROJECTED)
    assert projected[0, IN_MARK].item() == pytest.approx(7, rel=0.05)


def often(name, _kept={}):  # noqa: B006  # one ward for all of them
    if not _kept:
        pictures, label, _ = drawn(900, 0.95, False, seed=4)
        net = st.open(Cells().eval(), input_size=(3, 24, 24), preprocessing="unit")
        _kept["ward"] = ward_of(net, pictures, label)
    return _kept["ward"], RUNGS[name].attempt(_kept["ward"])


def test_without_any_counter_example_only_exchanged_pictures_help():
    ward, _, _ = planted(agree=1.0)
    why = {name: rung.unfit(ward) for name, rung in RUNGS.items()}
    assert {name for name, code in why.items() if code} == {"reweighted", "grouped", "prototypes"}
    assert set(filter(None, why.values())) == {"few_counter_examples"}
    found, exam = RUNGS["exchanged"].attempt(ward), exam_of(ward)
    assert exam.marks(exam.pool.logits).worst < 0.2
    assert exam.marks(logits_of(found.edit, exam.pool)).worst > 0.8 and on_mark(found.edit) < 0.4


@pytest.mark.parametrize("name", [*HEADS, *WRAPPERS])
def test_outputs_that_no_picture_belongs_to_neither_win_nor_lose(name):
    ward, _, net = planted("many")
    found, exam = RUNGS[name].attempt(ward), exam_of(ward)
    if name in HEADS:
        own = net.module.read.weight.detach()
        assert torch.equal(found.edit.weights["read.weight"][2:], own[2:])
        assert torch.allclose(found.edit.weights["read.weight"][:2].mean(0), own[:2].mean(0), atol=1e-4)
    plain = as_they_are(ward, ward.learn)
    after = logits_of(found.edit, plain)
    height, was = (logsumexp(z[:, :2], axis=1) - logsumexp(z[:, 2:], axis=1) for z in (after, plain.logits))
    assert height.mean() == pytest.approx(was.mean(), abs=0.02)
    assert exam.marks(logits_of(found.edit, exam.pool)).effect < exam.marks(exam.pool.logits).effect / 2


def test_what_was_chosen_is_what_the_edited_network_says():
    ward, _, net = planted()
    found, exam = RUNGS["exchanged"].attempt(ward), exam_of(ward)
    again = edited(net, found.edit)
    said = again.predict([ward.canvas.collection[int(number)].source for number in ward.choose[:20]])
    assert said.probabilities is not None
    assert np.allclose(said.probabilities, softmax(logits_of(found.edit, exam.pool)[:20], axis=1), atol=1e-3)


def test_afr_weights_by_hand():
    logits = np.log(np.array([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8]], np.float32))
    found = afr_weights(logits, np.array([0, 0, 1]), 2.0)
    by_hand = np.array([np.exp(-1.8) / 2, np.exp(-1.0) / 2, np.exp(-1.6)])
    assert np.allclose(found, by_hand / by_hand.sum())
    dealt = dealt_anew(found, np.array([0, 0, 1]), np.random.default_rng(0))
    assert dealt[2] == found[2] and sorted(dealt) == sorted(found)


def test_dfr_is_logistic_regression_on_the_drawn_pictures():
    """Of two classes with squares: the difference of the two rows costs a quarter of its square."""
    ward, _, _ = planted()
    last, pool = last_of(ward), as_they_are(ward, ward.learn)
    rows = even_draws(pool.classes, 0)[0]
    found = averaged(last, pool.features, pool.classes, [rows], {"penalty": "l2", "pull": 0.05})
    x = (pool.features[rows] - last.mean) / last.spread
    sign = np.where(pool.classes[rows] == 1, 1.0, -1.0)

    def cost(v):
        margin = sign * (x @ v[:-1] + v[-1])
        slope = -sign * expit(-margin) / len(x)
        value = np.logaddexp(0, -margin).mean() + 0.05 / 4 * (v[:-1] ** 2).sum()
        return value, np.append(x.T @ slope + 0.05 / 2 * v[:-1], slope.sum())

    known = minimize(cost, np.zeros(17), jac=True, method="BFGS", options={"gtol": 1e-8}).x
    difference = (found.weight[1] - found.weight[0]) * last.spread
    assert np.allclose(difference, known[:-1], atol=0.01)
    assert found.bias[1] - found.bias[0] + (found.weight[1] - found.weight[0]) @ last.mean == pytest.approx(
        known[-1], abs=0.01
    )


def test_sparse_weights_fulfil_the_condition_of_the_lasso():
    ward, _, _ = planted()
    last, pool = last_of(ward), as_they_are(ward, ward.learn)
    even = np.full(len(pool), 1 / len(pool))
    found = fitted(last, pool.features, pool.classes, even, pull=0.02, towards=None, sparse=True)
    x = (pool.features - last.mean) / last.spread
    off = softmax(found(pool.features), axis=1) - np.eye(2)[pool.classes]
    slope, v = off.T @ x / len(x), found.weight * last.spread
    used = np.abs(v) > 1e-3
    assert used.any() and (~used).any()
    assert np.abs(slope).max() < 0.0203 and np.allclose(slope[used], -0.02 * np.sign(v[used]), atol=3e-4)


def test_versions_of_a_picture_differ_from_their_mean_and_a_single_one_by_nothing():
    ward, _, _ = planted()
    last = last_of(ward)
    features = np.random.default_rng(0).random((5, 16), dtype=np.float32)
    found = within(last, features, np.array([7, 3, 7, 5, 7]))
    x = (features[[0, 2, 4]] - last.mean) / last.spread
    assert np.allclose(found, x - x.mean(0), atol=1e-4) and np.allclose(found.sum(0), 0, atol=1e-3)
    assert within(last, features, np.arange(5)).shape == (0, 16)


def test_who_pays_for_what_versions_differ_by_reads_the_mark_less_and_the_thing_as_much():
    """Of one exchanged mark alone: the layer is then, to the slope, where likelihood and price are even."""
    ward, _, _ = planted()
    last, pool = last_of(ward), learning(ward)
    weights, apart = weights_of(pool, 1.0), within(last, pool.features, pool.numbers)
    assert np.square(apart).mean(0).argmax() == IN_MARK
    free, held = (
        fitted(
            last, pool.features, pool.classes, weights, pull=0.01, towards=last.own, apart=apart, steady=steady
        ) for steady in (0.0, 20.0)
    )  # fmt: skip
    read = [np.abs(layer.weight[1] - layer.weight[0]) for layer in (free, held)]
    assert read[1][IN_MARK] < 0.2 * read[0][IN_MARK] and read[1][IN_THING] > 0.5 * read[0][IN_THING]
    x = (pool.features - last.mean) / last.spread
    off = weights[:, None] * (softmax(held(pool.features), axis=1) - np.eye(2)[pool.classes])
    v, anchor = held.weight * last.spread, last.own.weight * last.spread
    told = apart @ (v - v.mean(0)).T
    slope = off.T @ x + 0.01 * (v - anchor) + 20.0 / len(apart) * told.T @ apart
    assert np.abs(slope).max() < 2e-3 < np.abs(off.T @ x).max()


def test_of_layers_that_do_alike_the_one_that_leaves_least_is_taken():
    """What goes by the mark a little does as well here; what knows nothing leaves nothing either, and isn't taken."""
    ward, _, _ = planted()
    last, exam = last_of(ward), exam_of(ward)

    def reads(thing, mark):
        weight = np.zeros((2, 16))
        weight[1, IN_THING], weight[1, IN_MARK] = thing, mark
        return Linear(weight, np.array([0, -(thing + mark) / 2]))

    layers = {"little": reads(20, 1), "none": reads(20, 0.2), "nothing": reads(0, 0)}
    marks = {name: exam.marks(layer(exam.pool.features)) for name, layer in layers.items()}
    assert marks["little"].effect > marks["none"].effect > marks["nothing"].effect == 0
    assert marks["none"].as_good_as(marks["little"]) and not marks["nothing"].as_good_as(marks["little"])

    def best(*names, least):
        tried = [{"name": name} for name in names]
        return best_head(ward, last, exam, tried, lambda each: layers[each["name"]], least=least)

    settings, whole, found = best("little", "none", "nothing", least=True)
    assert settings == {"name": "none"} and found.to_dict() == marks["none"].to_dict()
    assert np.array_equal(whole.weight, layers["none"].weight)
    assert best("little", "nothing", least=True)[0] == best("nothing", "little", least=False)[0] == {"name": "little"}


def test_marks_are_as_good_within_one_standard_error_of_the_worst_group_and_of_the_usual_accuracy():
    ward, _, _ = planted()
    exam = exam_of(ward)
    found, hits = exam.marks(exam.pool.logits), exam.pool.logits.argmax(1) == exam.pool.classes
    worst, count = min((hits[rows].mean(), rows.sum()) for rows in exam.groups.values())
    plain = hits[~exam.pool.exchanged]
    assert found.worst == worst and found.unsure[0] == pytest.approx(np.sqrt(worst * (1 - worst) / count))
    assert found.unsure[1] == pytest.approx(plain.std() / np.sqrt(len(plain)))
    best = Marks(0.8, 0.9, 0.1, 0.8, (0.02, 0.01))
    assert Marks(0.79, 0.891, 0.0, 0.781).as_good_as(best)
    assert not Marks(0.79, 0.889, 0.0, 0.781).as_good_as(best) and not Marks(0.79, 0.9, 0.0, 0.779).as_good_as(best)
    assert not Marks(0.7, 0.9, 0.0, 0.8 - ALIKE - 0.001).as_good_as(Marks(0.8, 0.9, 0.1, 0.8, (0.1, 0.01)))


def test_a_strong_pull_keeps_the_layer_and_none_moves_its_mean():
    ward, _, _ = planted()
    last, pool = last_of(ward), learning(ward)
    weights = weights_of(pool, 0.2)
    held = fitted(last, pool.features, pool.classes, weights, pull=1e4, towards=last.own)
    assert np.allclose(held.weight, last.own.weight, atol=0.05)
    free = fitted(last, pool.features, pool.classes, weights, pull=0.01, towards=last.own)
    assert np.allclose(free.weight.mean(0), last.own.weight.mean(0), atol=1e-3)
    assert free.bias.mean() == pytest.approx(last.own.bias.mean(), abs=1e-3)


def test_a_layer_without_a_bias_gets_none():
    network = Cells()
    network.read.bias = None
    pictures, label, _ = drawn(120, 0.85, False)
    net = st.open(network.eval(), input_size=(3, 24, 24), preprocessing="unit")
    ward = ward_of(net, pictures, label)
    found = RUNGS["exchanged"].attempt(ward)
    assert set(found.edit.weights) == {"read.weight"}


def test_every_cell_counts_alike():
    ward, _, _ = planted()
    pool = learning(ward)
    weights, codes = weights_of(pool, 0.25), cells(pool)
    assert weights[~pool.exchanged].sum() == pytest.approx(0.25) and weights.sum() == pytest.approx(1)
    each = [weights[codes == c].sum() for c in np.unique(codes[pool.exchanged])]
    assert len(each) == 4 and np.allclose(each, 0.75 / 4)
    assert balanced(np.array([0, 0, 1, -1])).tolist() == [0.25, 0.25, 0.5, 0]
    own = control_rows(pool)["shuffled"] & pool.exchanged
    assert (pool.donor_classes[own, 0] == pool.classes[own]).all() and own.sum() == pool.exchanged.sum() / 2


def test_draws_have_as_many_of_every_group():
    codes, classes = np.array([0, 0, 0, 1, 1, 2, 2, 2, 2, -1]), np.array([0, 0, 0, 0, 0, 1, 1, 1, 1, 1])
    for rows in even_draws(codes, 0):
        assert np.bincount(codes[rows]).tolist() == [2, 2, 2] and len(set(rows)) == 6
    for rows in plain_draws(codes, classes, 0):
        assert np.bincount(classes[rows]).tolist() == [3, 3]
    dealt = shuffled_codes(codes, classes, 0)
    assert sorted(dealt[classes == 0]) == [0, 0, 0, 1, 1] and sorted(dealt[classes == 1]) == [-1, 2, 2, 2, 2]


def test_changed_outputs_weigh_beside_the_others_what_they_weighed():
    z = torch.randn(20, 6, generator=torch.Generator().manual_seed(0))
    found = at_their_height(z, (1, 4), lambda before: before * torch.tensor([1.0, 3, 1, 1, -2, 1]))
    assert torch.allclose(found[:, [1, 4]].logsumexp(1), z[:, [1, 4]].logsumexp(1), atol=1e-5)
    assert torch.equal(found[:, [0, 2, 3, 5]], z[:, [0, 2, 3, 5]])
    assert torch.allclose(found[:, 1] - found[:, 4], 3 * z[:, 1] + 2 * z[:, 4], atol=1e-5)


def test_marks_count_the_worst_group_the_loss_and_what_remains():
    ward, _, _ = planted()
    pool = exam_of(ward).pool
    rows = np.flatnonzero(~pool.exchanged)[:20]
    few = pool[rows]
    exam = Exam(few, {("class", 0): few.classes == 0, ("class", 1): few.classes == 1}, 1.0)
    right = np.eye(2)[few.classes] * 8
    assert exam.marks(right).value == pytest.approx(1)
    wrong = right.copy()
    wrong[np.flatnonzero(few.classes == 1)[:2]] = (8, 0)
    found = exam.marks(wrong)
    ones = (few.classes == 1).sum()
    assert found.worst == pytest.approx(1 - 2 / ones) and found.usual == pytest.approx(0.9)
    assert found.value == pytest.approx(found.worst - (0.1 - 0.015))


def test_the_effect_is_of_the_aspect_alone():
    ward, _, _ = planted()
    exam = exam_of(ward)
    by_mark = np.where(exam.pool.features[:, [IN_MARK]] > 0.5, [[-9.0, 9.0]], [[9.0, -9.0]])
    by_thing = np.where(exam.pool.features[:, [IN_THING]] > 0.5, [[-9.0, 9.0]], [[9.0, -9.0]])
    assert exam.marks(by_mark).effect > 0.45 > 0.06 > exam.marks(by_thing).effect


def test_no_other_setting_is_tried_when_time_is_over():
    ward, _, _ = planted()
    late = Ward(ward.canvas, ward.facts, (FAULT,), ward.learn, ward.choose, deadline=0.0)
    told = []
    RUNGS["exchanged"].attempt(late, lambda *a: told.append(a))
    assert [done for done, _ in told] == [1]


def test_a_scale_and_a_height_are_found_for_any_layer():
    ward, _, _ = planted("many")
    last, plain = last_of(ward), ward.facts.features[ward.learn]
    chance = np.random.default_rng(0)
    whole = last.put(Linear(chance.normal(size=(2, 16)), chance.normal(size=2)), plain)
    own = logsumexp(last.own(plain), axis=1).mean()
    assert logsumexp(whole(plain)[:, :2], axis=1).mean() == pytest.approx(own, abs=1e-6)
