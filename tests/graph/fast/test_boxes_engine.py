"""The engine: plans that are run give what whole pictures give, wherever boxes lie and whatever else is going on."""

import itertools
from math import prod

import pytest
import torch
import torch.nn as nn
from small import Calls
from small_boxes import grey, network, opened, whole, windows

from seethrough.graph.execute import execute
from seethrough.graph.fast import packed
from seethrough.graph.fast.boxes import engine as engine_file
from seethrough.graph.fast.boxes.engine import Boxes
from seethrough.graph.fast.convolution import Convolution
from seethrough.graph.fast.fused import fused

ODD = torch.tensor([[0, 3, 5, 32], [10, 31, 7, 9], [29, 32, 28, 32], [16, 17, 0, 32], [1, 2, 1, 2], [0, 32, 0, 32]])


@pytest.mark.parametrize("gate", [False, True])
@pytest.mark.parametrize("boxes", [windows(32, 8, 8), windows(32, 5, 3), ODD], ids=["grid", "overlapping", "odd"])
def test_boxes_give_what_whole_pictures_give(boxes, gate):
    module, x = network(gate=gate)
    engine, graph, start, end = opened(module, x)
    found = engine.run(engine.clean({start: x}), engine.plan(boxes), grey(x, boxes))
    assert torch.allclose(found, whole(graph, start, end, x, boxes), rtol=1e-10, atol=1e-12)


def test_one_whole_picture_lays_no_weight_out():
    module, x = network()
    x = x.float()
    engine, *_, start, _ = opened(module.float(), x)
    engine.clean({start: x})
    convolutions = [o.function for o in engine.graph if isinstance(o.function, Convolution)]
    assert convolutions and not any("laid_out" in vars(c) for c in convolutions)
    boxes = windows(32, 8, 8)
    engine.run(engine.clean({start: x}), engine.plan(boxes), grey(x, boxes))
    assert any("laid_out" in vars(c) for c in convolutions) == packed.packs(convolutions[0].weight)


def deep(blocks=4):
    """Residual blocks of as many channels, each with a place beyond the edge to read."""
    torch.manual_seed(1)
    parts = [nn.Conv2d(3, 6, 3, padding=1), *(nn.Conv2d(6, 6, 3, padding=1) for _ in range(2 * blocks))]

    def forward(x, first, *others):
        y = torch.relu(first(x))
        for a, b in zip(others[::2], others[1::2]):
            y = torch.relu(b(torch.relu(a(y))) + y)
        return y.mean((2, 3))

    return Calls(forward, *parts).double().eval(), torch.rand(1, 3, 40, 40, dtype=torch.float64)


def test_boxes_that_are_never_needed_at_once_share_their_room_and_others_do_not():
    module, x = deep()
    engine, graph, start, end = opened(module, x)
    boxes, route = windows(40, 6, 5), engine.route
    plan = engine.plan(boxes)
    made = {step.output: k for k, step in enumerate(route.steps)}
    stored = [v for v, (_, count) in plan.rooms.items() if count and route.planes[v][0] == 6]
    assert len(stored) > 4
    for one, other in itertools.combinations(stored, 2):
        apart = route.last[one] <= made[other] or route.last[other] <= made[one]
        (a, many), (b, more) = plan.rooms[one], plan.rooms[other]
        assert apart or a + many <= b or b + more <= a
    taken = max(sum(plan.rooms[v]) for v in stored)
    assert taken < 0.7 * sum(plan.rooms[v][1] for v in stored)
    clean = engine.clean({start: x})
    found = engine.run(clean, plan, grey(x, boxes))
    assert torch.allclose(found, whole(graph, start, end, x, boxes), rtol=1e-10, atol=1e-12)
    shared = {id(clean.arenas[v].shared): clean.arenas[v].shared for v in stored}
    (rows,) = (s.rows for s in shared.values())
    assert len(rows) == sum(s.clean for s in shared.values()) + taken


def test_the_largest_batches_come_first():
    module, x = network()
    engine, *_ = opened(module, x)
    plan = engine.plan(windows(32, 8, 4), 9)
    most = [max(len(b) * prod(b.size(v)) for v in b.stored) for b in plan.batches]
    assert len(most) > 1 and most[0] == max(most)


def test_what_the_plan_counts_is_what_is_run():
    module, x = network()
    for boxes in (windows(32, 8, 4), ODD):
        engine, _, start, _ = opened(module, x)
        plan = engine.plan(boxes)
        engine.run(engine.clean({start: x}), plan, grey(x, boxes))
        assert engine.macs == plan.macs
        assert plan.tight <= plan.macs <= plan.dense


def test_one_plan_serves_several_pictures_and_one_picture_several_plans():
    module, x = network()
    engine, graph, start, end = opened(module, x)
    pictures = [x, torch.rand_like(x)]
    cleans = [engine.clean({start: p}) for p in pictures]
    for boxes in (windows(32, 4, 14), windows(32, 12, 10), ODD):
        for picture, clean in zip(pictures, cleans):
            found = engine.run(clean, engine.plan(boxes), grey(picture, boxes))
            assert torch.allclose(found, whole(graph, start, end, picture, boxes), rtol=1e-10, atol=1e-12)


def test_plans_are_kept_by_content_and_only_a_few():
    module, x = network()
    engine, *_ = opened(module, x)
    first = engine.plan(windows(32, 8, 8))
    assert engine.plan(windows(32, 8, 8).clone()) is first
    for step in range(1, 2 + engine_file.PLANS):
        engine.plan(windows(32, 8, 8 + step))
    assert engine.plan(windows(32, 8, 8)) is not first


def test_a_value_inside_is_changed_in_boxes():
    module, x = network()
    _, graph, picture, end = opened(module, x)
    start = next(o.outputs[0] for o in graph if len(graph.values[o.outputs[0]].shape) == 4)
    kept = fused(graph, [end], [picture, start])
    boxes = windows(32, 8, 6)
    value = execute(graph, {picture: x}, [start])[start]
    engine = Boxes(kept, start, end)
    found = engine.run(engine.clean({picture: x, start: value}), engine.plan(boxes), grey(value, boxes))
    assert torch.allclose(found, whole(kept, start, end, value, boxes), rtol=1e-10, atol=1e-12)


def test_the_end_may_be_a_plane_and_comes_in_full():
    torch.manual_seed(0)
    module = Calls(lambda x, a, b: b(torch.relu(a(x))), nn.Conv2d(3, 4, 3), nn.Conv2d(4, 2, 5, stride=3)).double()
    x, boxes = (
        torch.rand(1, 3, 23, 19, dtype=torch.float64),
        torch.tensor([[0, 4, 0, 4], [20, 23, 17, 19], [9, 12, 3, 8]]),
    )
    engine, graph, start, end = opened(module, x)
    found = engine.run(engine.clean({start: x}), engine.plan(boxes), grey(x, boxes))
    expected = whole(graph, start, end, x, boxes)
    assert found.shape == expected.shape
    assert torch.allclose(found, expected, rtol=1e-10, atol=1e-12)


def test_little_waits_for_the_tail_where_little_may(monkeypatch):
    module, x = network(gate=True)
    boxes = windows(32, 8, 4)
    engine, graph, start, end = opened(module, x)
    flushed = []
    monkeypatch.setattr(engine_file, "WAITING", 1)
    monkeypatch.setattr(engine_file, "TAIL", 3 * engine.route.largest_behind)
    plain = engine_file.execute

    def counted(graph, given, wanted):
        flushed.append(len(next(iter(given.values()))))
        return plain(graph, given, wanted)

    monkeypatch.setattr(engine_file, "execute", counted)
    clean = engine.clean({start: x})
    flushed.clear()
    plan = engine.plan(boxes)
    found = engine.run(clean, plan, grey(x, boxes))
    assert len(flushed) >= len(plan.batches)
    assert max(flushed) <= 3
    assert torch.allclose(found, whole(graph, start, end, x, boxes), rtol=1e-10, atol=1e-12)


def test_single_precision_is_as_exact_as_it_can_be():
    module, x = network()
    module, x = module.float(), x.float()
    boxes = windows(32, 8, 4)
    engine, graph, start, end = opened(module, x)
    found = engine.run(engine.clean({start: x}), engine.plan(boxes), grey(x, boxes))
    expected = whole(graph, start, end, x, boxes)
    assert (found - expected).abs().max() <= 1e-5 * expected.abs().max()


def test_progress_is_told_position_by_position():
    module, x = network()
    engine, _, start, _ = opened(module, x)
    boxes, told = windows(32, 8, 4), []
    engine.run(engine.clean({start: x}), engine.plan(boxes), grey(x, boxes), lambda done, of: told.append((done, of)))
    assert [of for _, of in told] == [49] * len(told)
    assert told[-1][0] == 49
    assert sorted(told) == told
