"""The cost model: boxes where little changes and the plane is large, whole pictures where nearly all does."""

import pytest
import torch
import torch.nn as nn
from small_boxes import network, opened, windows

from seethrough.graph.fast.boxes.cost import Rates, measured, predicted

RATES = Rates(slide=100e9, mix=90e9, alone=10e9, moved=3e9, call=50e-6)


def deep(size):
    torch.manual_seed(0)
    blocks = [nn.Conv2d(3, 64, 3, padding=1), nn.ReLU(), nn.Conv2d(64, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    blocks += [nn.Conv2d(64, 128, 3, padding=1), nn.ReLU(), nn.Conv2d(128, 128, 3, padding=1), nn.ReLU()]
    module = nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 3)).eval()
    engine, *_ = opened(module, torch.rand(1, 3, size, size))
    return engine


def test_small_windows_in_a_large_picture_are_cheaper_as_boxes():
    engine = deep(112)
    plan = engine.plan(windows(112, 8, 8))
    found = predicted(engine.route, plan, RATES)
    assert found.cheaper == "boxes"
    assert 3 < found.whole / found.boxes < plan.dense / plan.macs


@pytest.mark.parametrize("boxes", [windows(112, 112, 1), windows(112, 100, 4)], ids=["all", "nearly all"])
def test_what_changes_nearly_everything_is_cheaper_as_whole_pictures(boxes):
    engine = deep(112)
    assert predicted(engine.route, engine.plan(boxes), RATES).cheaper == "whole"


def test_where_calls_are_dear_small_batches_are_dearer_than_whole_pictures():
    module, x = network()
    engine, *_ = opened(module, x)
    plan = engine.plan(windows(32, 8, 8), most=1)
    dear = Rates(RATES.slide, RATES.mix, RATES.alone, RATES.moved, call=5e-3)
    cheap = Rates(1e6, 1e6, 1e6, RATES.moved, call=1e-6)
    assert predicted(engine.route, plan, dear).cheaper == "whole"
    assert predicted(engine.route, plan, cheap).cheaper == "boxes"


def test_more_positions_share_what_is_paid_once():
    engine = deep(112)
    few, many = (predicted(engine.route, engine.plan(windows(112, 8, step)), RATES) for step in (52, 8))
    assert few.boxes / 9 > many.boxes / 196
    assert few.whole / 9 == pytest.approx(many.whole / 196)


def test_the_rates_of_this_machine_are_measured_once():
    rates = measured()
    assert measured() is rates
    assert min(rates.slide, rates.mix, rates.alone, rates.moved) > 1e6
    assert 0 < rates.call < 1
    assert rates.alone < rates.slide
