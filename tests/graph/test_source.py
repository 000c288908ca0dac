"""A graph is kept as long as the network and the form of its input stay what they were, and not a moment longer."""

import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F
from small import Calls, all_outputs, residual, source_of
from torch.nn.utils import parametrizations

from seethrough.errors import NetworkRefused
from seethrough.graph.run import Run
from seethrough.graph.source import KEPT, state_of

X = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def right(source, x=X):
    """Whether the gradient through the graph is autograd's now."""
    leaf = x.clone().requires_grad_()
    (expected,) = torch.autograd.grad(all_outputs(source.module(leaf), None).sum(), leaf)
    return torch.allclose(Run(source, x, all_outputs).gradient(), expected, rtol=1e-5, atol=1e-7)


def test_the_same_form_gives_the_same_graph_at_any_batch_size():
    source = source_of(residual())
    assert source.proved(X) is source.proved(X + 1) is source.proved(torch.cat([X, X]))


@pytest.mark.parametrize(
    "other",
    [torch.randn(2, 3, 10, 8), torch.randn(2, 3, 8, 10), X.contiguous(memory_format=torch.channels_last)],
    ids=["height", "width", "memory format"],
)
def test_another_form_gives_another_graph(other):
    source = source_of(residual())
    first = source.proved(X)
    assert source.proved(other) is not first and right(source, other) and source.proved(X) is first


def test_another_dtype_gives_another_graph():
    network = residual()
    source = source_of(network)
    first = source.proved(X)
    network.double()
    assert source.proved(X.double()) is not first and right(source, X.double())


def derived():
    """A network whose kernel is computed from a weight."""
    network = residual()
    parametrizations.weight_norm(network.a)
    return network


def _in_place(network):
    with torch.no_grad():
        network.b.weight.mul_(1.5)


def _through_data(network):
    network.a.parametrizations.weight.original1.data.mul_(-1.5)


def _gain_through_data(network):
    network.a.parametrizations.weight.original0.data[0] = 3.0


CHANGES = {
    "a weight in place": _in_place,
    "a weight through data": _through_data,
    "one number through data": _gain_through_data,
    "a weight replaced": lambda n: setattr(n.fc, "weight", nn.Parameter(n.fc.weight.detach() * 2)),
    "data replaced": lambda n: setattr(n.fc.weight, "data", n.fc.weight.data * 2),
    "a module replaced": lambda n: setattr(n, "pool", nn.AvgPool2d(2)),
    "a setting": lambda n: setattr(n.norm, "eps", 0.5),
    "a buffer": lambda n: n.norm.running_var.mul_(3),
    "a state dict": lambda n: n.load_state_dict(
        {k: v * 1.1 if v.is_floating_point() else v for k, v in n.state_dict().items()}
    ),
    "a hook": lambda n: n.b.register_forward_hook(lambda module, given, returned: returned * 2),
    "a patched forward": lambda n: setattr(n.relu, "forward", F.softplus),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_changed_network_is_never_explained_by_its_former_self(change):
    source = source_of(derived())
    assert right(source)
    before = Run(source, X, all_outputs).gradient()
    change(source.module)
    assert right(source)
    assert not torch.equal(Run(source, X, all_outputs).gradient(), before), "the change changes something"


def test_attributes_that_are_no_modules_count_too():
    network = Calls(lambda x, fc: network.act(x.flatten(1) @ network.table) * network.order[0], nn.Linear(1, 1))
    network.act, network.table, network.order = F.relu, torch.randn(192, 4), [1.0, 2.0]
    source = source_of(network)
    for change in (
        lambda: setattr(network, "act", torch.tanh),
        lambda: network.table.mul_(2),
        lambda: network.order.reverse(),
    ):
        assert right(source)
        change()
    assert right(source)


def test_training_flags_alone_change_nothing():
    network = residual()
    state = state_of(network)
    assert state_of(network.train()) == state and state_of(network.eval()) == state


def test_looking_at_a_network_doesnt_change_its_state():
    source = source_of(derived())
    state = state_of(source.module)
    Run(source, X, all_outputs).gradient()
    assert state_of(source.module) == state


def test_only_the_last_few_graphs_are_kept():
    source = source_of(residual())
    first = source.proved(X)
    for side in range(9, 9 + KEPT):
        source.proved(torch.randn(1, 3, side, side))
    assert len(source._entries) == KEPT and source.proved(X) is not first


def test_each_batch_size_is_proved_before_it_is_used(monkeypatch):
    import seethrough.graph.source as home

    proofs, original = [], home.disagreement
    monkeypatch.setattr(
        home,
        "disagreement",
        lambda g, m, c, x, n, **k: proofs.append((len(x[0]), k["gradient"])) or original(g, m, c, x, n, **k),
    )
    source = source_of(residual())
    for batch in (2, 2, 3, 2, 3):
        source.proved(torch.randn(batch, 3, 8, 8))
    source.proved(X, gradient=True)
    source.proved(X, gradient=True)
    source.proved(X)
    assert proofs == [(2, False), (3, False), (2, True)]


def test_why_not_tells_the_way_and_what_forced_it_each_time():
    network = Calls(lambda x, fc: fc(x.flatten(1)) if x.sum() > 0 else -fc(x.flatten(1)), nn.Linear(192, 4))
    source = source_of(network)
    for _ in range(2):
        assert right(source, X.abs()) and right(source, -X.abs())
        way, reasons = source.why_not(X)
        assert way == "real" and "needs the values of an image" in reasons[0] and "test_source.py:" in reasons[0]
    with pytest.raises(NetworkRefused, match=r"test_source\.py:\d+ needs the values of an image"):
        source.written(X)


def test_an_error_of_the_network_itself_reaches_the_person():
    with pytest.raises(RuntimeError, match="channels"):
        source_of(residual()).proved(torch.randn(2, 4, 8, 8))


def test_a_surrounding_autocast_is_part_of_the_question():
    source = source_of(residual())
    plain = source.proved(X)
    with torch.autocast("cpu", torch.bfloat16):
        cast = source.proved(X)
    assert cast is not plain and source.proved(X) is plain
