"""Check: what was meant with a network against what is.

The claims that a person makes (frozen, trainable, input, outputs, classes) stand beside those that go without saying:
weights are numbers and no longer as they were drawn, every layer is used, every output depends on the image. What can't
be looked at is said to be unchecked; nothing passes in silence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

import torch

from seethrough.anatomy.checks.forms import Forms
from seethrough.anatomy.checks.freezing import Freezing
from seethrough.anatomy.checks.modes import training_claim
from seethrough.anatomy.checks.numbers import weights_claim
from seethrough.anatomy.checks.parts import Part, parts_of
from seethrough.anatomy.checks.trial import Size, Taken, Trial, unlogged
from seethrough.anatomy.checks.wiring import Wiring
from seethrough.anatomy.findings import Check, Claim, Finding
from seethrough.errors import NetworkRefused, UsageError
from seethrough.graph.graph import Graph
from seethrough.graph.source import GraphSource
from seethrough.models.opened import Opened


def check(
    opened: Opened,
    source: GraphSource,
    *,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
    frozen: Sequence[str] = (),
    trainable: Sequence[str] = (),
    input_size: str | int | Sequence[int] | None = None,
    outputs: int | None = None,
    classes: Sequence[str] | None = None,
) -> Check:
    """Compare a network with what was meant.

    Parameters
    ----------
    source
        Where its graph comes from.
    dtype, device
        Of its inputs.
    frozen, trainable
        Patterns of layers' paths (``"block[1-4]*"``); one that names a layer names all inside of it.
    input_size
        Shape of one input in the network's own layout, without the batch: ``(224, 224, 3)``, ``"224x224x3"``, or the
        side of a square RGB picture.
    outputs
        How many outputs were meant.
    classes
        A name per output.

    Raises
    ------
    UsageError
        For a pattern of no letters, a size or a number of outputs below 1.
    """
    frozen, trainable = _patterns(frozen, "frozen"), _patterns(trainable, "trainable")
    size = None if input_size is None else _size(input_size, opened)
    if outputs is not None and outputs < 1:
        raise UsageError(f"A network has at least one output; outputs={outputs} was said.")
    parts = parts_of(opened)
    unknown = any(one.shape is None for one in list(opened.inputs.values())[1:])
    trial = None if unknown else Trial(source, dtype, torch.device(device))
    names = None if classes is None else tuple(classes)
    forms = Forms(opened, trial, "several_inputs" if unknown else "", size, outputs, names)
    return Check(
        source=opened.source,
        kind=type(opened.module).__name__,
        framework=opened.framework,
        weights=opened.weights,
        claims=(
            *Freezing(opened, parts, frozen, trainable).claims(),
            *forms.claims(),
            *_wiring(opened, source, parts, forms),
            weights_claim(opened, parts),
            training_claim(opened, parts),
        ),
    )


def _patterns(said: Sequence[str], which: str) -> tuple[str, ...]:
    patterns = (said,) if isinstance(said, str) else tuple(said)
    if not all(isinstance(pattern, str) and pattern.strip() for pattern in patterns):
        raise UsageError(f"{which}= takes patterns of layers' paths, such as 'block[1-4]*'; this is {list(said)!r}.")
    return patterns


def _size(said: str | int | Sequence[int], opened: Opened) -> Size:
    numbers = re.split(r"[x×]", said.lower()) if isinstance(said, str) else (said,) if isinstance(said, int) else said
    try:
        size = tuple(int(n) for n in numbers)
    except (TypeError, ValueError):
        size = ()
    if not size or min(size) < 1:
        raise UsageError(f"An input size is whole numbers above 0, such as (224, 224, 3) or '224x224x3'; not {said!r}.")
    is_side = len(size) == 1 and isinstance(said, str | int) and len(opened.input_size or (0, 0, 0)) > 1
    if not is_side:
        return size
    return (3, *size, *size) if opened.layout == "channels_first" else (*size, *size, 3)


def _wiring(opened: Opened, source: GraphSource, parts: tuple[Part, ...], forms: Forms) -> tuple[Claim, ...]:
    """What the graph tells; unchecked where there is none, with the reason."""
    working = forms.working_size()
    size = working or forms.size
    if size is None or forms.trial is None:
        why = forms.why_not or "no_size"
        return Claim("ending", unchecked=why), Claim("wiring", unchecked=why)
    images = source.internal(torch.zeros((1, *size), dtype=forms.trial.dtype, device=forms.trial.device))
    found: dict[str, int] = {}
    try:
        graph = _graph(source, images)
        if not graph.ended:
            answer = forms.trial.confirmed(size)
            returned = tuple(answer.outputs) if isinstance(answer, Taken) else ()
            learning = partial(_called_in_training, opened, source, images)
            return Wiring(opened, parts, graph, returned, source.origins(images), forms.counted(), learning).claims()
        why, called = graph.ended, {layer.module for layer in graph.layers.values()}
        found = {
            "layers": len(parts),
            "used": sum(id(p.layer) in called for p in parts),
        }  # the others may be, behind it
    except NetworkRefused as error:
        why = str(error)
    blind = () if working is None or forms.trial.sees(size) else (Finding("answers_alike", "error"),)
    return Claim("ending", unchecked=why), Claim("wiring", None, found, blind, unchecked=why)


def _graph(source: GraphSource, images: torch.Tensor) -> Graph:
    """For any batch size, else for one image, else up to where the network can't be written down any further. Not what
    was recorded of one image's values, which says nothing of another image.
    """
    with unlogged():
        try:
            return source.written(images)
        except NetworkRefused:
            return source.written_so_far(images)


def _called_in_training(opened: Opened, source: GraphSource, images: torch.Tensor) -> frozenset[int]:
    """The modules that a torch network calls in training; Keras is told the mode with each call, and its call here says
    inference.
    """
    if opened.framework == "keras":
        return frozenset()
    training = GraphSource(source.module, source.call, source.paths, layout=source.layout, training=True)
    try:
        return frozenset(layer.module for layer in training.written(images).layers.values())
    except NetworkRefused:
        return frozenset()
