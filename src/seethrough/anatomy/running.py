"""Running: what a person's network itself raises on a batch, told in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from seethrough.anatomy.checks.trial import Trial
from seethrough.anatomy.figures import dimensions
from seethrough.errors import InputRefused, SeethroughError, is_out_of_memory
from seethrough.graph.source import GraphSource
from seethrough.graph.untouched import untouched
from seethrough.models.opened import Opened


@contextmanager
def told(opened: Opened, source: GraphSource, batch: torch.Tensor) -> Iterator[None]:
    """What the network raises, with the size it was given, and one that it takes.

    Parameters
    ----------
    source
        The network's graphs, with what stands beside its images.
    batch
        (N, C, …), what is run inside.

    Raises
    ------
    InputRefused
        From what the network itself raised. What is raised otherwise stays what it is.
    """
    try:
        yield
    except SeethroughError:
        raise
    except Exception as error:
        own = None if is_out_of_memory(error) else _own_error(source, batch)
        if own is None:
            raise
        size = tuple(source.native(batch).shape[1:])
        said = (str(own).strip().splitlines() or ["no message"])[0][:300].rstrip(".")
        raise InputRefused(
            f"{opened.source} can't be run on an input of {dimensions(size)}: {type(own).__name__}: {said}."
            f"{_takes(opened, source, batch, size)}"
        ) from own


def _own_error(source: GraphSource, batch: torch.Tensor) -> Exception | None:
    """What the network raises when it is asked itself."""
    try:
        with untouched(source.module, training=source.training), torch.no_grad():
            source.answer(batch)
    except Exception as error:
        return error
    return None


def _takes(opened: Opened, source: GraphSource, batch: torch.Tensor, refused: tuple[int, ...]) -> str:
    """A size that it takes, as a sentence; nothing where none is found, or where others stand beside it."""
    if opened.inputs:
        return ""
    others = Trial(source, batch.dtype, batch.device).others(refused, None)
    found = next((size for size, taken in others if taken), None)
    return "" if found is None else f" It takes {dimensions(found)}."
