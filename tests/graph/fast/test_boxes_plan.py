"""Plans: which positions share a batch, and how large their boxes are."""

import pytest
import torch
import torch.nn as nn
from hypothesis import given, settings
from hypothesis import strategies as st
from small import Calls
from small_boxes import network, opened, windows

from seethrough.graph.fast.boxes.clusters import GREEDY, clusters
from seethrough.graph.fast.boxes.engine import Boxes


@given(
    sizes=st.lists(st.lists(st.integers(1, 9), min_size=3, max_size=3), min_size=1, max_size=20),
    call=st.floats(0, 50),
    most=st.integers(1, 6),
)
@settings(max_examples=40, deadline=None)
def test_each_position_is_in_one_cluster_of_few(sizes, call, most):
    found = clusters(torch.tensor(sizes), torch.ones(3, dtype=torch.float64), call, most)
    assert sorted(torch.cat(found).tolist()) == list(range(len(sizes)))
    assert max(map(len, found)) <= most


def test_positions_go_together_where_that_costs_less_than_a_call():
    sizes = torch.tensor([[3, 3], [9, 9], [3, 3], [3, 4], [9, 9]])
    found = clusters(sizes, torch.ones(2, dtype=torch.float64), 2.5, 8)
    assert sorted(c.tolist() for c in found) == [[0, 2, 3], [1, 4]]
    assert len(clusters(sizes, torch.ones(2, dtype=torch.float64), 1000.0, 8)) == 1
    assert len(clusters(sizes, torch.ones(2, dtype=torch.float64), 0.5, 8)) == 3


def test_very_many_positions_go_together_with_their_neighbours():
    sizes = torch.arange(3 * GREEDY)[:, None]
    found = clusters(sizes, torch.ones(1, dtype=torch.float64), 20.0, 8)
    assert sorted(torch.cat(found).tolist()) == list(range(3 * GREEDY))
    assert all(int(c.max() - c.min()) + 1 == len(c) for c in found)
    assert len(found) < 3 * GREEDY / 3


@pytest.mark.parametrize("boxes", [windows(32, 8, 4), windows(32, 8, 4)[:-3]], ids=["crossed", "paired"])
def test_every_position_is_in_one_batch_and_its_box_in_the_batch_s(boxes):
    module, x = network()
    engine, _, start, _ = opened(module, x)
    plan = engine.plan(boxes)
    numbers = torch.cat([b.numbers for b in plan.batches])
    assert sorted(numbers.tolist()) == list(range(len(boxes)))
    for batch in plan.batches:
        top, left = batch.origin(start)
        height, width = batch.size(start)
        own = boxes[batch.numbers]
        assert bool(((top <= own[:, 0]) & (top + height >= own[:, 1])).all())
        assert bool(((left <= own[:, 2]) & (left + width >= own[:, 3])).all())
        assert bool(
            (top + height <= 32).all() and (left + width <= 32).all() and (top >= 0).all() and (left >= 0).all()
        )


def test_one_position_a_batch_is_as_tight_as_can_be():
    module, x = network()
    engine, *_ = opened(module, x)
    boxes = torch.tensor([[12, 14, 13, 16], [20, 22, 9, 10]])
    plan = engine.plan(boxes, 1)
    assert len(plan.batches) == 2
    assert plan.macs == plan.tight


def test_what_is_counted_is_what_the_intervals_say():
    """A window of 4 × 4 far from the edge: a 3 × 3 convolution makes 6 × 6 of it, another 8 × 8, a linear layer ends it."""
    torch.manual_seed(0)
    first, second, last = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 5, 3, padding=1), nn.Linear(5, 2)
    module = Calls(lambda x, a, b, c: c(torch.relu(b(torch.relu(a(x)))).mean((2, 3))), first, second, last)
    engine, *_ = opened(module, torch.rand(1, 3, 32, 32))
    plan = engine.plan(torch.tensor([[10, 14, 12, 16]]))
    assert plan.macs == plan.tight == 3 * 4 * 9 * 36 + 4 * 5 * 9 * 64 + 10
    assert plan.dense == (3 * 4 * 9 + 4 * 5 * 9) * 32 * 32 + 10


def test_windows_of_a_deep_network_waste_little():
    """Strides of 2, 2, 2, 2 and windows at all phases against them, batches of many positions."""
    torch.manual_seed(0)
    blocks = []
    for inputs, outputs in ((3, 16), (16, 16), (16, 32), (32, 32)):
        blocks += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    module = nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 3)).eval()
    engine, *_ = opened(module, torch.rand(1, 3, 128, 128))
    assert isinstance(engine, Boxes)
    plan = engine.plan(windows(128, 8, 4))
    assert len(plan.batches) < plan.positions / 3
    assert plan.macs < 1.25 * plan.tight
    assert 8 * plan.macs < plan.dense


def test_what_mixes_the_plane_is_computed_in_full_from_there_on_and_only_there():
    module, x = network(gate=True)
    gated, *_ = opened(module, x)
    plain, *_ = opened(network()[0], x)
    assert [s.operation.name for s in gated.route.steps] == [s.operation.name for s in plain.route.steps[:4]]
    assert {"sigmoid", "mul"} <= {o.name for o in gated.route.tail}
    assert not plain.route.handed and gated.route.handed
    plan = gated.plan(windows(32, 8, 8))
    assert not any(any(b.full) for b in plan.batches)
