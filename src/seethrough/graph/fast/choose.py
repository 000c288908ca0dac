"""Which way many pictures go through a network: on the plain graph, or on its fused twin.

The one place where that is decided. A twin is made once for a graph and what is asked of it, and believed once a question: it
must give what the plain graph gave for the pictures that were asked about. (A weight that was written past torch's notice
would still be the old one in it.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from seethrough.graph.execute import execute
from seethrough.graph.fast.convolution import Convolution
from seethrough.graph.fast.fused import fused
from seethrough.graph.fast.gradients import fused_for_gradients
from seethrough.graph.graph import Graph
from seethrough.graph.prove import difference

MANY = 12
"""Pictures from which on a twin pays: making one takes about as long as two or three of them."""

_DTYPES = (torch.float32, torch.float64)

MANY_GRADIENTS = 6
"""The same, where each is walked back."""

Key = tuple[frozenset[int], frozenset[int], bool]
"""The values that are wanted, those that are given, and whether there are gradients."""

_twins: WeakKeyDictionary[Graph, dict[Key, Graph]] = WeakKeyDictionary()


def twin(
    graph: Graph, wanted: Iterable[int], given: Iterable[int], gradients: bool = False, *, again: bool = False
) -> Graph | None:
    """The graph fused for going from the given to the wanted values, as it was made before or anew; None where that would
    change nothing, or where its numbers have few digits, of which fusing would cost some.

    Parameters
    ----------
    gradients
        It will be walked back, see `fused_for_gradients`.
    again
        Make it anew, without what loses a digit: what was kept doesn't give what the graph gives.
    """
    if graph.values[graph.input.value].dtype not in _DTYPES or graph.draws:
        return None
    key = frozenset(wanted), frozenset(given), gradients
    kept = _twins.setdefault(graph, {})
    if again or key not in kept:
        kept[key] = (fused_for_gradients if gradients else fused)(graph, *key[:2])
        for operation in kept[key] if again else ():
            if isinstance(operation.function, Convolution):
                operation.function.may_transform = False
    found = kept[key]
    return found if any(isinstance(operation.function, Convolution) for operation in found) else None


class Ways:
    """The ways of one question: which graphs have a twin that was seen to give the same."""

    def __init__(self) -> None:
        self._found: dict[tuple[Graph, Key], Graph] = {}

    def of(
        self,
        graph: Graph,
        wanted: Iterable[int],
        given: Mapping[int, Tensor],
        pictures: int,
        known: Callable[[], Known],
        *,
        gradients: bool = False,
    ) -> Graph:
        """The graph to run.

        Parameters
        ----------
        pictures
            How many will go through it.
        known
            What it is run from in one case, and the wanted values then, by the plain graph.
        gradients
            They will be walked back.
        """
        key = frozenset(wanted), frozenset(given), gradients
        if pictures < (MANY_GRADIENTS if gradients else MANY):
            return self._found.get((graph, key), graph)
        if (graph, key) not in self._found:
            self._found[graph, key] = self._believed(graph, key, known)
        return self._found[graph, key]

    def _believed(self, graph: Graph, key: Key, known: Callable[[], Known]) -> Graph:
        for again in (False, True):
            other = twin(graph, *key, again=again)
            if other is None:
                break
            given, expected = known()
            found = execute(other, given, expected)
            if all(difference("output", found[v], expected[v]) is None for v in expected):
                return other
        return graph


Known = tuple[Mapping[int, Tensor], Mapping[int, Tensor]]
"""Given and wanted values by number."""
