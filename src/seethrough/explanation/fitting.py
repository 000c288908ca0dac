"""Fitting: methods and networks that go together.

What the person named one by one and can't be had is refused with a sentence; what came with a default, a family or
``"all"`` gives way, with a note.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

from seethrough.attribution import Method, Needs, chosen_layer
from seethrough.attribution.cam_head import pooled_head
from seethrough.attribution.layers import any_layer
from seethrough.errors import NetworkRefused, UsageError
from seethrough.explanation.asked import Asked
from seethrough.explanation.defaults import NetworkKind, network_kind
from seethrough.graph.graph import Graph
from seethrough.graph.run import Run
from seethrough.network import Network, Prepared
from seethrough.results import Note

_READ_THE_GRAPH = (Needs.RULES, Needs.ATTENTION, Needs.POOLED_HEAD)


def fitting(
    net: Network, prepared: Prepared, asked: Asked, likely: Graph | None = None
) -> tuple[dict[Method, tuple[str, ...]], list[Note]]:
    """The methods to use, each with the layers its map is taken from (none: the input), and what was left out.

    Parameters
    ----------
    likely
        The graph that layers are looked for in, so that the run of the methods may be its proof; None: one that is proved
        for these images.

    Raises
    ------
    UsageError, NetworkRefused
        A method the person named, or a layer, that can't be had.
    """
    found: dict[Method, tuple[str, ...]] = {}
    notes = []
    graph = cache(
        lambda: likely or readable(net, prepared)
    )  # once for all methods: whether it still holds is looked up anew
    for m in asked.methods:
        try:
            found[m] = _layers(graph, prepared, m, asked.layers)
        except (UsageError, NetworkRefused):
            if m.name not in asked.optional or (asked.layers and m.takes_layer):
                raise
            notes.append(left_out(m))
    return found, notes


def _layers(graph: Callable[[], Graph], prepared: Prepared, method: Method, wanted: Sequence[str]) -> tuple[str, ...]:
    if method.needs is Needs.PICTURES and prepared.batch.dim() != 4:
        shape = tuple(prepared.batch.shape[1:])
        raise UsageError(f"{method.name} needs {method.needs.value}; one input of this network has the shape {shape}.")
    if method.needs in _READ_THE_GRAPH or (method.rules is not None and method.rules.rectifiers is not None):
        graph()
    if method.needs is Needs.POOLED_HEAD:
        return (pooled_head(graph(), graph().logits.value).layer,)
    if not method.takes_layer:
        return ()
    choose = chosen_layer if method.needs is Needs.SPATIAL_LAYER else any_layer
    if len(wanted) > 1 and method.needs is not Needs.SPATIAL_LAYER:
        raise UsageError(f"{method.name} takes one layer, not {len(wanted)}: only class activation maps are fused.")
    return tuple(choose(graph(), layer) for layer in wanted or (None,))


def left_out(method: Method) -> Note:
    """That a method gave way, since it needs what this network hasn't got."""
    return Note("left_out", "info", {"method": method.name, "needs": method.needs.value})


def readable(net: Network, prepared: Prepared) -> Graph:
    """The graph, where layers can be found in it."""
    source = net.source_of(prepared)
    graph = source.proved(prepared.batch, gradient=True)
    if graph.source == "whole":
        _, reasons = source.why_not(prepared.batch)
        raise NetworkRefused(
            f"No layer of this network can be looked at, because it can't be written down: "
            f"{'; '.join(dict.fromkeys(reasons))}. Use a method that only asks for answers: occlusion, rise, partition_shap."
        )
    return graph


def kind_of(net: Network, prepared: Prepared) -> NetworkKind:
    """What a network is made of, as far as it matters to methods."""
    try:
        return network_kind(net.source_of(prepared).written(prepared.batch))
    except NetworkRefused:
        return NetworkKind.NO_LAYERS if prepared.batch.dim() == 4 else NetworkKind.NO_PICTURES


def has_gradient(run: Run) -> bool:
    """Whether anything can be walked back: not where a network leaves the calculus (NumPy, ``detach``, ``argmax``)."""
    run.will_walk()
    answer = run.answer_value
    return answer == run.graph.input.value or any(answer in piece.outputs for piece in run.forward.pieces)


def without_gradient(net: Network, methods: Sequence[Method], asked: Asked) -> tuple[list[Method], list[Note]]:
    """The methods that need no gradient; those the person named and that need one are refused."""
    needing = [m for m in methods if m.needs_gradient]
    named = [m for m in needing if m.name not in asked.optional]
    if named:
        raise UsageError(
            f"{named[0].name} needs {Needs.GRADIENTS.value}, and {net.opened.source} has none, since something in it "
            "leaves the calculus (NumPy, detach, argmax); use occlusion."
        )
    return [m for m in methods if m not in needing], [left_out(m) for m in needing]
