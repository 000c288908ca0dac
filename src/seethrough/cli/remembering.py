"""``memory``: what training a network takes, or running it, and the largest batch that fits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from seethrough.cli.destinations import result_file
from seethrough.cli.failures import SOME_FAILED
from seethrough.cli.opening import Words, open_to_look
from seethrough.cli.terminal import complain, one_line, say, say_json, show
from seethrough.errors import UsageError

if TYPE_CHECKING:
    from seethrough.anatomy.largest_batch import LargestBatch
    from seethrough.anatomy.memory import MemoryUse

BATCH = 32
"""Inputs at once, where nobody says how many."""

KINDS = (".png", ".svg", ".html", ".json")


def memory(
    words: Words,
    *,
    batch: int | None,
    optimizer: str,
    precision: str,
    fits: str | None,
    checkpoint: Sequence[str],
    inference: bool,
    out: str | None,
    language: str,
    as_json: bool,
) -> int:
    """Print what a network takes of memory; with ``fits``, the largest batch, and what that takes.

    Returns
    -------
    int
        1 where not even the smallest batch fits, else 0.
    """
    _refuse_conflicts(batch, fits, checkpoint, inference)
    file = None if out is None else result_file(out, KINDS)
    net = open_to_look(words)
    settings = {"optimizer": optimizer, "precision": precision, "checkpointing": _pattern(checkpoint)}
    largest = None if fits is None else net.largest_batch(fits, **settings)
    if largest is not None:
        use = largest.memory
    elif inference:
        use = net.inference_memory(batch or 1, precision=precision)
    else:
        use = net.training_memory(BATCH if batch is None else batch, **settings)
    _tell(use, largest, as_json=as_json)
    if file is not None:
        use.save(file, language=language)
        if not as_json:
            say(f"written to {one_line(file)}")
    if largest is not None and not largest.batch:
        complain(_too_little(largest))
        return SOME_FAILED
    return 0


def _tell(use: MemoryUse, largest: LargestBatch | None, *, as_json: bool) -> None:
    if as_json:
        say_json(use.to_dict() if largest is None else largest.to_dict())
        return
    if largest is not None:
        show(largest)
        say()
    show(use)


def _too_little(largest: LargestBatch) -> str:
    from seethrough.anatomy.figures import size_in_words

    return (
        f"Not even a batch of {largest.smallest} fits into {size_in_words(largest.limit)}: it takes "
        f"{size_in_words(largest.next_peak)}. Try another --optimizer or --precision, or --checkpoint."
    )


def _refuse_conflicts(batch: int | None, fits: str | None, checkpoint: Sequence[str], inference: bool) -> None:
    if batch is not None and batch < 1:
        raise UsageError(f"--batch is a whole number from 1, not {batch}.")
    if fits is not None:
        from seethrough.anatomy.largest_batch import size_of

        if batch is not None:
            raise UsageError("--fits looks for the batch, and --batch says it; leave one of them out.")
        if inference:
            raise UsageError("--fits looks for the largest batch of training; leave --inference out.")
        size_of(fits)
    if inference and checkpoint:
        raise UsageError("--checkpoint says what is computed again in training; leave --inference out.")


def _pattern(checkpoint: Sequence[str]) -> str | Sequence[str] | None:
    return checkpoint[0] if len(checkpoint) == 1 else checkpoint or None
