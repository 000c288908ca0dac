"""What changes in a box is answered from boxes, checked against whole pictures, and left to them where that must be."""

import pytest
import torch
import torch.nn as nn
from small import Calls, residual, source_of

from seethrough.graph.fast import local
from seethrough.graph.fast.boxes.cost import Seconds
from seethrough.graph.fast.local import Changes
from seethrough.graph.run import Run
from seethrough.graph.source import GraphSource

SIZE, SIDE = 24, 4
STARTS = torch.arange(0, SIZE, SIDE)
GRID = torch.stack(
    [torch.tensor([top, top + SIDE, left, left + SIDE]) for top in STARTS.tolist() for left in STARTS.tolist()]
)


@pytest.fixture(autouse=True)
def boxes_pay(monkeypatch):
    """On networks as small as these it depends on the machine."""
    monkeypatch.setattr(local, "_pays", lambda engine, run, changes: bool(local._parts(run, changes, 0)))


def pictures(count=1, size=SIZE, channels=3, dtype=torch.float32):
    return torch.randn(count, channels, size, size, generator=torch.Generator().manual_seed(3)).to(dtype)


def filled(images, boxes, number=0.5):
    """Changes of some images: a number inside each box, (K, 4) or of each image its own (N, K, 4)."""
    each = boxes if boxes.dim() == 3 else boxes[None]

    def box(image, k):
        return each[image if len(each) > 1 else 0][k].tolist()

    def version(image, k):
        top, bottom, left, right = box(image, k)
        picture = images[image].clone()
        picture[:, top:bottom, left:right] = number
        return picture

    def inside(image, numbers, top, left, height, width):
        cut = [
            version(image, k)[:, t : t + height, c : c + width]
            for k, t, c in zip(numbers.tolist(), top.tolist(), left.tolist())
        ]
        return torch.stack(cut)

    def whole(numbers):
        return torch.stack([version(i, k) for k in numbers for i in range(len(images))])

    return Changes(each, inside, whole)


def by_hand(module, images, changes, ask):
    """(K, N), each version on its own through the person's network."""
    found = torch.zeros(changes.count, len(images), dtype=images.dtype)
    with torch.no_grad():
        for k in range(changes.count):
            for i, picture in enumerate(changes.whole(range(k, k + 1))):
                found[k, i] = ask(module(picture[None]), torch.tensor([i]))[0]
    return found


def second(out, rows):
    return out[torch.arange(len(out)), rows % out.shape[1]]


def agree(found, expected):
    scale = expected.abs().max()
    assert ((found - expected).abs().max() <= local.AGREE[expected.dtype] * scale).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("count", [1, 3])
def test_boxes_give_what_whole_pictures_give(dtype, count):
    module, images = residual().to(dtype), pictures(count, dtype=dtype)
    run, changes = Run(source_of(module), images, second), filled(images, GRID)
    agree(run.score_changes(changes), by_hand(module, images, changes, second))
    (spared,) = run.counter.spared
    assert spared.positions == count * len(GRID) and spared.checked == 3 * count and not spared.wrong
    assert spared.run < spared.whole and spared.difference <= local.AGREE[dtype]


def test_each_position_counts_as_a_forward_and_the_checks_count_no_further():
    images = pictures()
    run = Run(source_of(residual()), images, second)
    run.scores  # noqa: B018
    run.score_changes(filled(images, GRID))
    assert run.counter.forward == 1 + len(GRID) and run.counter.spared


def test_each_image_may_have_boxes_of_its_own_and_boxes_may_hold_nothing():
    images, boxes = pictures(2), torch.stack([GRID, GRID.flip(0)])
    boxes[1, 5], boxes[0, 0] = 0, torch.tensor([3, 5, 0, 9])
    module = residual()
    run, changes = Run(source_of(module), images, second), filled(images, boxes)
    found = run.score_changes(changes)
    agree(found, by_hand(module, images, changes, second))
    assert float(found[5, 1]) == float(run.scores[1]) and run.counter.spared


def test_boxes_that_all_hold_nothing_leave_the_answer_as_it_is():
    images = pictures()
    run = Run(source_of(residual()), images, second)
    found = run.score_changes(filled(images, torch.zeros(20, 4, dtype=torch.int64)))
    torch.testing.assert_close(found, run.scores.expand(20, 1), rtol=1e-5, atol=1e-6)


def test_progress_goes_up_to_all_positions_of_all_images():
    images, told = pictures(2), []
    run = Run(source_of(residual()), images, second)
    run.score_changes(filled(images, GRID), lambda done, count: told.append((done, count)))
    assert run.counter.spared and told[-1] == (len(GRID), len(GRID)) and told == sorted(told)


def test_a_weight_written_past_torchs_notice_is_noticed_and_the_answers_are_right():
    module, images = residual(), pictures()
    source, changes = source_of(module), filled(images, GRID)
    Run(source, images, second).score_changes(changes)
    module.b.weight.data.mul_(-2)
    run = Run(source, images, second)
    agree(run.score_changes(changes), by_hand(module, images, changes, second))
    (spared,) = run.counter.spared
    assert not spared.wrong


def test_boxes_that_give_other_numbers_are_not_believed_and_it_is_said(monkeypatch):
    module, images = residual(), pictures()
    plain = local.Boxes.run
    monkeypatch.setattr(local.Boxes, "run", lambda *given: plain(*given) * 1.001)
    run, changes = Run(source_of(module), images, second), filled(images, GRID)
    agree(run.score_changes(changes), by_hand(module, images, changes, second))
    (spared,) = run.counter.spared
    assert spared.wrong and run.counter.forward == 1 + len(GRID)


def test_boxes_that_stumble_leave_it_to_whole_pictures(monkeypatch):
    def stumbles(*_):
        raise IndexError("far out\nand more")

    module, images = residual(), pictures()
    monkeypatch.setattr(local.Boxes, "run", stumbles)
    run, changes = Run(source_of(module), images, second), filled(images, GRID)
    agree(run.score_changes(changes), by_hand(module, images, changes, second))
    assert run.counter.spared[0].wrong == "IndexError: far out"


def test_where_memory_runs_out_whole_pictures_go_through_in_groups(monkeypatch):
    def full(*_):
        raise MemoryError

    module, images = residual(), pictures()
    monkeypatch.setattr(local.Boxes, "run", full)
    run, changes = Run(source_of(module), images, second), filled(images, GRID)
    agree(run.score_changes(changes), by_hand(module, images, changes, second))
    assert not run.counter.spared and run.counter.forward == 1 + len(GRID)


def looking(x):
    return x if x.sum() > 1e9 else x.relu()


def one_alone(x):
    if len(x) != 1:
        raise ValueError("one picture at a time")
    return x


@pytest.mark.parametrize(
    "function",
    [
        lambda x, c: c(one_alone(x)).mean((2, 3)),
        lambda x, c: looking(c(x)).mean((2, 3)),  # looks at what it computed
        lambda x, c: nn.functional.dropout(c(x), 0.5, training=True).mean((2, 3)),
    ],
)
def test_a_network_that_holds_for_one_batch_or_one_image_or_draws_goes_the_plain_way(function):
    torch.manual_seed(0)
    module, images = Calls(function, nn.Conv2d(3, 4, 3)).eval(), pictures()
    run, changes = Run(source_of(module), images, second, together=1), filled(images, GRID)
    run.score_changes(changes)
    assert not run.counter.spared and run.counter.forward == 1 + len(GRID)


def test_a_network_that_mixes_the_pictures_of_a_batch_is_found_out():
    torch.manual_seed(0)
    images = pictures()
    mixes = Calls(lambda x, c: c(x).flatten(2).mean(2).roll(1, 0), nn.Conv2d(3, 4, 3))
    run, changes = Run(source_of(mixes), images, second, together=1), filled(images, GRID)
    agree(run.score_changes(changes), by_hand(mixes, images, changes, second))
    assert all(spared.wrong for spared in run.counter.spared)


@pytest.mark.parametrize(
    "boxes", [GRID[:5], torch.tensor([[0, 20, 0, 20]]).expand(30, 4)], ids=["few boxes", "boxes of most of the picture"]
)
def test_where_little_can_be_spared_whole_pictures_go_through(boxes):
    images = pictures()
    run = Run(source_of(residual()), images, second)
    run.score_changes(filled(images, boxes))
    assert not run.counter.spared


def test_a_unit_inside_and_a_function_of_many_numbers_are_answered_too():
    module, images = residual(), pictures()

    def unit(out, rows):
        return out[:, 2, 4, 5] - out[:, 1].mean((1, 2))

    run, changes = Run(source_of(module), images, unit, answer="b"), filled(images, GRID)
    inside = Calls(lambda x, a, norm, b: b(norm(a(x)).relu()), module.a, module.norm, module.b)
    agree(run.score_changes(changes), by_hand(inside, images, changes, unit))
    assert run.counter.spared


def test_answers_of_many_numbers_are_held_a_part_at_a_time(monkeypatch):
    torch.manual_seed(0)
    module, images = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 2, 3)), pictures()
    monkeypatch.setattr(local, "HELD", 1)
    monkeypatch.setattr(local, "LEAST", 10)

    def all_of_it(out, rows):
        return out.square().mean((1, 2, 3))

    run, changes = Run(source_of(module), images, all_of_it), filled(images, GRID)
    agree(run.score_changes(changes), by_hand(module, images, changes, all_of_it))
    assert run.counter.spared and len(local._parts(run, changes, 0)) == 4


def test_a_layers_value_is_changed_in_boxes_while_what_passes_it_by_stays():
    torch.manual_seed(0)
    parts = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 5, 3, padding=1), nn.Conv2d(3, 5, 1)
    module = Calls(lambda x, a, b, by: (b(a(x).relu()) + by(x).tanh()).relu().mean((2, 3)), *parts)
    images = pictures(2)
    run = Run(source_of(module), images, second).from_layer("inside.0")
    changes = filled(run.images, GRID)
    found = run.score_changes(changes)
    with torch.no_grad():
        for i in range(2):
            versions = torch.cat([changes.whole(range(k, k + 1))[i : i + 1] for k in range(changes.count)])
            expected = (parts[1](versions.relu()) + parts[2](images[i : i + 1]).tanh()).relu().mean((2, 3))
            agree(found[:, i], second(expected, torch.full((len(GRID),), i)))
    assert run.counter.spared


def test_what_stands_beside_each_image_stays_with_it():
    class Beside(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.conv, self.fc = nn.Conv2d(3, 5, 3, padding=1), nn.Linear(7, 3)

        def forward(self, x, row):
            return self.fc(torch.cat([self.conv(x).relu().mean((2, 3)), row], 1))

    module, images, rows = Beside().eval(), pictures(2), torch.randn(2, 2)
    named = {id(m): name for name, m in module.named_modules()}
    source = GraphSource(module, module, named, inputs=("x", "row"), forms=(rows[:1],)).beside({"row": rows})
    run, changes = Run(source, images, second), filled(images, GRID)
    found = run.score_changes(changes)
    with torch.no_grad():
        for i in range(2):
            versions = torch.cat([changes.whole(range(k, k + 1))[i : i + 1] for k in range(changes.count)])
            expected = second(module(versions, rows[i : i + 1].expand(len(versions), -1)), torch.full((36,), i))
            agree(found[:, i], expected)
    assert run.counter.spared


def test_a_plane_smaller_than_the_kernel_that_reads_it_is_no_obstacle():
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(3, 6, 3, stride=8, padding=1), nn.ReLU(), nn.Conv2d(6, 6, 5, padding=2, groups=6), nn.ReLU(),
        nn.Conv2d(6, 6, 3, padding=4, dilation=4), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 4),
    )  # fmt: skip
    images = pictures()
    run, changes = Run(source_of(module), images, second), filled(images, GRID)
    agree(run.score_changes(changes), by_hand(module, images, changes, second))
    assert all(not spared.wrong for spared in run.counter.spared)


@pytest.mark.parametrize(("boxes", "whole", "goes"), [(1.0, 2.0, True), (1.9, 2.0, False), (3.0, 2.0, False)])
def test_boxes_are_taken_where_they_pay_the_checks_included(monkeypatch, boxes, whole, goes):
    monkeypatch.undo()
    monkeypatch.setattr(local, "predicted", lambda *_: Seconds(boxes, whole))
    images = pictures()
    run = Run(source_of(residual()), images, second)
    run.score_changes(filled(images, GRID))
    assert bool(run.counter.spared) == goes
