"""Explain: settle what is asked, let each method ask its `Run`, and hand back one answer.

Methods that ask for the same things share a forward, and a walk back for each set of rules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seethrough.anatomy.running import told
from seethrough.attribution import Facts, Method, Needs, Outcome, Question, targets_by_image
from seethrough.attribution.cam import fused
from seethrough.attribution.fills import out_of_range
from seethrough.errors import EnvironmentLacks, InputRefused, NetworkRefused, UsageError, is_out_of_memory
from seethrough.explanation.asked import (
    Asked,
    Progress,
    chosen,
    layers_of,
    refuse_mixed_sizes,
    refuse_no_batch,
    rows_of,
    seconds_of,
    settings_of,
)
from seethrough.explanation.asking import question_of, rebuilding, with_unit
from seethrough.explanation.budget import pace, spent
from seethrough.explanation.defaults import NetworkKind
from seethrough.explanation.fitting import fitting, has_gradient, kind_of, without_gradient
from seethrough.explanation.join import joined
from seethrough.explanation.maps import attribution_of, for_each_image
from seethrough.explanation.room import room
from seethrough.explanation.sparing import halving_notes, spared_notes
from seethrough.graph.fast.choose import MANY
from seethrough.graph.fast.halved import halving_for, refuse_precision
from seethrough.graph.graph import Graph
from seethrough.graph.operations import Kind
from seethrough.graph.rules import PLAIN, is_rectifier
from seethrough.graph.run import Asks, Counter, Run
from seethrough.machine import freed_memory_kept
from seethrough.models.answers import gives_quantities
from seethrough.network import Network, Prepared, as_network
from seethrough.results import INPUT, Explanation, Note, Passes, Prediction, Target


def explain(
    net: Network | Any,
    images: Any,
    methods: Sequence[str] | str | None = None,
    target: Any = None,
    *,
    layer: str | Sequence[str] | None = None,
    probabilities: bool = False,
    precision: str = "float32",
    trust: bool = False,
    budget: float | str | None = None,
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
        Names of methods (`seethrough.attribution.METHODS`), of families (``"relevance"``), ``"all"``, and what is to be
        left out again (``"-occlusion"``); None for three that suit this kind of network, which is said
        (`seethrough.explanation.defaults`).
    target
        A label, an index, ``"a - b"``, ``"a + b"`` (several labels at once), a function of the outputs (N, outputs)
        that gives a number an image, an aim (`Unit`, ``"layer4[12]"`` in words; `Region`, `Box`, `Similarity`), or a
        list with one for each image; None for each image's own first answer.
    layer
        The layer (or operation) of class activation maps, by its path, ``"relu:2"`` for the second call of ``relu``;
        several to be fused into one map; None for the last one with height and width.
    probabilities
        Ask about the probabilities (behind the final softmax or sigmoid, or the softmax of bare logits) instead of the
        logits before it.
    precision
        ``"float32"`` (what the network computes in), or ``"bf16"``: methods that ask about many changed pictures compute
        the answers in bfloat16 where this processor has it, and it is said how far off they are. Gradients, checks of
        trust, and what is computed only where something changed stay as they are.
    trust
        Check each map, and say how far to believe it (`Attribution.trust`), and how far the methods agree
        (`Explanation.agreement`).
    budget
        A time, in seconds or as ``"60s"``: methods are made as fine as it allows, and what it bought is said. Of methods
        that weren't named one by one, those that don't fit are left out.
    batch_size
        Images sent through at once; fewer, and said so, where they wouldn't fit into memory.
    memory_limit
        What the question may take beside the weights, ``"2GB"`` or bytes; None for what is free.
    progress
        Called by methods that take many steps.
    settings
        Settings of the methods (``steps=64``, ``window=32``); each goes to the methods that have it, ``"rise.samples"``
        to that method alone.

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
    seconds = seconds_of(budget)
    refuse_no_batch(batch_size)
    refuse_precision(precision)
    wanted = None if methods is None else _wanted(methods, layer, settings)
    prepared = net.prepare(images)
    refuse_mixed_sizes(prepared)
    number = len(prepared.batch)
    with told(net.opened, net.source_of(prepared), prepared.batch[:1]):
        suited: list[Note] = []
        if wanted is None:
            kind = kind_of(net, prepared)
            wanted = _wanted(None, layer, settings, kind)
            suited = [Note("methods_chosen", "info", {"kind": kind.value, "methods": [m.name for m in wanted.methods]})]
        asked = replace(
            wanted,
            target=target if callable(target) else targets_by_image(target, number),
            probabilities=probabilities,
            precision=precision,
            progress=progress,
            trust=trust,
            budget=None if seconds is None else seconds / number,
            many=number,
        )
        fits = room(net, prepared, wanted.methods, batch_size, memory_limit)
        asked = replace(asked, together=fits.together)
        with freed_memory_kept() if _is_long(asked, number) else nullcontext():
            asked, bought = _within_budget(net, prepared.part(slice(0, 1)), asked)
            parts = [
                part
                for rows in rows_of(number, fits.batch)
                for part in _as_memory_allows(net, prepared.part(rows), asked.part(rows, number))
            ]
    answer = joined(parts, {"batch_size": batch_size})
    bought = [*suited, *bought]
    return replace(answer, notes=(*answer.notes, *bought, *fits.notes))


def _wanted(
    methods: Sequence[str] | str | None,
    layer: str | Sequence[str] | None,
    settings: Mapping[str, Any],
    kind: NetworkKind = NetworkKind.CONVOLUTIONS,
) -> Asked:
    """Methods, layers and settings, checked against each other."""
    found = chosen(methods, kind)
    return Asked(found.methods, found.optional, settings_of(found.methods, settings), layers_of(layer, found.methods))


def _is_long(asked: Asked, images: int) -> bool:
    """Whether a question sends so many pictures through the network that keeping freed memory pays."""
    return images >= MANY or asked.trust or any("progress" in m.defaults for m in asked.methods)


def _within_budget(net: Network, prepared: Prepared, asked: Asked) -> tuple[Asked, list[Note]]:
    """The question as fine as its budget allows, found on one image."""
    if asked.budget is None:
        return asked, []
    start = started(net, prepared, asked.part(slice(0, 1), 2))
    methods = [m for m in asked.methods if m in start.layers]
    facts = {m.name: _facts(start.run, start.layers[m]) for m in methods}
    asked, kept, notes = spent(asked, methods, facts, pace(start.run))
    dropped = set(methods) - set(kept)
    return replace(asked, methods=tuple(m for m in asked.methods if m not in dropped)), notes


def _as_memory_allows(net: Network, prepared: Prepared, asked: Asked) -> list[Explanation]:
    """A batch's answer; where memory runs out all the same, that of its halves."""
    number = len(prepared.batch)
    try:
        return [_answered(net, prepared, asked)]
    except (EnvironmentLacks, RuntimeError, MemoryError) as error:
        ran_out = is_out_of_memory(error) or is_out_of_memory(error.__cause__ or error)
        if not ran_out or (number == 1 and asked.together == 1):
            raise
    half = -(-number // 2)
    fewer = replace(asked, together=max(1, asked.together // 2))
    return [
        part
        for rows in rows_of(number, half)
        for part in _as_memory_allows(net, prepared.part(rows), fewer.part(rows, number))
    ]


# --- one batch --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Start:
    """A question before any method is asked: its run, with a target; the methods that fit, each with its layers; what was
    left out.
    """

    run: Run
    asked: Asked
    layers: Mapping[Method, tuple[str, ...]]
    notes: list[Note]
    prediction: Prediction
    question: Question


def started(net: Network, prepared: Prepared, asked: Asked) -> Start:
    run, asked, layers, notes = _fitted(net, prepared, asked)
    if any(m.needs_gradient for m in layers) and not has_gradient(run):
        kept, more = without_gradient(net, list(layers), asked)
        layers, notes = {m: layers[m] for m in kept}, [*notes, *more]
    prediction = net.answers(run.graph, run.output, prepared)
    settled = question_of(net, run, prediction, prepared, asked)
    run.target = settled.score
    _refuse_no_number(net, run, prepared)
    for m in layers:
        if m.before is not None:
            m.before(run)
    return Start(run, asked, layers, notes, prediction, settled)


def _fitted(
    net: Network, prepared: Prepared, asked: Asked
) -> tuple[Run, Asked, dict[Method, tuple[str, ...]], list[Note]]:
    """The run of the methods that fit, with their layers, and what was left out.

    A network that is new is fitted to as it was written down, and the run is what proves that; where it goes another way
    in the end, it is fitted to that.
    """
    likely = net.source_of(prepared).likely(prepared.batch)
    if likely is not None:
        try:
            found = _run(net, prepared, asked, likely)
            if found[0].graph is likely:
                return found
        except (UsageError, NetworkRefused):
            pass  # of what isn't proved; what is, says it again
    return _run(net, prepared, asked)


def _run(
    net: Network, prepared: Prepared, asked: Asked, likely: Graph | None = None
) -> tuple[Run, Asked, dict[Method, tuple[str, ...]], list[Note]]:
    layers, notes = fitting(net, prepared, asked, likely)
    asked, unit = with_unit(net, prepared, asked)
    run = Run(
        net.source_of(prepared),
        prepared.batch,
        asks=[ask for m, at in layers.items() for ask in _asks(m, at)],
        probabilities=asked.probabilities or gives_quantities(net.opened),
        black=net.black,
        white=net.white,
        together=asked.together,
        keeps=any(m.needs in (Needs.RULES, Needs.ATTENTION) for m in layers),
        answer=unit,
        counter=Counter(many=asked.many, ways=asked.ways),
        walks=any(m.needs_gradient for m in layers),
    )
    return run, asked, layers, notes


def _answered(net: Network, prepared: Prepared, asked: Asked) -> Explanation:
    """What the methods say about one batch."""
    start = started(net, prepared, asked)
    run, asked, notes, prediction, settled = start.run, start.asked, [*start.notes], start.prediction, start.question
    provenance = {
        **prediction.provenance,
        "images": list(prediction.names),
        "target": [rebuilding(t) for t in for_each_image(settled.targets, len(prepared.batch))],
        "layer": _as_said(asked.layers),
        "probabilities": asked.probabilities,
        "threads": torch.get_num_threads(),
    }
    shared = Passes(forward=len(prepared.batch))  # the forward that every method stands on
    attributions, outcomes, refusals = {}, {}, {}
    for m, at in start.layers.items():
        before, spared = run.counter.passes, len(run.counter.spared)
        run.counter.halving = halving_for(asked.precision)
        try:
            outcome = asked_of(m, run, at, asked.options(m))
        except (UsageError, InputRefused) as refused:
            if m.name not in asked.optional:
                raise
            refusals[m] = refused
            continue
        outcomes[m] = outcome
        attribution = attribution_of(net, m, outcome, run, prepared, settled.targets)
        attributions[m.name] = replace(
            attribution,
            layer=" + ".join(at) or None,
            passes=run.counter.passes - before + shared,
            checks=(
                *_about_method(m, run.graph, None if asked.layers or not at else at[0]),
                *_about_fills(run, asked.used(m)),
                *spared_notes(run.counter.spared[spared:]),
                *halving_notes(run.counter.halving, asked.precision),
                *attribution.checks,
            ),
            settings=asked.used(m),
            prediction=prediction,
            provenance={
                **provenance,
                "method": m.name,
                "settings": {k: _plain(v) for k, v in asked.used(m).items()},
            },
        )
    run.counter.halving = None
    _refuse_settings_nobody_takes(asked, outcomes, refusals)
    notes += [Note("method_refused", "info", {"method": m.name, "reason": str(r)}) for m, r in refusals.items()]
    notes = [*prediction.notes, *notes, *_notes(net, run, prepared, asked.probabilities, settled.targets)]
    targets = for_each_image(settled.targets, len(prepared.batch))
    provenance = {**provenance, "methods": list(attributions)}
    answer = Explanation(
        attributions, prepared.pictures, prediction, targets, run.counter.passes, tuple(notes), provenance
    )
    if asked.trust:
        from seethrough.explanation.trusting import trusted  # here, since most questions don't ask for it

        answer = trusted(answer, run, outcomes, {m: start.layers[m] for m in outcomes}, asked)
    return answer


def _refuse_settings_nobody_takes(
    asked: Asked, outcomes: Mapping[Method, Outcome], refusals: Mapping[Method, Exception]
) -> None:
    """A method that wasn't named gives way, but not with a setting that the person gave and that no other method took."""
    taken = {key for m in outcomes for key in asked.settings[m.name]}
    for m, refused in refusals.items():
        if set(asked.settings[m.name]) - taken:
            raise refused


def asked_of(method: Method, run: Run, layers: Sequence[str], options: Mapping[str, Any]) -> Outcome:
    """What a method says; of several layers, their maps fused."""
    results = [method.function(run, layer, **options) for layer in layers] or [method.function(run, **options)]
    outcomes = [result if isinstance(result, Outcome) else Outcome(result) for result in results]
    if len(outcomes) == 1:
        return outcomes[0]
    return replace(outcomes[0], values=fused([outcome.values for outcome in outcomes]))


def _asks(method: Method, layers: Sequence[str]) -> list[Asks]:
    """Which gradients a method will ask for."""
    if layers:
        also = [] if method.rules in (None, PLAIN) else [(method.rules, INPUT)]
        return [*((PLAIN, layer) for layer in layers), *also]
    return [] if method.rules is None else [(method.rules, INPUT)]


def _facts(run: Run, layers: Sequence[str]) -> Facts:
    """What a method's cost may depend on."""
    height, width = run.images.shape[2:] if run.images.dim() == 4 else (1, 1)
    place = run.graph.place(layers[0]) if layers else None
    if place is None:
        return Facts(height, width)
    _, channels, *grid = place.shape(run.graph.values[place.value].at(1))
    return Facts(height, width, channels, (grid[0], grid[1]) if len(grid) == 2 else (0, 0))


def _refuse_no_number(net: Network, run: Run, prepared: Prepared) -> None:
    wrong = torch.isfinite(run.scores).logical_not().nonzero()
    if len(wrong):
        name = prepared.pictures[int(wrong[0])].name
        weights = next((n.numbers for n in net.opened.notes if n.name == "weights_not_finite"), None)
        why = f": its layer {weights['layer']!r} holds weights that are NaN or infinite" if weights else ""
        raise InputRefused(
            f"{net.opened.source} answers {name!r} with NaN or an infinite number{why}; there is nothing to explain."
        )


def _as_said(layers: Sequence[str]) -> str | list[str] | None:
    return list(layers) if len(layers) > 1 else layers[0] if layers else None


def _plain(value: Any) -> Any:
    """A setting as a record keeps it; of a tensor its kind and shape."""
    if isinstance(value, Tensor | np.ndarray):
        return f"{type(value).__name__} of shape {tuple(value.shape)}"
    return [_plain(part) for part in value] if isinstance(value, tuple | list) else value


def _about_method(method: Method, graph: Graph, layer_found: str | None) -> list[Note]:
    """What was chosen for the person, and where a method doesn't fit this network."""
    notes = [] if layer_found is None else [Note("layer_chosen", "info", {"layer": layer_found})]
    if method.rules is not None and method.rules.rectifiers is not None:
        last = graph.producer.get(graph.logits.value, -1)
        steps = graph.operations[: last + 1]
        if not any(is_rectifier(step) for step in steps):
            return [*notes, Note("no_rectifier", "warning", {"method": method.name})]
        others = sorted({step.name for step in steps if step.kind is Kind.ACTIVATION and not is_rectifier(step)})
        if others:
            notes.append(Note("other_activations", "info", {"method": method.name, "activations": ", ".join(others)}))
    return notes


def _about_fills(run: Run, settings: Mapping[str, Any]) -> list[Note]:
    """Whether what covers a picture, or what a path begins at, is far from any picture."""
    far = {name: out_of_range(run, settings[name]) for name in ("fill", "baseline") if name in settings}
    return [Note("fill_out_of_range", "warning", {"setting": name, **edges}) for name, edges in far.items() if edges]


def _notes(net: Network, run: Run, prepared: Prepared, probabilities: bool, targets: Sequence[Target]) -> list[Note]:
    """What holds for all maps of this run."""
    notes = []
    if not run.probabilities and run.answer is None and run.graph.logits != run.graph.output:
        notes.append(Note("softmax_looked_through", "info"))
    if probabilities and bool((run.scores > 1 - 1e-6).any()):
        notes.append(Note("saturated_softmax", "warning"))
    way, reasons = run.source.why_not(prepared.batch)
    if way in ("real", "whole"):
        name = "recorded_for_one_image" if way == "real" else "black_box"
        notes.append(Note(name, "info", {"reason": reasons[0] if reasons else ""}))
    if any(g.resized != g.size and min(g.top, g.left) >= 0 for g in prepared.geometries):
        notes.append(Note("cropped", "info"))
    if (not run.walks or has_gradient(run)) and run.is_constant:
        notes.append(Note("constant_target", "warning", {"target": targets[0].label}))
    if run.counter.halved:
        notes.append(Note("memory_halved", "info", {"together": run.together}))
    return notes
