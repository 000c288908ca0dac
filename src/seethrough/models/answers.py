"""Answers: what a network's outputs are, by its task — scores of classes, one picture's or one place's, or quantities.

A final softmax or sigmoid is looked through where outputs are scores; where they are quantities they are taken as they
are, and nothing is called a logit or a probability.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from seethrough.errors import InputRefused, UsageError
from seethrough.graph.graph import Graph
from seethrough.models.opened import Opened
from seethrough.results import Note, Prediction

SIGMOIDS = ("sigmoid", "logsigmoid")
"""Final activations after which each output is a probability of its own, and they don't sum to 1."""

QUANTITIES = ("embedding", "regression")
"""Tasks whose outputs are no scores of anything."""


def task_of(opened: Opened, graph: Graph) -> str | None:
    """The task that the source or the person said; else what the graph makes certain: a map of two numbers or more at
    each place segments, a final softmax or sigmoid classifies. None where neither tells.
    """
    if opened.task is not None:
        return opened.task
    shape = graph.output.shape(graph.values[graph.output.value].shape)
    if len(shape) == 4 and isinstance(shape[1], int) and shape[1] > 1:
        return "segmentation"
    return None if final_activation(graph) is None else "classification"


def gives_quantities(opened: Opened) -> bool:
    """Whether the outputs are quantities, to be taken as they are."""
    return opened.task in QUANTITIES


def final_activation(graph: Graph) -> str | None:
    """Name of the softmax or sigmoid that a network ends with, which its logits stand before; None where it has
    none.
    """
    return graph.operations[graph.producer[graph.output.value]].name if graph.logits != graph.output else None


def as_probabilities(graph: Graph, output: torch.Tensor) -> torch.Tensor | None:
    """A network's output (N, classes, …) as probabilities; None where it is one number, or not finite.

    The output itself behind a softmax or sigmoid, or where it sums to 1 anyway; its exponential behind one that takes
    the logarithm; else its softmax, since several outputs are taken for classes.
    """
    final = final_activation(graph)
    if final is not None:
        return output.exp() if final.startswith("log") else output
    if output.dim() < 2 or output.shape[1] < 2 or not bool(torch.isfinite(output).all()):
        return None
    total = output.sum(1)
    summed = bool((output >= 0).all()) and torch.allclose(total, torch.ones_like(total), atol=1e-3)
    return output if summed else output.softmax(1)


def prediction(
    opened: Opened,
    graph: Graph,
    output: torch.Tensor,
    names: tuple[str, ...],
    notes: tuple[Note, ...],
    provenance: dict[str, Any],
) -> Prediction:
    """What a graph gave for some images, (N, outputs, …), as a prediction; of outputs with places, their mean over the
    places.

    Parameters
    ----------
    names
        One for each image.
    notes
        About the network and the images, put before what is found here: ``output_chosen`` where there are several
        outputs and nobody said which, ``mean_over_places``, ``nan_output``.

    Raises
    ------
    InputRefused
        An output without a row for each image.
    UsageError
        Names of classes that aren't as many as the outputs.
    """
    _refuse_without_rows(opened, graph, output, len(names))
    output = output.detach().float()
    values = mean_over_places(output).cpu().numpy()
    task = task_of(opened, graph)
    chances = None
    if task not in QUANTITIES and final_activation(graph) not in SIGMOIDS:
        chances = as_probabilities(graph, output)
    return Prediction(
        values,
        None if chances is None else mean_over_places(chances).cpu().numpy(),
        _labels(opened, graph, values.shape[1]),
        names,
        (*notes, *_notes(graph, output, values)),
        {**provenance, "task": task, "output": graph.meant or None},
    )


def mean_over_places(output: torch.Tensor) -> torch.Tensor:
    """(N, outputs, …) as (N, outputs)."""
    return output.flatten(2).mean(2) if output.dim() > 2 else output.reshape(len(output), -1)


def _refuse_without_rows(opened: Opened, graph: Graph, output: torch.Tensor, number: int) -> None:
    if output.dim() == 0 or len(output) != number:
        named = f"The output {graph.meant!r}" if graph.meant else "The output"
        others = ", ".join(name for name in graph.outputs if name != graph.meant)
        raise InputRefused(
            f"{named} of {opened.source} has the shape {tuple(output.shape)}, which is no row for each of {number} "
            f"image{'s' * (number != 1)}; "
            + (f"say output=… with another one when opening it: {others}." if others else "there is nothing to ask it.")
        )


def _labels(opened: Opened, graph: Graph, number: int) -> tuple[str, ...]:
    classes = opened.classes
    if classes is not None and len(classes) == number:
        return classes
    if classes is not None and len(graph.outputs) == 1:  # of several outputs another may be the one that is named
        raise UsageError(
            f"{opened.source} has {number} output{'s' * (number != 1)}, and {len(classes)} names were given; one name an "
            "output is wanted."
        )
    return tuple(f"output {i}" for i in range(number))


def _notes(graph: Graph, output: torch.Tensor, values: np.ndarray) -> list[Note]:
    notes = []
    others = [name for name in graph.outputs if name != graph.meant]
    if others and graph.chosen is None:
        notes.append(Note("output_chosen", "info", {"output": graph.meant, "others": ", ".join(others)}))
    if output.dim() > 2:
        places = " × ".join(map(str, output.shape[2:]))
        notes.append(Note("mean_over_places", "info", {"places": places}))
    if not np.isfinite(values).all():
        notes.append(Note("nan_output", "error"))
    return notes
