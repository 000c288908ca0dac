"""A head gives by difference what its operations give of the whole plane."""

from functools import cache

import pytest
import torch
import torch.nn as nn
from boxes_by_hand import between
from hypothesis import given, settings
from hypothesis import strategies as st
from small import Calls, source_of

from seethrough.graph.execute import execute
from seethrough.graph.fast.boxes import heads
from seethrough.graph.fast.boxes.heads import FlatLinear, Meaned, head_of
from seethrough.graph.fast.fused import fused

C, H, W = 5, 6, 4


@cache
def a_head(network):
    """The fused graph of a network that begins with a rectifier, and the head behind it."""
    torch.manual_seed(0)
    network = network.double().eval().requires_grad_(False)
    plain = source_of(network).proved(torch.randn(2, C, H, W, dtype=torch.float64))
    whole = fused(plain, [plain.output.value])
    first = whole.operations[0]
    return whole, first.outputs[0], head_of(whole, whole.operations[1])


MEANS = {
    "adaptive": nn.Sequential(nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    "mean": Calls(lambda x: torch.relu(x).mean((2, 3))),
    "mean, axes kept": Calls(lambda x: torch.relu(x).mean((-1, -2), keepdim=True)),
    "sum": Calls(lambda x: torch.relu(x).sum((2, 3))),
    "pooling by the whole": nn.Sequential(nn.ReLU(), nn.AvgPool2d((H, W))),
    "divided by something else": nn.Sequential(nn.ReLU(), nn.AvgPool2d((H, W), divisor_override=7)),
}
LINEAR = {
    "flat": nn.Sequential(nn.ReLU(), nn.Flatten(), nn.Linear(C * H * W, 7)),
    "flat, dropout": nn.Sequential(nn.ReLU(), nn.Flatten(), nn.Dropout(), nn.Linear(C * H * W, 7, bias=False)),
    "channels last": Calls(
        lambda x, fc: fc(torch.relu(x).permute(0, 2, 3, 1).reshape(len(x), -1)), nn.Linear(C * H * W, 7)
    ),
    "product with a matrix": Calls(
        lambda x, fc: torch.matmul(torch.relu(x).reshape(len(x), -1), fc.weight.t()) + fc.bias, nn.Linear(C * H * W, 7)
    ),
}


@pytest.mark.parametrize("name", [*MEANS, *LINEAR])
@pytest.mark.parametrize("apart", [0, 0.4, 2], ids=["as planes", "some apart", "all apart"])
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000), count=st.integers(1, 4))
def test_a_head_is_had_by_difference(name, apart, seed, count):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(heads, "APART", apart)
        patch.setattr(heads, "SCRATCH", 3 * C * H * W * 8)
        whole, source, head = a_head({**MEANS, **LINEAR}[name])
        assert isinstance(head, Meaned if name in MEANS else FlatLinear) and head.source == source
        random = torch.Generator().manual_seed(seed)
        clean = torch.randn(1, C, H, W, generator=random, dtype=torch.float64)
        kept = head.clean(clean)
        taken, planes = [], []
        for height, width in [(2, 3), (H, W), (1, 1)]:
            top = torch.randint(0, H - height + 1, (count,), generator=random)
            left = torch.randint(0, W - width + 1, (count,), generator=random)
            boxes = torch.stack([top, top + height, left, left + width], 1)
            changed = between(clean, boxes, random)
            box = torch.stack([p[:, t : t + height, x : x + width] for p, t, x in zip(changed, top, left)])
            taken.append(head.take(kept, box.contiguous(memory_format=torch.channels_last), top, left))
            planes.append(changed)
        dense = execute(whole, {source: torch.cat(planes)}, [head.output])[head.output]
        torch.testing.assert_close(head.give(kept, taken), dense, rtol=1e-12, atol=1e-12)


def test_a_mean_of_large_numbers_moves_by_what_moved():
    _, _, head = a_head(MEANS["mean"])
    clean = torch.full((1, C, H, W), 1e4)
    changed = clean.clone()
    changed[:, :, 2:4, 1:3] += 1.0
    taken = head.take(head.clean(clean), changed[:, :, 2:4, 1:3], torch.tensor([2]), torch.tensor([1]))
    torch.testing.assert_close(taken[0], torch.full((1, C), 4 / (H * W)), rtol=1e-6, atol=0)


def test_no_head_where_something_else_is_meant():
    for network in (
        Calls(lambda x: torch.relu(x).mean((1, 2))),
        Calls(lambda x: torch.relu(x).mean(3)),
        nn.Sequential(nn.ReLU(), nn.AvgPool2d(2), nn.Flatten()),
        nn.Sequential(nn.ReLU(), nn.Flatten(2), nn.Linear(H * W, 3)),
        Calls(lambda x, fc: fc(y := torch.relu(x).flatten(1)) + y.sum(), nn.Linear(C * H * W, 7)),
    ):
        assert a_head(network)[2] is None
