"""A time buys settings: the dials are turned up as far as it allows, and what didn't fit is said."""

import numpy as np
import pytest
import torch
import torch.nn as nn

import seethrough as st
from seethrough.attribution import METHODS, Facts
from seethrough.explanation.asked import Asked, chosen, settings_of
from seethrough.explanation.budget import Pace, spent


def asked(said, budget, **settings):
    found = chosen(said)
    return Asked(found.methods, found.optional, settings_of(found.methods, settings), budget=budget)


def bought(said, budget, **settings):
    question = asked(said, budget, **settings)
    facts = {m.name: Facts(224, 224) for m in question.methods}
    return spent(question, list(question.methods), facts, Pace(0.1, 0.1))


def test_more_time_buys_finer_settings_and_never_more_than_it_has():
    steps = []
    for budget in (2, 4, 8, 16, 60):
        question, kept, notes = bought("integrated_gradients,smoothgrad", budget)
        assert len(kept) == 2 and notes[0].name == (
            "budget_bought" if notes[0].numbers["seconds"] <= budget else "budget_exceeded"
        )
        steps.append((question.settings["integrated_gradients"]["steps"], question.settings["smoothgrad"]["samples"]))
    assert steps == sorted(steps) and len(set(steps)) >= 3
    assert steps[-1] == (METHODS["integrated_gradients"].dial.values[-1], METHODS["smoothgrad"].dial.values[-1])


def test_a_setting_the_person_gave_is_not_turned():
    question, _, notes = bought("integrated_gradients", 1000, steps=5)
    assert (
        question.settings["integrated_gradients"] == {"steps": 5} and "nothing to turn" in notes[0].numbers["settings"]
    )


def test_of_methods_nobody_named_the_dearest_is_left_out_and_named_ones_stay_and_say_so():
    _, kept, notes = bought("gradient", 1.0)
    assert "smoothgrad" not in [m.name for m in kept] and "over_budget" in [n.name for n in notes]
    _, kept, notes = bought("smoothgrad,saliency", 0.1)
    assert len(kept) == 2 and notes[0].name == "budget_exceeded" and notes[0].level == "warning"


def test_explain_spends_its_budget_once_for_all_images_and_says_what_it_bought():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 3)).eval()
    net = st.open(module, input_size=(3, 8, 8))
    images = torch.rand(3, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    found = st.explain(net, images, ["smoothgrad", "saliency"], budget="20s", batch_size=1)
    (note,) = [n for n in found.notes if n.name == "budget_bought"]
    assert f"smoothgrad samples={found['smoothgrad'].settings['samples']}" in note.numbers["settings"]
    again = st.explain(net, images, ["smoothgrad"], **found["smoothgrad"].settings)
    assert np.allclose(again["smoothgrad"].values, found["smoothgrad"].values, atol=1e-6)


@pytest.mark.parametrize("method", [m.name for m in METHODS.values() if m.dial is not None])
def test_a_dial_names_a_setting_of_its_method_and_each_turn_costs_more(method):
    declared = METHODS[method]
    assert declared.dial.setting in declared.defaults and len(declared.dial.values) > 1
    costs = [
        sum((p.forward, p.backward))
        for p in (
            declared.passes({declared.dial.setting: v}, Facts(224, 224, 2048, (14, 14))) for v in declared.dial.values
        )
    ]
    assert costs == sorted(costs) and costs[0] < costs[-1]
