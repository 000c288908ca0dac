"""A run computes everything at most once, counts what it computes, and says what it can't give."""

import pytest
import torch
import torch.nn as nn
from small import Calls, all_outputs, first_output, residual, source_of

from seethrough.errors import NetworkRefused, UsageError
from seethrough.graph.rules import DECONV, GUIDED, PLAIN
from seethrough.graph.run import Run
from seethrough.results import INPUT, Passes

X = torch.randn(3, 3, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def source():
    return source_of(residual())


def test_what_is_asked_twice_is_computed_once(source):
    run = Run(source, X, all_outputs)
    for _ in range(2):
        assert run.scores.shape == (3,) and run.gradient().shape == X.shape and run.output.shape == (3, 4)
    assert run.counter.passes == Passes(3, 3)


def test_one_walk_a_set_of_rules(source):
    run = Run(source, X, all_outputs, asks=[(PLAIN, INPUT), (PLAIN, "b"), (GUIDED, INPUT), (DECONV, INPUT)])
    run.value("b"), run.gradient("b"), run.gradient(), run.gradient(INPUT, GUIDED), run.gradient(INPUT, DECONV)
    assert run.counter.passes == Passes(3, 9)


def test_a_layer_that_wasnt_announced_costs_another_forward(source):
    run = Run(source, X, all_outputs)
    run.scores  # noqa: B018
    run.value("b")
    assert run.counter.passes == Passes(6, 0)


def test_announced_or_not_the_numbers_are_the_same(source):
    announced, late = Run(source, X, all_outputs, asks=[(PLAIN, "b"), (PLAIN, INPUT)]), Run(source, X, all_outputs)
    assert torch.equal(announced.gradient(), late.gradient()) and torch.equal(
        announced.gradient("b"), late.gradient("b")
    )


def test_scores_of_other_images_are_counted_and_keep_nothing(source):
    run = Run(source, X, all_outputs)
    many = torch.cat([X, X * 2])
    assert torch.allclose(run.score(many)[:3], run.scores, rtol=1e-5)
    assert run.counter.passes == Passes(9, 0)


def test_other_images_know_whose_they_are(source):
    seen = []

    def target(out, rows):
        seen.append(rows.tolist())
        return out[torch.arange(len(out)), rows]

    run = Run(source, X, target)
    run.at(torch.cat([X, X])).scores  # noqa: B018
    assert seen == [[0, 1, 2, 0, 1, 2]]


def test_a_run_about_other_images_is_counted_with_the_first(source):
    run = Run(source, X, all_outputs)
    run.at(X + 1).gradient()
    assert run.counter.passes == Passes(3, 3)


def test_a_softmax_is_looked_through_unless_probabilities_are_meant():
    network = nn.Sequential(nn.Flatten(), nn.Linear(192, 4), nn.Softmax(1))
    source = source_of(network)
    logits, chances = Run(source, X, first_output), Run(source, X, first_output, probabilities=True)
    assert torch.allclose(logits.scores, network[:2](X)[:, 0].detach()) and torch.allclose(
        chances.scores, network(X)[:, 0].detach()
    )
    assert torch.equal(logits.output, chances.output)


def test_a_layer_that_the_target_doesnt_depend_on_has_gradient_zero():
    network = Calls(lambda x, a, b: (a(x.flatten(1)), b(x.flatten(1)))[0], nn.Linear(192, 4), nn.Linear(192, 5))
    run = Run(source_of(network), X, first_output)
    assert torch.equal(run.gradient("inside.1"), torch.zeros(3, 5)) and run.gradient("inside.0").abs().sum() == 3


def test_a_module_used_twice_has_two_names_and_two_gradients(source):
    run = Run(source, X, all_outputs, asks=[(PLAIN, "relu"), (PLAIN, "relu:2")])
    assert not torch.equal(run.value("relu"), run.value("relu:2")) and not torch.equal(
        run.gradient("relu"), run.gradient("relu:2")
    )


def test_an_operation_can_be_asked_by_its_path(source):
    run = Run(source, X, all_outputs)
    assert torch.equal(run.value("b/conv2d"), run.value("b"))


def test_nothing_asked_nothing_answered(source):
    with pytest.raises(UsageError, match="no target yet"):
        Run(source, X).scores  # noqa: B018


def test_no_layer_of_a_network_that_runs_whole():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(144, 4))
    network[0].register_full_backward_hook(lambda module, given, arrived: None)
    run = Run(source_of(network), X, first_output)
    assert run.gradient().abs().sum() > 0
    with pytest.raises(NetworkRefused, match="backward hook on 0"):
        run.value("0")
    assert Run(source_of(network), X, first_output).counter.passes == Passes(0, 0)
