"""What a run does for methods that share, move a layer, ask a unit, change the network or run out of memory."""

from dataclasses import replace

import pytest
import torch
import torch.nn as nn
from small import all_outputs, residual, source_of

from seethrough.errors import EnvironmentLacks, NetworkRefused, UsageError
from seethrough.graph import many
from seethrough.graph.rules import Rules
from seethrough.graph.run import Run
from seethrough.results import INPUT, Passes

X = torch.randn(3, 3, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def source():
    return source_of(residual())


def test_what_several_methods_need_is_made_by_the_first_that_asks(source):
    run, made = Run(source, X, all_outputs), []
    for _ in range(3):
        assert run.once(("noise", 0), lambda: made.append(1) or len(made)) == 1
    assert run.once(("noise", 1), lambda: made.append(1) or len(made)) == 2


def test_a_layer_that_stands_for_the_images_gives_the_same_answers_and_gradients(source):
    run = Run(source, X, all_outputs)
    inner = run.from_layer("b")
    assert torch.allclose(inner.scores, run.scores, atol=1e-6)
    assert torch.allclose(inner.gradient(), run.gradient("b"), atol=1e-6)
    twice = torch.cat([inner.images, inner.images * 0])
    assert torch.allclose(inner.score(twice)[:3], run.scores, atol=1e-6)
    assert torch.allclose(inner.at(twice).gradient()[:3], run.gradient("b"), atol=1e-6)
    with pytest.raises(UsageError, match="starts at layer 'b'"):
        inner.from_layer("b")


def test_a_unit_can_be_asked_instead_of_the_output(source):
    unit = Run(source, X, lambda value, rows: value[:, 1, 2, 3], answer="b")
    plain = Run(source, X, all_outputs)
    assert torch.equal(unit.scores, plain.value("b")[:, 1, 2, 3])
    x = X.clone().requires_grad_()
    module = residual()
    seen = []
    module.get_submodule("b").register_forward_hook(lambda m, i, o: seen.append(o))
    module(x)
    (wanted,) = torch.autograd.grad(seen[0][:, 1, 2, 3].sum(), x)
    assert torch.allclose(unit.gradient(), wanted, atol=1e-6)


def test_rules_that_read_numbers_get_those_of_each_operation(source):
    seen = []

    def reading(piece, arrived):
        (output,) = arrived
        seen.append(torch.allclose(piece.again(), piece.values[output], atol=1e-6))
        return piece.vjp(arrived)

    run = Run(source, X, all_outputs)
    rules = Rules(rest=reading, values=True)
    assert torch.allclose(run.gradient(INPUT, rules), run.gradient(), atol=1e-6)
    assert seen and all(seen)


def test_relevance_starts_with_the_answer_itself(source):
    run = Run(source, X, lambda out, rows: out[:, 2])
    relevance = run.gradient(INPUT, Rules(relevance=True))
    assert torch.allclose(relevance, run.gradient() * run.scores[:, None, None, None], atol=1e-5)


def test_another_network_of_the_same_operations_is_asked_the_same_question(source):
    run = Run(source, X, all_outputs)
    same = run.on(run.graph)
    assert torch.equal(same.scores, run.scores) and run.counter.passes == Passes(6, 0)


def test_where_memory_runs_out_half_as_many_go_on(source):
    run, tried = Run(source, X[:1], all_outputs, together=8), []

    def work(numbers):
        tried.append(len(numbers))
        if len(numbers) > 2:
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")

    run.in_groups(5, work)
    assert tried == [5, 4, 2, 2, 1] and run.counter.halved == 2


def test_memory_that_does_not_suffice_for_one_is_said_and_other_errors_are_not_swallowed(source):
    run = Run(source, X[:1], all_outputs, together=4)
    with pytest.raises(EnvironmentLacks, match="batch_size"):
        run.in_groups(4, lambda _: (_ for _ in ()).throw(MemoryError()))
    with pytest.raises(RuntimeError, match="shape"):
        run.in_groups(4, lambda _: (_ for _ in ()).throw(RuntimeError("shape")))


def test_a_batch_size_at_which_the_softmax_cannot_be_looked_through_is_refused_not_mixed_in():
    module = nn.Sequential(residual(), nn.Softmax(1))
    source = source_of(module)
    run = Run(source, X, lambda out, rows: out[:, 0], together=6)
    assert torch.allclose(run.scores, module[0](X)[:, 0].detach(), atol=1e-6)  # logits
    whole = source.proved
    source.proved = lambda images, **k: _without_softmax(whole(images, **k)) if len(images) == 6 else whole(images, **k)
    assert run.score(X).shape == (3,)
    with pytest.raises(NetworkRefused, match="not for 6 images at once"):
        run.score(torch.cat([X, X]))
    with pytest.raises(NetworkRefused, match="not for 6 images at once"):
        run.at(torch.cat([X, X])).gradient()


def _without_softmax(graph):
    """The same graph as one that ends in an operation nobody knows."""
    *before, last = graph.operations
    return replace(graph, operations=[*before, replace(last, name="own")])


@pytest.mark.parametrize("walked", [0, 12, many.FEW])
@pytest.mark.parametrize("heavy", [True, False])
def test_few_pictures_that_are_walked_back_go_one_by_one_where_each_keeps_a_processor_busy(
    source, monkeypatch, walked, heavy
):
    monkeypatch.setattr(many, "BUSY", 1 if heavy else 10**12)
    run, sizes = Run(source, X[:1], all_outputs, together=4), []
    run.in_groups(12, lambda numbers: sizes.append(len(numbers)), walked=walked)
    assert sizes == ([1] * 12 if heavy and 0 < walked < many.FEW else [4] * 3)
