"""Many pictures go on a fused twin, which is believed only when it gives what the plain graph gives."""

import torch
import torch.nn as nn
from small import first_output, source_of

from seethrough.graph.fast import choose
from seethrough.graph.fast.convolution import Convolution
from seethrough.graph.run import Run


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 4)
    ).eval()


X = torch.randn(1, 3, 12, 12, generator=torch.Generator().manual_seed(0))
MOVED = torch.randn(2 * choose.MANY, 3, 12, 12, generator=torch.Generator().manual_seed(1))


def asked(run: Run) -> torch.Tensor:
    found = torch.zeros(len(MOVED))

    def some(numbers: range) -> None:
        found[numbers.start : numbers.stop] = run.score(MOVED[numbers.start : numbers.stop])

    run.in_groups(len(MOVED), some)
    return found


def ways_of(run: Run):
    return list(run.counter.ways._found.values())


def test_many_pictures_go_on_the_twin_and_few_on_the_graph():
    module = network()
    run = Run(source_of(module), X, first_output)
    assert torch.equal(run.score(X), run.scores) and not ways_of(run)
    with torch.no_grad():
        assert torch.allclose(asked(run), module(MOVED)[:, 0], atol=1e-6)
    (way,) = ways_of(run)
    assert any(isinstance(o.function, Convolution) for o in way) and len(way) < len(run.graph)
    assert run.counter.passes.forward == 2 + len(MOVED)


def test_a_twin_is_made_once_for_a_network():
    source = source_of(network())
    one, two = (Run(source, x, first_output) for x in (X, X + 1))
    asked(one), asked(two)
    assert ways_of(one) == ways_of(two)


def test_a_weight_written_past_torchs_notice_makes_a_new_twin():
    module = network()
    source = source_of(module)
    asked(Run(source, X, first_output))
    module[0].weight.data *= 2
    with torch.no_grad():
        assert torch.allclose(asked(Run(source, X, first_output)), module(MOVED)[:, 0], atol=1e-6)


def test_a_twin_that_gives_something_else_is_not_used(monkeypatch):
    module = network()

    def wrong(graph, *key):
        twin = fused(graph, *key)
        function = twin.operations[0].function
        function.bias = function.bias + 1
        return twin

    fused = choose.fused
    monkeypatch.setattr(choose, "fused", wrong)
    run = Run(source_of(module), X, first_output)
    with torch.no_grad():
        assert torch.allclose(asked(run), module(MOVED)[:, 0], atol=1e-6)
    assert ways_of(run) == [run.graph]


def test_a_run_from_a_layer_has_a_twin_of_what_lies_behind():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), *network()[0:0], nn.Conv2d(4, 6, 3), nn.ReLU(), nn.Flatten()).eval()
    run = Run(source_of(module), X, first_output).from_layer("0")
    moved = run.images.repeat(choose.MANY, 1, 1, 1) + 1
    with torch.no_grad():
        assert torch.allclose(run.score(moved), module[1:](moved)[:, 0], atol=1e-6)
    (way,) = ways_of(run)
    assert [o.name for o in way] == ["conv2d", "flatten"]
