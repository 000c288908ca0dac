"""Why did it answer so? One question, any number of methods, one answer.

`explain` settles what is asked, lets each method ask its `Run`, and brings every map back to the pixels of the picture a person gave. Methods that ask for
the same things share a forward, and a walk back for each set of rules.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from seethrough.attribution import METHODS, Method, Outcome, Reduce, chosen_layer, method_named, question, spatial_layers
from seethrough.errors import UsageError, nearest
from seethrough.graph.graph import Graph
from seethrough.graph.rules import PLAIN
from seethrough.graph.run import Asks, Run
from seethrough.network import Network, Prepared, as_network
from seethrough.results import INPUT, Attribution, Explanation, Note, Passes, Target

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
    progress: Progress | None = None,
    **settings: Any,
) -> Explanation:
    """Explain a network's answers to some images, by several methods.

    Parameters
    ----------
    net
        A `Network`, or anything that `open` takes.
    images
        A path, PIL image, uint8 array (H, W, 3), a list of such; or a batch of floating point numbers in the network's own layout.
    methods
        Names of methods (`seethrough.attribution.METHODS`); None for Grad-CAM, integrated gradients and occlusion.
    target
        A label, an index, ``"a - b"``, a function of the outputs (N, outputs) that gives a number an image, or a list with one for each image; None
        for each image's own first answer.
    layer
        The layer of class activation maps; None for the last one with height and width.
    probabilities
        Ask about the outputs after a final softmax instead of the logits before it.
    batch_size
        Images sent through at once.
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
        An unknown method, setting, layer or target.
    InputRefused
        A picture that can't be read; a network or picture that can't be explained this way.
    """
    net = as_network(net)
    chosen = _chosen(methods)
    given = _settings(chosen, settings)
    prepared = net.prepare(images)
    sizes = {p.size for p in prepared.pictures}
    if len(sizes) > 1:
        raise UsageError(f"The {len(prepared.pictures)} pictures have {len(sizes)} different sizes; explain pictures of one size together, others one by one.")
    parts = []
    for rows in _rows(len(prepared.batch), batch_size):
        part = Prepared(prepared.batch[rows], prepared.pictures[rows], prepared.geometries[rows], prepared.notes)
        said = target[rows] if isinstance(target, (list, tuple)) and len(target) == len(prepared.batch) else target
        if isinstance(target, (list, tuple)) and len(target) != len(prepared.batch):
            raise UsageError(f"{len(target)} targets were given for {len(prepared.batch)} images; give one for each, or one for all.")
        parts.append(_explain(net, part, chosen, methods is None, said, layer, probabilities, progress, given))
    return parts[0] if len(parts) == 1 else _joined(parts)


def _rows(number: int, size: int) -> Iterator[slice]:
    if size < 1:
        raise UsageError(f"batch_size is at least 1, not {size}.")
    for start in range(0, number, size):
        yield slice(start, min(start + size, number))


def _chosen(methods: Sequence[str] | str | None) -> list[Method]:
    if methods is None:
        return [METHODS[m] for m in DEFAULT_METHODS]
    names = [methods] if isinstance(methods, str) else list(methods)
    if not names:
        raise UsageError(f"No method was named; there are: {', '.join(METHODS)}.")
    return list(dict.fromkeys(method_named(name) for name in names))


def _settings(chosen: list[Method], settings: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Each setting to the methods that have it."""
    known = {key for m in chosen for key in m.defaults if key != "progress"}
    for key in settings:
        if key not in known:
            names, all_known = ", ".join(m.name for m in chosen), f" There are: {', '.join(sorted(known)) or 'none'}."
            raise UsageError(f"No setting of {names} is called {key!r}.{nearest(key, sorted(known)) or all_known}")
    return {m.name: {k: v for k, v in settings.items() if k in m.defaults} for m in chosen}


def _explain(
    net: Network,
    prepared: Prepared,
    chosen: list[Method],
    by_default: bool,
    said: Any,
    layer: str | None,
    probabilities: bool,
    progress: Progress | None,
    given: dict[str, dict[str, Any]],
) -> Explanation:
    spatial: str | None = None
    if any(m.takes_layer for m in chosen):
        graph = net.source.proved(prepared.batch)
        if by_default and layer is None and not spatial_layers(graph):
            chosen = [m for m in chosen if not m.takes_layer]
        else:
            spatial = chosen_layer(graph, layer)
    asks = [ask for m in chosen for ask in _asks(m, spatial if m.takes_layer else None)]
    run = Run(net.source, prepared.batch, asks=asks, probabilities=probabilities, black=net.black)
    asked = question(said, run.logits, net.classes, _quantity(run.graph, probabilities))
    run.target = asked.score
    prediction = net.answers(run, prepared)
    notes = (*prediction.notes, *_notes(net, run, prepared, probabilities))
    provenance = {**net.provenance, "images": list(prediction.names), "target": [t.label for t in asked.targets]}
    attributions: dict[str, Attribution] = {}
    for m in chosen:
        at = spatial if m.takes_layer else None
        before, options = run.counter.passes, dict(given[m.name])
        if "progress" in m.defaults and progress is not None:
            options["progress"] = _named_progress(progress, m.name)
        result = m.function(run, at, **options) if at is not None else m.function(run, **options)
        outcome = result if isinstance(result, Outcome) else Outcome(result)
        used = {k: v for k, v in {**m.defaults, **given[m.name]}.items() if k != "progress"}
        attributions[m.name] = _attribution(
            net, m, outcome, run, prepared, asked.targets, at, run.counter.passes - before, used, chosen_here=layer is None, provenance=provenance
        )
    attributions = {k: replace(a, prediction=prediction) for k, a in attributions.items()}
    return Explanation(attributions, prepared.pictures, prediction, _targets(asked.targets, len(prepared.batch)), run.counter.passes, notes, provenance)


def _asks(method: Method, layer: str | None) -> list[Asks]:
    """Which gradients a method will ask for."""
    if layer is not None:
        return [(PLAIN, layer)]
    return [] if method.rules is None else [(method.rules, INPUT)]


def _named_progress(progress: Progress, name: str) -> Callable[[int, int], None]:
    return lambda done, total: progress(name, done, total)


def _quantity(graph: Graph, probabilities: bool) -> str:
    return "probability" if probabilities and graph.logits != graph.output else "logit"


def _targets(targets: tuple[Target, ...], number: int) -> tuple[Target, ...]:
    return targets if len(targets) == number else targets * number


# --- from a method's tensor to a result ---------------------------------------------------------------------------------------------------


def _attribution(
    net: Network,
    method: Method,
    outcome: Outcome,
    run: Run,
    prepared: Prepared,
    targets: tuple[Target, ...],
    layer: str | None,
    passes: Passes,
    settings: dict[str, Any],
    *,
    chosen_here: bool,
    provenance: Mapping[str, Any],
) -> Attribution:
    values = outcome.values.detach()
    reduced = _reduced(values, method.reduce).float().cpu().numpy()
    maps, seen = zip(*(g.to_picture(m) for g, m in zip(prepared.geometries, reduced)))
    native = net.source.native(values) if values.dim() == prepared.batch.dim() else values
    checks = [Note("layer_chosen", "info", {"layer": layer})] if layer is not None and chosen_here else []
    checks += [note for name, numbers in outcome.checks.items() for note in _each(name, numbers)]
    map_ = np.stack(maps).astype(np.float32)
    checks += _state_of(map_)
    return Attribution(
        method=method.name,
        values=native.float().cpu().contiguous().numpy(),
        map=map_,
        seen=np.stack(seen),
        signed=method.signed,
        scores=run.scores.detach().float().cpu().numpy(),
        target=_targets(targets, len(reduced)),
        layer=layer,
        passes=passes,
        checks=tuple(checks),
        settings=settings,
        pictures=prepared.pictures,
        provenance={**provenance, "method": method.name, "settings": {k: _plain(v) for k, v in settings.items()}},
    )


def _reduced(values: torch.Tensor, reduce: Reduce) -> torch.Tensor:
    """(N, C, H, W), (N, C, L) or (N, F) to one number a place, (N, H, W)."""
    if reduce is not Reduce.NONE and values.dim() > 2:
        values = values.abs().amax(1) if reduce is Reduce.STRONGEST else values.sum(1)
    elif reduce is Reduce.STRONGEST:
        values = values.abs()
    return values.reshape(len(values), 1, -1) if values.dim() == 2 else values


def _each(name: str, numbers: Mapping[str, Any]) -> list[Note]:
    """A check's numbers, where they are lists one note an image."""
    many = max((len(v) for v in numbers.values() if isinstance(v, list)), default=0)
    if not many:
        return [Note(name, "info", numbers)]
    return [Note(name, "info", {"image": i, **{k: v[i] if isinstance(v, list) else v for k, v in numbers.items()}}) for i in range(many)]


def _state_of(maps: np.ndarray) -> list[Note]:
    """What makes a map say nothing."""
    notes = []
    for i, m in enumerate(maps):
        if not np.isfinite(m).all():
            notes.append(Note("nan_map", "error", {"image": i}))
        elif not np.any(m):
            notes.append(Note("flat_map", "warning", {"image": i}))
    return notes


def _plain(value: Any) -> Any:
    return value if isinstance(value, (int, float, str, bool, type(None))) else list(value) if isinstance(value, tuple) else str(type(value).__name__)


def _notes(net: Network, run: Run, prepared: Prepared, probabilities: bool) -> list[Note]:
    """What holds for all maps of this run."""
    notes = []
    if not probabilities and run.graph.logits != run.graph.output:
        notes.append(Note("softmax_looked_through", "info"))
    if probabilities and bool((run.output.amax(1) > 1 - 1e-6).any()):
        notes.append(Note("saturated_softmax", "warning"))
    way, reasons = net.source.why_not(prepared.batch)
    if way == "real":
        notes.append(Note("recorded_for_one_image", "info", {"reason": reasons[0] if reasons else ""}))
    elif way == "whole":
        notes.append(Note("black_box", "info", {"reason": reasons[0] if reasons else ""}))
    if any(min(g.resized[0] - g.size[0], g.resized[1] - g.size[1]) >= 0 and g.resized != g.size for g in prepared.geometries):
        notes.append(Note("cropped", "info"))
    return notes


def _joined(parts: list[Explanation]) -> Explanation:
    """Explanations of parts of a batch as one."""
    first = parts[0]
    prediction = replace(
        first.prediction,
        values=np.concatenate([p.prediction.values for p in parts]),
        probabilities=None if first.prediction.probabilities is None else np.concatenate([p.prediction.probabilities for p in parts]),  # type: ignore[misc]
        names=tuple(n for p in parts for n in p.prediction.names),
    )
    pictures = tuple(x for p in parts for x in p.pictures)
    attributions = {}
    for name, a in first.attributions.items():
        all_ = [p.attributions[name] for p in parts]
        attributions[name] = replace(
            a,
            values=np.concatenate([x.values for x in all_]),
            map=np.concatenate([x.map for x in all_]),
            seen=np.concatenate([x.seen for x in all_]),
            scores=np.concatenate([x.scores for x in all_]),
            target=tuple(t for x in all_ for t in x.target),
            passes=sum((x.passes for x in all_), Passes()),
            checks=tuple(dict.fromkeys(_shifted(all_))),
            pictures=pictures,
            prediction=prediction,
        )
    targets = tuple(t for p in parts for t in p.target)
    return Explanation(attributions, pictures, prediction, targets, sum((p.passes for p in parts), Passes()), first.notes, first.provenance)


def _shifted(parts: list[Attribution]) -> list[Note]:
    """Checks of parts, with the image's number in the whole."""
    notes, offset = [], 0
    for a in parts:
        notes += [
            replace(n, numbers={**n.numbers, "image": n.numbers["image"] + offset}) if "image" in n.numbers else n
            for n in a.checks
            if "image" in n.numbers or not offset
        ]
        offset += len(a.map)
    return notes


# --- one function a method ---------------------------------------------------------------------------------------------------------------


def _alone(name: str) -> Callable[..., Attribution]:
    """``st.gradcam(net, image, target=…)``: `explain` with one method, giving its attribution."""
    method = METHODS[name]

    def ask(net: Network | Any, images: Any, target: Any = None, **options: Any) -> Attribution:
        return explain(net, images, [name], target, **options)[name]

    ask.__name__ = ask.__qualname__ = name
    ask.__doc__ = inspect.getdoc(method.function)
    return ask


saliency = _alone("saliency")
input_x_gradient = _alone("input_x_gradient")
guided_backprop = _alone("guided_backprop")
deconvnet = _alone("deconvnet")
smoothgrad = _alone("smoothgrad")
integrated_gradients = _alone("integrated_gradients")
gradcam = _alone("gradcam")
occlusion = _alone("occlusion")
