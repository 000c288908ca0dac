"""The plan: the same for the same run whenever it is asked for, another for another."""

import numpy as np
import pytest
from jobs_material import Answers, network

import seethrough as st
from seethrough.datasets.collection import collect
from seethrough.jobs.plan import differences, plan_of

PIXELS = np.arange(3 * 8 * 8 * 3, dtype=np.uint8).reshape(3, 8, 8, 3)


def test_a_plan_cuts_the_images_once(net):
    plan = plan_of(net, collect(PIXELS), Answers(net), 2)
    assert [list(shard.items) for shard in plan.shards] == [[0, 1], [2]]
    assert plan.names == ("image 1", "image 2", "image 3")


def test_a_plan_of_the_same_is_the_same(net):
    plan, again = (plan_of(network(), collect(PIXELS.copy()), Answers(net), 2) for _ in range(2))
    assert plan.digest == again.digest and differences(plan, again) == ()


def test_a_plan_of_another_names_what_is_different(net):
    plan = plan_of(net, collect(PIXELS), Answers(net, {"top": 9, "of": {"layer": "a", "kept": [1, 2]}}), 2)
    other = plan_of(net, collect(PIXELS), Answers(net, {"top": 16, "of": {"layer": "a", "kept": [1]}, "more": 1}), 2)
    assert differences(plan, other) == (
        "settings.top was 9 and is 16", "settings.of.kept was [1, 2] and is [1]", "settings.more was null and is 1",
    )  # fmt: skip
    assert plan.digest != other.digest


def test_many_differences_are_counted(net):
    one, other = (plan_of(net, collect(PIXELS), Answers(net, {str(i): i + n for i in range(9)}), 2) for n in (0, 1))
    assert len(differences(one, other)) == 5 and differences(one, other)[-1] == "5 more"


def test_a_network_of_keras_is_the_same_when_opened_again(tmp_path):
    """Its random layers draw from another seed each time; that is no weight."""
    keras = pytest.importorskip("keras", reason="keras is an extra")
    if keras.backend.backend() != "torch":
        pytest.skip("Keras runs on another backend here")
    layers = [keras.layers.Conv2D(4, 3), keras.layers.Dropout(0.5), keras.layers.GlobalAveragePooling2D()]
    keras.Sequential([keras.Input((16, 16, 3)), *layers]).save(tmp_path / "net.keras")
    first, second = (st.open(tmp_path / "net.keras", preprocessing="unit") for _ in range(2))
    assert first.fingerprint == second.fingerprint
    one, other = (plan_of(net, collect(PIXELS), Answers(net), 2) for net in (first, second))
    assert differences(one, other) == () and one.digest == other.digest
