"""Tune: settings are proved on other pictures than those that chose them, and what isn't better isn't called so."""

import json

import pytest
from evaluation_material import SIDE, Reds, spot

import seethrough as st
from seethrough.attribution import METHODS
from seethrough.errors import UsageError
from seethrough.evaluation.tune import TRIED, certain, combinations
from seethrough.show.words import note_words


@pytest.fixture
def net():
    return st.open(Reds().eval(), input_size=(3, SIDE, SIDE), preprocessing="unit", classes=["red", "blue"])


@pytest.fixture(scope="module")
def pictures():
    return [spot(seed)[0] for seed in range(8)]


def test_a_window_that_sees_the_spot_beats_one_that_covers_the_whole_picture(net, pictures, monkeypatch):
    monkeypatch.setitem(METHODS["occlusion"].defaults, "window", SIDE)  # a default that is bad on purpose
    found = st.tune(net, "occlusion", pictures, "red", settings={"window": [SIDE, 6], "stride": [3]})
    assert found.proved and found.settings["window"] == 6 and found.gain > certain(4) * found.error
    assert not set(found.choosing) & set(found.proving) and len(found.choosing) == len(found.proving) == 4
    assert found.notes[0].name == "tuned_better" and "beat its defaults" in note_words(found.notes[0]).en
    assert found.passes.forward > 0 and found.score == "insertion - deletion"
    json.dumps(found.to_dict()["tried"])


def test_settings_that_change_nothing_are_not_called_better(net, pictures):
    found = st.tune(net, "integrated_gradients", pictures, "red", settings={"steps": [32, 64, 128]})
    assert not found.proved and found.settings == found.tried[0][0]
    assert found.notes[0].name == "tuned_no_better"


def test_a_budget_ends_choosing_and_proof_goes_on(net, pictures):
    found = st.tune(net, "occlusion", pictures, settings={"fill": ["mean", "black"]}, budget="1ms")
    assert len(found.choosing) == 1 and len(found.proving) == 4


def test_few_pictures_must_agree_more_than_many():
    assert certain(2) > 12 > certain(4) > 3 > certain(1000) > 1.9


def test_any_metric_can_judge(net, pictures):
    low = st.tune(net, "smoothgrad", pictures[:4], settings={"noise": [0.15, 0.3]}, metric="entropy_complexity")
    high = st.tune(net, "smoothgrad", pictures[:4], settings={"noise": [0.15, 0.3]}, metric="sparseness")
    assert low.score == "entropy_complexity" and high.score == "sparseness"
    assert low.tried[0][1] < 0 < high.tried[0][1]  # lower is better for the first


def test_the_usual_settings_are_tried_the_defaults_first():
    each = list(combinations(METHODS["occlusion"], None))
    assert each[0] == {"fill": "mean"} and len(each) == len(TRIED["fill"])
    assert list(combinations(METHODS["smoothgrad"], {"noise": [0.2]})) == [{"noise": 0.15}, {"noise": 0.2}]


@pytest.mark.parametrize(
    ("method", "settings", "says"),
    [
        ("saliency", None, "no settings to try"),
        ("occlusion", {"fil": ["mean"]}, "Nearest: fill"),
        ("smoothgrad", {"noise": [k / 100 for k in range(40)]}, "more than the"),
    ],
)
def test_settings_that_cannot_be_tried_are_refused(method, settings, says):
    with pytest.raises(UsageError, match=says):
        list(combinations(METHODS[method], settings))


def test_too_few_pictures_and_metrics_that_need_masks_are_refused(net, pictures):
    with pytest.raises(UsageError, match="4 pictures or more"):
        st.tune(net, "occlusion", pictures[:3])
    with pytest.raises(UsageError, match="where the objects are"):
        st.tune(net, "occlusion", pictures, metric="auc")
    with pytest.raises(UsageError, match="one metric"):
        st.tune(net, "occlusion", pictures, metric="entropy_complexity,sparseness")
