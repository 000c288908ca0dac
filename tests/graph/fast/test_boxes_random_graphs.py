"""Whatever a network is made of, and wherever it is changed, boxes give what the plain graph gives of the whole."""

import os

import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_networks import FEW, Cooked, recipes
from small import source_of

from seethrough.graph.execute import execute
from seethrough.graph.fast.boxes.engine import Boxes
from seethrough.graph.fast.fused import fused

# How many random networks; a long run has thousands: SEETHROUGH_EXAMPLES=3000.
EXAMPLES = int(os.environ.get("SEETHROUGH_EXAMPLES", "40"))
SETTINGS = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def by_boxes_and_whole(network, x, boxes, pick, noise, most=None):
    """What boxes (K, 4) changed by noise, at the picture or at an inner plane, make of the end: by boxes, and by the plain
    graph of the whole; and the plan and the multiplications that were counted.
    """
    graph = source_of(network).written(x)
    start_at = graph.input.value
    end = graph.output.value
    planes = [o.outputs[0] for o in graph if len(o.outputs) == 1 and o.outputs[0] not in (None, end)]
    planes = [v for v in planes if len(graph.values[v].shape) == 4]
    start = start_at if pick == 0 or not planes else planes[pick % len(planes)]
    own = execute(graph, {start_at: x}, [start])[start]
    height, width = own.shape[2:]
    limits = torch.tensor([height, height, width, width])
    low, high = boxes[:, 0::2] % limits[0::2], boxes[:, 1::2]
    high = torch.minimum(low + high, limits[1::2])
    boxes = torch.stack([low[:, 0], high[:, 0], low[:, 1], high[:, 1]], 1)
    changed = own.repeat(len(boxes), 1, 1, 1)
    for i, (t, b, l, r) in enumerate(boxes.tolist()):  # noqa: E741
        changed[i, :, t:b, l:r] += noise[i]
    whole = execute(graph, {start_at: x.expand(len(boxes), -1, -1, -1), start: changed}, [end])[end]
    given = {start_at: x, start: own}
    engine = Boxes(fused(graph, [end], given), start, end)

    def inside(numbers, top, left, h, w):
        return torch.stack(
            [changed[n, :, t : t + h, l : l + w] for n, t, l in zip(numbers.tolist(), top.tolist(), left.tolist())]  # noqa: E741
        )

    plan = engine.plan(boxes, most)
    found = engine.run(engine.clean(given), plan, inside)
    return found, whole, plan, engine


CASE = (
    recipes(),
    st.lists(st.tuples(*[st.integers(0, 30), st.integers(1, 9)] * 2), min_size=1, max_size=9),
    st.integers(0, 12),
    st.sampled_from([None, 1, 3]),
    st.integers(0, 100),
)
"""A network, boxes, where it is changed, how many positions a batch, chance."""


@SETTINGS
@given(*CASE)
def test_boxes_give_what_the_whole_gives(recipe, boxes, pick, most, seed):
    torch.manual_seed(seed)
    steps, size = recipe
    x = torch.randn(1, FEW, *size, dtype=torch.float64)
    noise = torch.randn(len(boxes), dtype=torch.float64)
    found, whole, plan, engine = by_boxes_and_whole(Cooked(steps, size), x, torch.tensor(boxes), pick, noise, most)
    assert engine.macs == plan.macs
    scale = max(1.0, float(whole.abs().max()))
    torch.testing.assert_close(found / scale, whole / scale, rtol=1e-10, atol=1e-10)


@settings(SETTINGS, max_examples=max(12, EXAMPLES // 4))
@given(*CASE)
def test_in_single_precision_boxes_are_as_near_as_the_plain_graph(recipe, boxes, pick, most, seed):
    torch.manual_seed(seed)
    steps, size = recipe
    network = Cooked(steps, size)
    x, noise = torch.randn(1, FEW, *size), torch.randn(len(boxes))
    where = torch.tensor(boxes)
    _, exact, _, _ = by_boxes_and_whole(network.double(), x.double(), where, pick, noise.double(), most)
    found, whole, _, _ = by_boxes_and_whole(network.float(), x, where, pick, noise, most)
    scale = max(1e-3, float(exact.abs().max()))
    off, plain = (float((y - exact).abs().max()) / scale for y in (found, whole))
    assert off <= max(1e-5, 4 * plain)
