"""Explain: settle what is asked, let each method ask its `Run`, and hand back one answer.

Methods that ask for the same things share a forward, and a walk back for each set of rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seethrough.anatomy.running import told
from seethrough.attribution import (
    METHODS,
    Method,
    Needs,
    Outcome,
    Question,
    chosen_layer,
    method_named,
    question,
    targets_by_image,
)
from seethrough.errors import InputRefused, NetworkRefused, UsageError, nearest
from seethrough.explanation.join import joined
from seethrough.explanation.maps import attribution_of, for_each_image
from seethrough.explanation.room import room
from seethrough.graph.graph import Graph
from seethrough.graph.operations import Kind
from seethrough.graph.rules import PLAIN, is_rectifier
from seethrough.graph.run import TOGETHER, Asks, Run
from seethrough.models.answers import as_probabilities, final_activation, gives_quantities
from seethrough.network import Network, Prepared, as_network
from seethrough.results import INPUT, Explanation, Note, Passes, Prediction, Target

DEFAULT_METHODS = ("gradcam", "integrated_gradients", "occlusion")
"""A coarse look, what adds up, and what is really lost."""

Progress = Callable[[str, int, int], None]
"""Told the method's name, steps done, steps in all."""


def explain(
    net: Network | Any,
    images: Any,
    methods: Sequence[str] | str | None = None,
    target: Any = None,
    *,
    layer: str | None = None,
    probabilities: bool = False,
    batch_size: int = 8,
    memory_limit: str | int | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> Explanation:
    """Explain a network's answers to some images, by several methods.

    Parameters
    ----------
    net
        A `Network`, or anything that `open` takes.
    images
        A path, PIL image, uint8 array (H, W, 3), a list of such; or a batch of floating point numbers in the network's
        own layout. For a network of several inputs a mapping with each of them by name, of which the first with the
        shape of a picture is explained and the others are held as they are given (`Network.prepare`).
    methods
        Names of methods (`seethrough.attribution.METHODS`); None for those of Grad-CAM, integrated gradients and
        occlusion that this network has what they need for.
    target
        A label, an index, ``"a - b"``, a function of the outputs (N, outputs) that gives a number an image, or a list
        with one for each image; None for each image's own first answer.
    layer
        The layer (or operation) of class activation maps, by its path, ``"relu:2"`` for the second call of ``relu``;
        None for the last one with height and width.
    probabilities
        Ask about the probabilities (behind the final softmax or sigmoid, or the softmax of bare logits) instead of the
        logits before it.
    batch_size
        Images sent through at once; fewer, and said so, where they wouldn't fit into memory.
    memory_limit
        What the question may take beside the weights, ``"2GB"`` or bytes; None for what is free.
    progress
        Called by methods that take many steps.
    settings
        Settings of the methods (``steps=64``, ``window=32``); each goes to the methods that have it.

    Returns
    -------
    Explanation
        A mapping from method name to `Attribution`.

    Raises
    ------
    UsageError
        An unknown method, setting, layer or target; a layer where no method takes one; pictures of different sizes.
    InputRefused
        A picture that can't be read; a network that can't be explained this way, or answers with NaN.
    EnvironmentLacks
        Where not even one image fits into memory.
    """
    net = as_network(net)
    chosen = _chosen(methods)
    asked = _Asked(chosen, methods is None, _settings(chosen, settings), target, layer, probabilities, progress)
    if layer is not None and not any(m.takes_layer for m in chosen):
        raise UsageError(f"layer={layer!r} says nothing to {_names(chosen)}, which explain the input; leave it out.")
    prepared = net.prepare(images)
    _refuse_mixed_sizes(prepared)
    number = len(prepared.batch)
    if not callable(target):
        asked = replace(asked, target=targets_by_image(target, number))
    _refuse_no_batch(batch_size)
    with told(net.opened, net.source_of(prepared), prepared.batch[:1]):
        fits = room(net, prepared, chosen, batch_size, memory_limit)
        asked = replace(asked, together=fits.together)
        parts = [_answered(net, prepared.part(rows), asked.part(rows, number)) for rows in _rows(number, fits.batch)]
    answer = joined(parts, {"batch_size": batch_size})
    return replace(answer, notes=(*answer.notes, *fits.notes))


@dataclass(frozen=True, eq=False)
class _Asked:
    """What a person asked: a target an image (or one function), settings by method."""

    methods: tuple[Method, ...]
    by_default: bool
    settings: Mapping[str, Mapping[str, Any]]
    target: Any
    layer: str | None
    probabilities: bool
    progress: Progress | None
    together: int = TOGETHER

    def part(self, rows: slice, number: int) -> _Asked:
        """The same about some of the images; a setting with a row for each (a baseline, say) goes with them."""

        def cut(value: Any) -> Any:
            each = isinstance(value, Tensor | np.ndarray) and value.ndim > 0 and number > 1 and len(value) == number
            return value[rows] if each else value

        settings = {m: {key: cut(value) for key, value in given.items()} for m, given in self.settings.items()}
        return replace(self, settings=settings, target=self.target if callable(self.target) else self.target[rows])

    def options(self, method: Method) -> dict[str, Any]:
        """What a method is called with."""
        told = self.progress
        if told is None or "progress" not in method.defaults:
            return dict(self.settings[method.name])
        return {**self.settings[method.name], "progress": lambda done, total: told(method.name, done, total)}


def _refuse_no_batch(size: int) -> None:
    if size < 1:
        raise UsageError(f"batch_size is at least 1, not {size}.")


def _rows(number: int, size: int) -> Iterator[slice]:
    for start in range(0, number, size):
        yield slice(start, min(start + size, number))


def _chosen(methods: Sequence[str] | str | None) -> tuple[Method, ...]:
    if methods is None:
        return tuple(METHODS[m] for m in DEFAULT_METHODS)
    names = [methods] if isinstance(methods, str) else list(methods)
    if not names:
        raise UsageError(f"No method was named; there are: {', '.join(METHODS)}.")
    return tuple(dict.fromkeys(method_named(name) for name in names))


def _names(methods: Sequence[Method]) -> str:
    return ", ".join(m.name for m in methods)


def _settings(chosen: Sequence[Method], settings: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Each setting to the methods that have it."""
    known = {key for m in chosen for key in m.defaults if key != "progress"}
    for key in settings:
        if key not in known:
            all_known = f" There are: {', '.join(sorted(known)) or 'none'}."
            hint = nearest(key, sorted(known)) or all_known
            raise UsageError(f"No setting of {_names(chosen)} is called {key!r}.{hint}")
    return {m.name: {k: v for k, v in settings.items() if k in m.defaults} for m in chosen}


def _refuse_mixed_sizes(prepared: Prepared) -> None:
    sizes = sorted({p.size for p in prepared.pictures})
    if len(sizes) > 1:
        shown = ", ".join(f"{width} × {height}" for height, width in sizes[:3])
        raise UsageError(
            f"The {len(prepared.pictures)} pictures have {len(sizes)} different sizes ({shown}"
            f"{'…' * (len(sizes) > 3)}); explain pictures of one size together, others one by one."
        )


# --- one batch --------------------------------------------------------------------------------------------------------


def _answered(net: Network, prepared: Prepared, asked: _Asked) -> Explanation:
    """What the methods say about one batch."""
    methods, layer, left_out = _fitting(net, prepared, asked)
    asks = [ask for m in methods for ask in _asks(m, layer)]
    plain = asked.probabilities or gives_quantities(net.opened)
    run = Run(
        net.source_of(prepared),
        prepared.batch,
        asks=asks,
        probabilities=plain,
        black=net.black,
        together=asked.together,
        keeps=any(m.needs is Needs.RULES for m in methods),
    )
    if not _has_gradient(run):
        methods, more = _without_gradient(net, methods, asked)
        left_out = [*left_out, *more]
    prediction = net.answers(run.graph, run.output, prepared)
    settled = _question(net, run, prediction, asked)
    run.target = settled.score
    _refuse_no_number(net, run, prepared)
    provenance = {
        **prediction.provenance,
        "images": list(prediction.names),
        "target": [_rebuilding(t) for t in for_each_image(settled.targets, len(prepared.batch))],
        "layer": asked.layer,
        "probabilities": asked.probabilities,
    }
    shared = Passes(forward=len(prepared.batch))  # the forward that every method stands on
    attributions = {}
    for m in methods:
        before, at = run.counter.passes, layer if m.takes_layer else None
        result = m.function(run, *([at] if at is not None else []), **asked.options(m))
        outcome = result if isinstance(result, Outcome) else Outcome(result)
        attribution = attribution_of(net, m, outcome, run, prepared, settled.targets)
        attributions[m.name] = replace(
            attribution,
            layer=at,
            passes=run.counter.passes - before + shared,
            checks=(*_about_method(m, run.graph, None if asked.layer else at), *attribution.checks),
            settings=_used(m, asked),
            prediction=prediction,
            provenance={**provenance, "method": m.name, "settings": {k: _plain(v) for k, v in _used(m, asked).items()}},
        )
    notes = (*prediction.notes, *left_out, *_notes(net, run, prepared, asked.probabilities))
    targets = for_each_image(settled.targets, len(prepared.batch))
    provenance = {**provenance, "methods": [m.name for m in methods]}
    return Explanation(attributions, prepared.pictures, prediction, targets, run.counter.passes, notes, provenance)


def _fitting(net: Network, prepared: Prepared, asked: _Asked) -> tuple[list[Method], str | None, list[Note]]:
    """The methods to use and the layer they are taken from. What the person named and can't be had is refused; what was
    chosen for him gives way, with a note.
    """
    layer, methods, notes = None, [], []
    for m in asked.methods:
        try:
            if m.needs is Needs.PICTURES and prepared.batch.dim() != 4:
                shape = tuple(prepared.batch.shape[1:])
                raise UsageError(f"{m.name} needs {m.needs.value}; one input of this network has the shape {shape}.")
            if m.takes_layer:
                layer = chosen_layer(_readable(net, prepared), asked.layer)
            elif _changes_rectifiers(m) or m.needs in (Needs.RULES, Needs.ATTENTION, Needs.POOLED_HEAD):
                _readable(net, prepared)
        except (UsageError, NetworkRefused):
            if not asked.by_default or asked.layer is not None:
                raise
            notes.append(_left_out(m))
            continue
        methods.append(m)
    return methods, layer, notes


def _left_out(method: Method) -> Note:
    return Note("left_out", "info", {"method": method.name, "needs": method.needs.value})


def _changes_rectifiers(method: Method) -> bool:
    return method.rules is not None and method.rules.rectifiers is not None


def _has_gradient(run: Run) -> bool:
    """Whether anything can be walked back: not where a network leaves the calculus (NumPy, ``detach``, ``argmax``)."""
    answer = (run.graph.output if run.probabilities else run.graph.logits).value
    return answer == run.graph.input.value or any(answer in piece.outputs for piece in run.forward.pieces)


def _without_gradient(net: Network, methods: Sequence[Method], asked: _Asked) -> tuple[list[Method], list[Note]]:
    """The methods that need no gradient; those the person named and that need one are refused."""
    needing = [m for m in methods if m.needs_gradient]
    if needing and not asked.by_default:
        raise UsageError(
            f"{needing[0].name} needs {Needs.GRADIENTS.value}, and {net.opened.source} has none, since something in it "
            "leaves the calculus (NumPy, detach, argmax); use occlusion."
        )
    return [m for m in methods if m not in needing], [_left_out(m) for m in needing]


def _readable(net: Network, prepared: Prepared) -> Graph:
    """The graph, where layers can be found in it."""
    source = net.source_of(prepared)
    graph = source.proved(prepared.batch, gradient=True)
    if graph.source == "whole":
        _, reasons = source.why_not(prepared.batch)
        raise NetworkRefused(
            f"No layer of this network can be looked at, because it can't be written down: {'; '.join(dict.fromkeys(reasons))}."
        )
    return graph


def _asks(method: Method, layer: str | None) -> list[Asks]:
    """Which gradients a method will ask for."""
    if method.takes_layer and layer is not None:
        return [(PLAIN, layer)]
    return [] if method.rules is None else [(method.rules, INPUT)]


def _question(net: Network, run: Run, prediction: Prediction, asked: _Asked) -> Question:
    """The targets, about logits or about probabilities."""
    graph, final = run.graph, final_activation(run.graph)
    if gives_quantities(net.opened):
        if asked.probabilities:
            raise UsageError(
                f"{net.opened.source} gives quantities ({net.opened.task}), no probabilities to ask about; leave "
                "probabilities out."
            )
        return question(asked.target, run.output, net.classes, "output")
    if not asked.probabilities:
        bare = "output" if prediction.probabilities is None else "logit"
        return question(asked.target, run.logits, net.classes, "logit" if final else bare)
    if final is None and prediction.probabilities is None:
        raise UsageError(f"{net.opened.source} gives no probabilities to ask about; leave probabilities out.")

    def through(output: Tensor) -> Tensor:
        found = as_probabilities(graph, output)
        return output if found is None else found

    settled = question(asked.target, through(run.logits), net.classes, "probability")
    return replace(settled, score=lambda output, rows: settled.score(through(output), rows))


def _refuse_no_number(net: Network, run: Run, prepared: Prepared) -> None:
    wrong = torch.isfinite(run.scores).logical_not().nonzero()
    if len(wrong):
        name = prepared.pictures[int(wrong[0])].name
        weights = next((n.numbers for n in net.opened.notes if n.name == "weights_not_finite"), None)
        why = f": its layer {weights['layer']!r} holds weights that are NaN or infinite" if weights else ""
        raise InputRefused(
            f"{net.opened.source} answers {name!r} with NaN or an infinite number{why}; there is nothing to explain."
        )


def _rebuilding(target: Target) -> int | str:
    """A target as it can be asked again: an index, ``"281 - 282"``, or the name of a function."""
    indices = [str(index) for index, _ in target.indices]
    return int(indices[0]) if len(indices) == 1 else " - ".join(indices) or target.label


def _used(method: Method, asked: _Asked) -> dict[str, Any]:
    """All settings of a method, as given or by default."""
    return {k: v for k, v in {**method.defaults, **asked.settings[method.name]}.items() if k != "progress"}


def _plain(value: Any) -> Any:
    """A setting as a record keeps it; of a tensor its kind and shape."""
    if isinstance(value, Tensor | np.ndarray):
        return f"{type(value).__name__} of shape {tuple(value.shape)}"
    return list(value) if isinstance(value, tuple) else value


def _about_method(method: Method, graph: Graph, layer_found: str | None) -> list[Note]:
    """What was chosen for the person, and where a method doesn't fit this network."""
    notes = [] if layer_found is None else [Note("layer_chosen", "info", {"layer": layer_found})]
    if _changes_rectifiers(method):
        last = graph.producer.get(graph.logits.value, -1)
        steps = graph.operations[: last + 1]
        if not any(is_rectifier(step) for step in steps):
            return [*notes, Note("no_rectifier", "warning", {"method": method.name})]
        others = sorted({step.name for step in steps if step.kind is Kind.ACTIVATION and not is_rectifier(step)})
        if others:
            notes.append(Note("other_activations", "info", {"method": method.name, "activations": ", ".join(others)}))
    return notes


def _notes(net: Network, run: Run, prepared: Prepared, probabilities: bool) -> list[Note]:
    """What holds for all maps of this run."""
    notes = []
    if not run.probabilities and run.graph.logits != run.graph.output:
        notes.append(Note("softmax_looked_through", "info"))
    if probabilities and bool((run.scores > 1 - 1e-6).any()):
        notes.append(Note("saturated_softmax", "warning"))
    way, reasons = run.source.why_not(prepared.batch)
    if way in ("real", "whole"):
        name = "recorded_for_one_image" if way == "real" else "black_box"
        notes.append(Note(name, "info", {"reason": reasons[0] if reasons else ""}))
    if any(g.resized != g.size and min(g.top, g.left) >= 0 for g in prepared.geometries):
        notes.append(Note("cropped", "info"))
    return notes
