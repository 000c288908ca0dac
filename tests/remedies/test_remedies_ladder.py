"""The ladder on networks of which it is known what they go by: a thing, and a mark in the corner more than the thing."""

import json

import numpy as np
import pytest
import torch
import torch.nn as nn
from PIL import Image
from planted_ward import IN_MARK, IN_THING, SIDE, THING, Cells, Colours, drawn

import seethrough as st
from seethrough.errors import InputRefused, NetworkRefused, UsageError
from seethrough.findings.aspects import Region
from seethrough.findings.audit import audit
from seethrough.findings.judge import POINTS
from seethrough.remedies.edit import edited
from seethrough.remedies.kept import controls_in, record_in
from seethrough.remedies.repair import repair
from seethrough.remedies.repaired import BETTER, FINE, NOTHING, PASSED, WORSE
from seethrough.remedies.rung import Edit
from seethrough.remedies.score import LOSS
from seethrough.remedies.score import SIDE as BY_SIDE

CLASSES = ("dark", "light")
MARK = {"region top left": "background"}
OTHER_MARK = 15
"""The feature that is the brightness of the cell at the bottom right."""


def folder_of(home, agree, colours=False, count=280):
    """A folder for each class."""
    pictures, label, _ = drawn(count, agree, colours)
    for k, (x, own) in enumerate(zip(pictures, label)):
        place = home / CLASSES[own]
        place.mkdir(exist_ok=True, parents=True)
        Image.fromarray(x).save(place / f"{k:03}.png")
    return home


def things(home):
    """Where the thing is."""
    mask = np.zeros((SIDE, SIDE), bool)
    mask[THING] = True
    return {f"{path.parent.name}/{path.name}": mask for path in home.glob("*/*.png")}


def audited(net, home, folder=None):
    return audit(net, home, masks=things(home), finders=["places"], folder=folder)


def mended(net, found, home, answers=MARK, **more):
    return repair(net, found, home, answers=answers, masks=things(home), **more)


class Blind(nn.Module):
    """It sees the mark and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.see, self.read = nn.Conv2d(3, 1, 1, bias=False), nn.Linear(1, 2)
        self.see.weight.data.fill_(1 / 3)
        self.read.weight.data, self.read.bias.data = torch.tensor([[0.0], [14.0]]), torch.tensor([0.0, -7.0])

    def forward(self, x):
        return self.read(torch.relu(self.see(x[:, :, :6, :6])).mean((2, 3)))


def opened(network):
    return st.open(network.eval(), input_size=(3, SIDE, SIDE), preprocessing="unit", classes=CLASSES)


def keras_cells():
    """What `Cells` is, of Keras; its 16 cells lie in the same order."""
    import keras

    network = Cells()
    given = keras.Input((SIDE, SIDE, 3))
    x = keras.layers.Conv2D(1, 6, strides=6, use_bias=False, activation="relu", name="see")(given)
    x = keras.layers.Dense(2, activation="softmax", name="read")(keras.layers.Flatten()(x))
    model = keras.Model(given, x)
    model.get_layer("see").set_weights([network.see.weight.detach().permute(2, 3, 1, 0).numpy()])
    model.get_layer("read").set_weights([network.read.weight.detach().T.numpy(), network.read.bias.detach().numpy()])
    return st.open(model, preprocessing="unit", classes=CLASSES)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return folder_of(tmp_path_factory.mktemp("pictures"), 0.85)


@pytest.fixture(scope="module")
def found(home):
    return audited(opened(Cells()), home)


def how_much(network):
    """The weight of the mark, beside that of the thing."""
    weight = network.module.state_dict()["read.weight"]
    read = weight[1] - weight[0]
    return float(read[IN_MARK] / read[IN_THING])


@pytest.fixture(scope="module")
def passing(home, found):
    return mended(opened(Cells()), found, home)


def test_the_first_rung_that_passes_is_taken_and_the_mark_counts_for_little(passing):
    assert passing.verdict == PASSED and passing.passed and passing.network is not None
    assert how_much(opened(Cells())) > 1.3 and abs(how_much(passing.network)) < 0.5
    assert [each.rung for each in passing.tried if each.passed] == [passing.rung] == [passing.tried[-1].rung]
    assert set(passing.changed) == {"read.weight", "read.bias"} and passing.changed["read.weight"] == 32
    assert passing.before.usual - passing.after.usual <= LOSS
    assert passing.after.lowest > passing.before.lowest + 0.2
    was, now = passing.before.effects[0], passing.after.effects[0]
    assert was.low > 20 and now.value <= POINTS
    assert passing.after.worst(BY_SIDE).n >= 8


def test_its_score_is_that_of_the_repaired_network_itself(passing, found, home):
    """Though it was computed from what the last layer reads."""
    names = found.to_dict()["split"]["repair"]
    answers = passing.network.predict([str(home / name) for name in names]).values.argmax(1)
    right = answers == [CLASSES.index(name.split("/")[0]) for name in names]
    assert np.isclose(right.mean(), passing.after.usual, atol=0.02)


def test_two_findings_are_mended_at_once(tmp_path):
    chance = np.random.default_rng(4)
    pictures, label, _ = drawn(280, 0.85, False)
    for k, (x, own) in enumerate(zip(pictures, label)):
        x[18:, 18:] = 217 if (own if chance.random() < 0.85 else 1 - own) else 38
        place = tmp_path / CLASSES[own]
        place.mkdir(exist_ok=True)
        Image.fromarray(x).save(place / f"{k:03}.png")
    network = Cells(thing=12.0, mark=8.0)
    network.read.weight.data[1, OTHER_MARK] = 8.0
    network.read.bias.data[1] = -14.0
    net = opened(network)
    record = audited(net, tmp_path).to_dict()
    place = next(k for k, f in enumerate(record["findings"]) if f["aspect"].get("name") == "top left")
    other = {**record["findings"][place], "aspect": Region("bottom right", (0.75, 1.0, 0.75, 1.0)).to_dict()}
    record = {**record, "findings": [record["findings"][place], other]}
    done = mended(net, record, tmp_path, answers={1: "background", 2: "background"}, rungs=["exchanged"])
    assert len(done.faults) == 2 == len(done.after.effects) and done.verdict == PASSED
    assert all(now.value < was.value / 2 for was, now in zip(done.before.effects, done.after.effects))
    weight = done.network.module.state_dict()["read.weight"]
    read = (weight[1] - weight[0]) / (weight[1] - weight[0])[IN_THING]
    assert abs(read[IN_MARK]) < 0.4 and abs(read[OTHER_MARK]) < 0.4


def test_the_controls_of_the_same_budget_repair_less(passing, home, found):
    assert set(passing.controls) == {"shuffled", "plain"}
    for control in passing.controls.values():
        assert abs(how_much(edited(opened(Cells()), control))) > abs(how_much(passing.network)) + 0.2


def test_a_keras_network_is_repaired_as_a_keras_network(home, tmp_path):
    net = keras_cells()
    done = mended(net, audited(net, home), home)
    assert done.verdict == PASSED and set(done.changed) == {"read/kernel", "read/bias"}
    assert type(done.network.module) is type(net.module)
    done.save(tmp_path / "repaired.keras")
    again = st.open(tmp_path / "repaired.keras", preprocessing="unit", classes=CLASSES)
    assert again.fingerprint == done.network.fingerprint
    assert record_in(tmp_path)["after"]["fingerprint"] == again.fingerprint
    assert set(controls_in(tmp_path, net)) == {"shuffled", "plain"}


def test_without_counter_examples_it_goes_straight_to_exchanged_pictures(tmp_path):
    pictures = folder_of(tmp_path / "pictures", 1.0)
    net = opened(Cells())
    done = mended(net, audited(net, pictures), pictures)
    assert [each.why_not for each in done.tried if each.rung in ("reweighted", "grouped")] == [
        "few_counter_examples"
    ] * 2
    assert done.verdict == PASSED and done.rung == "exchanged" and abs(how_much(done.network)) < 0.5
    assert "repair_few_counter_examples" in {note.name for note in done.notes}


def test_what_was_broken_off_goes_on_and_gives_the_same(home, tmp_path):
    net, place = opened(Cells()), tmp_path / "audit"
    found = audited(net, home, place)
    found.save(place / "findings.json")

    class Enough(Exception):
        pass

    def until(what, done, of):
        if what == "exchanged" and done == 3:
            raise Enough

    with pytest.raises(Enough):
        mended(net, place, home, rungs=["exchanged"], progress=until)
    one = mended(net, place, home, rungs=["exchanged"])
    kept = sorted(path.name for path in (place / "repair" / "attempts").iterdir())
    two = mended(net, place, home, rungs=["exchanged"])
    assert one.network.fingerprint == two.network.fingerprint
    assert [each.to_dict()["score"] for each in one.tried] == [each.to_dict()["score"] for each in two.tried]
    assert two.tried[0].settings == json.loads(json.dumps(dict(one.tried[0].settings)))
    assert two.provenance["asked"] < 250 < 1000 < mended(net, found, home, rungs=["exchanged"]).provenance["asked"]
    assert kept == sorted(path.name for path in (place / "repair" / "attempts").iterdir()) and len(kept) == 1
    assert record_in(place / "repair")["rung"] == "exchanged" and set(controls_in(place / "repair", net)) == {
        "plain",
        "shuffled",
    }


def test_what_changes_the_computation_comes_as_a_wrapper_and_only_where_it_may(home, found):
    net = opened(Cells())
    done = mended(net, found, home, rungs=["subtraction"])
    assert done.network is None and [each.why_not for each in done.tried] == ["not_allowed"]
    done = mended(net, found, home, rungs=["subtraction"], allow_wrapper=True)
    assert done.network is not None and not done.changed and done.verdict in (PASSED, BETTER)
    assert done.after.effects[0].value < done.before.effects[0].value / 2


def test_where_no_last_layer_helps_the_block_before_it_is_trained(tmp_path):
    """Its last layer reads a single number."""
    pictures = folder_of(tmp_path / "pictures", 0.85, colours=True)
    net = opened(Colours())
    found = audited(net, pictures)
    block = mended(net, found, pictures, rungs=["block"])
    assert block.verdict in (PASSED, BETTER) and {"first.weight", "second.weight"} & set(block.changed)
    assert block.after.effects[0].value < block.before.effects[0].value / 2


def test_a_network_that_nothing_helps_is_left_as_it_is(home, tmp_path):
    net = opened(Blind())
    found = audited(net, home)
    done = mended(net, found, home, rungs=["grouped"])
    assert done.verdict == NOTHING and done.network is None and done.after is None and done.tried[0].lacks
    with pytest.raises(UsageError, match="nothing to write"):
        done.save(tmp_path / "repaired.pt")
    worse = mended(net, found, home, rungs=["grouped"], unless_worse=False)
    assert worse.verdict == WORSE and worse.network is not None and not worse.passed


def test_nothing_to_mend_is_said(home, found):
    net = opened(Cells(mark=0.0))
    done = mended(net, audited(net, home), home, answers={1: "background"})
    assert done.verdict == FINE and done.passed and done.network is None and not done.tried
    assert "repair_unproven" in {note.name for note in done.notes}


def test_the_time_that_is_given_is_kept_to(home, found):
    done = mended(opened(Cells()), found, home, rungs=["reweighted", "grouped", "exchanged"], minutes=1e-6)
    begun = [each for each in done.tried if not each.why_not]
    assert len(begun) <= 1 and (done.verdict == PASSED or "repair_out_of_time" in {note.name for note in done.notes})


def test_what_can_not_be_repaired_is_refused_before_any_work(home, found, tmp_path):
    net = opened(Cells())
    for answers in (None, {}, {1: "class"}):
        with pytest.raises(UsageError, match="1=background"):
            mended(net, found, home, answers=answers)
    with pytest.raises(UsageError, match="is of another network"):
        mended(opened(Cells(mark=1.0)), found, home)
    with pytest.raises(UsageError, match=r"no rung 'grupped'.*Nearest: grouped"):
        mended(net, found, home, rungs=["grupped"])
    with pytest.raises(UsageError, match="minutes"):
        mended(net, found, home, minutes=0)
    black = st.open(lambda x: x.mean((1, 2))[:, :2], input_size=(SIDE, SIDE, 3), preprocessing="unit", classes=CLASSES)
    with pytest.raises(NetworkRefused, match="can be found and proven"):
        mended(black, found, home)
    few = folder_of(tmp_path / "few", 0.85, count=60)
    with pytest.raises(UsageError, match="give the same folder"):
        mended(net, found, few)
    with pytest.raises(InputRefused, match="too few pictures"):
        mended(net, audited(net, few), few, answers={1: "background"})


def test_the_first_network_is_never_touched(home, found):
    net = opened(Cells())
    before = {name: tensor.clone() for name, tensor in net.module.state_dict().items()}
    done = mended(net, found, home, rungs=["exchanged", "block"])
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.module.state_dict().items())
    named = edited(net, Edit({name: done.network.module.state_dict()[name] for name in done.changed}))
    assert named.fingerprint == done.network.fingerprint  # nothing but what is named
