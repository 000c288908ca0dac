"""What passes a layer by is found on the graph, and run once for all versions of the layer's value."""

import pytest
import torch
from torch import nn

import seethrough as st
from seethrough.graph.beside import for_versions, passing_by
from seethrough.graph.execute import execute, plan
from seethrough.graph.run import Run


class Residual(nn.Module):
    """A trunk, and a branch that is added to it; ``gate`` multiplies by a number an image too."""

    def __init__(self, drop=0.0):
        super().__init__()
        self.trunk, self.branch, self.gate = (
            nn.Conv2d(3, 4, 3, padding=1),
            nn.Conv2d(4, 4, 3, padding=1),
            nn.Linear(3, 4),
        )
        self.head, self.drop = nn.Linear(4, 5), drop

    def forward(self, x):
        trunk = nn.functional.dropout(torch.relu(self.trunk(x)), self.drop, training=self.drop > 0)
        gate = self.gate(x.mean((2, 3)))[:, :, None, None]
        return self.head((trunk + gate * self.branch(trunk)).mean((2, 3)))


X = torch.randn(2, 3, 6, 7, generator=torch.Generator().manual_seed(0))


def started(module):
    torch.manual_seed(1)
    net = st.open(module.eval(), input_size=(3, 6, 7))
    run = Run(net.source_of(net.prepare(X)), X, lambda out, _: out[:, 2])
    return run, run.from_layer("branch")


def test_the_residual_and_the_gate_pass_the_branch_by():
    run, _ = started(Residual())
    graph = run.graph
    start = graph.place("branch").value
    names = [graph.operations[graph.producer[v]].name for v in passing_by(graph, start, graph.logits.value)]
    assert sorted(names) == ["getitem", "relu"]
    assert passing_by(graph, graph.place("trunk").value, graph.place("branch").value) == []


@pytest.mark.parametrize("times", [1, 3])
def test_versions_of_a_layer_give_what_they_give_with_everything_run_again(times):
    module = Residual()
    _, below = started(module)
    raw = torch.randn(times * 2, *below.images.shape[1:], generator=torch.Generator().manual_seed(2))
    found = below.score(raw)
    with torch.no_grad():
        x = X.repeat(times, 1, 1, 1)
        trunk, gate = torch.relu(module.trunk(x)), module.gate(x.mean((2, 3)))[:, :, None, None]
        expected = module.head((trunk + gate * raw).mean((2, 3)))[:, 2]
    torch.testing.assert_close(found, expected)
    raw.requires_grad_()
    module.head((trunk + gate * raw).mean((2, 3)))[:, 2].sum().backward()
    torch.testing.assert_close(below.at(raw.detach()).gradient(), raw.grad)


def test_nothing_before_the_layer_is_run_again():
    _, below = started(Residual())
    graph = below.graph
    given = below.entrance.given(graph, below.images)
    assert [o.name for o in plan(graph, [graph.logits.value], given).steps if o.name in ("conv2d", "relu")] == []
    assert list(below.passed) == [graph]
    assert below.at(below.images).passed is below.passed


def test_where_numbers_are_drawn_on_the_way_everything_is_run_again():
    run, _ = started(Residual(drop=0.5))
    graph = run.graph
    assert graph.batch is None and graph.draws
    assert passing_by(graph, graph.place("branch").value, graph.logits.value) == []


def test_versions_stand_behind_each_other_along_the_axis_of_the_images():
    run, _ = started(Residual())
    graph = run.graph
    value = graph.place("trunk").value
    trunk = execute(graph, {graph.input.value: X}, [value])[value]
    assert torch.equal(for_versions(graph, {value: trunk}, 2)[value], torch.cat([trunk, trunk]))
    assert for_versions(graph, {value: trunk}, 1)[value] is trunk
