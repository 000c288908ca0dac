"""Numbers that go with the batch are found as a · B + b, and what doesn't go evenly is refused with operation and line."""

import pytest
import torch
from small import Calls, recorded, written_down

from seethrough.errors import NetworkRefused
from seethrough.graph.execute import execute
from seethrough.graph.operations import Size
from seethrough.graph.unite import unite


def run(graph, x):
    place = graph.output
    return place.of(execute(graph, {graph.input.value: x}, [place.value])[place.value])


def sizes(graph):
    return [a for operation in graph for a in operation.arguments if isinstance(a, Size)]


def test_a_number_that_differs_is_a_line_through_two_points():
    graph = written_down(Calls(lambda x: x.repeat(2, 1).narrow(0, 1, 2 * x.size(0) - 1)[: 3 * x.size(0) // 3]), 5)
    assert sizes(graph) == [Size(2, -1), Size(1, 0)]
    for batch in (1, 2, 7):
        x = torch.randn(batch, 5)
        assert torch.equal(run(graph, x), x.repeat(2, 1)[1:][:batch])


def test_shapes_carry_the_batch():
    graph = written_down(Calls(lambda x: x.reshape(-1).reshape(x.size(0) * 2, 3)), 6)
    assert graph.values[graph.output.value].shape == (Size(2, 0), 3)
    assert graph.values[graph.output.value].at(5) == (10, 3)


def test_fractions_of_the_batch_go_too():
    graph = written_down(Calls(lambda x: x * (0.5 * x.size(0) + 1)), 4)
    x = torch.randn(6, 4)
    assert torch.allclose(run(graph, x), x * 4)


def test_a_single_recording_holds_for_its_batch_alone():
    graph = unite([recorded(Calls(lambda x: x * x.size(0) ** 2), 4, batch=3)])
    assert graph.holds_for(3) and not graph.holds_for(2)


def test_another_way_at_another_batch_size_is_refused_with_both_lines():
    with pytest.raises(
        NetworkRefused, match=r"another way at batch 3: relu at test_unite\.py:\d+ instead of abs at test_unite\.py:\d+"
    ):
        written_down(Calls(lambda x: x.abs() if x.size(0) == 2 else x.relu()), 4)


def test_a_switch_that_goes_with_the_batch_is_refused():
    with pytest.raises(
        NetworkRefused, match=r"sum at test_unite\.py:\d+ is given True at batch 2 and False at batch 3"
    ):
        written_down(Calls(lambda x: x.sum(1, keepdim=x.size(0) == 2).reshape(x.size(0))), 4)


def test_a_constant_of_the_batch_that_torch_made_is_an_operation():
    graph = written_down(Calls(lambda x: x * torch.arange(x.size(0)).float().sqrt()[:, None]), 4)
    x = torch.randn(6, 4)
    assert torch.equal(run(graph, x), x * torch.arange(6).float().sqrt()[:, None])


def test_what_doesnt_depend_on_the_image_was_computed_once():
    weight = torch.randn(4, 4)
    graph = written_down(Calls(lambda x: x @ (weight @ weight.T).softmax(0)), 4)
    assert [operation.name for operation in graph] == ["matmul"]


def test_an_output_without_the_image_is_refused():
    with pytest.raises(NetworkRefused, match="output"):
        written_down(Calls(lambda x: torch.ones(3, 2)), 4)
