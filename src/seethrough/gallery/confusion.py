"""Confusion: what images are, against what the network takes them for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Confusion:
    """Counts of images by what they are and what they are taken for.

    Attributes
    ----------
    truth
        Names of the rows: the labels that were given, those that are classes of the network by the network's own name.
    predicted
        int (columns,): outputs of the network, as the columns stand.
    counts
        int64 (rows, columns).
    own
        int (rows,): the output that each row's label is, or −1 where it is none of the network's classes.
    """

    truth: tuple[str, ...]
    predicted: NDArray[np.int64]
    counts: NDArray[np.int64]
    own: NDArray[np.int64]

    @property
    def right(self) -> int:
        """Images that are taken for what they are."""
        return int(self.counts[self.own[:, None] == self.predicted[None]].sum())


def confusion(
    labels: tuple[str | None, ...], indices: NDArray[np.int64], predicted: NDArray[np.int64], names: tuple[str, ...]
) -> Confusion:
    """Count.

    Parameters
    ----------
    labels
        The class of each image as it was given; None where nobody said it: these don't count.
    indices
        int (N,): the output that it is, −1 where it is none.
    predicted
        int (N,): the first answer.
    names
        A name per output.
    """
    known = np.array([i for i, label in enumerate(labels) if label is not None], np.int64)
    keys = [(int(indices[i]), "" if indices[i] >= 0 else str(labels[i])) for i in known]
    rows = sorted(set(keys), key=lambda key: (key[0] < 0, key))
    columns = np.union1d([index for index, _ in rows if index >= 0], predicted[known]).astype(np.int64)
    counts = np.zeros((len(rows), len(columns)), np.int64)
    row_of = {key: row for row, key in enumerate(rows)}
    for key, column in zip(keys, np.searchsorted(columns, predicted[known])):
        counts[row_of[key], column] += 1
    named = tuple(names[index] if index >= 0 else label for index, label in rows)
    return Confusion(named, columns, counts, np.array([index for index, _ in rows], np.int64))


def most_confused(table: Confusion, count: int) -> Confusion:
    """The part of a table that tells most: the classes with the most mistakes among each other.

    Rows and columns stand in the same order, so that what is right lies on the diagonal; labels that are no class of
    the network are rows of their own, with the outputs that they are taken for most.
    """
    wrong = np.where(table.own[:, None] == table.predicted[None], 0, table.counts)
    by_row = dict(zip(range(len(table.own)), wrong.sum(1)))
    by_output = {int(c): int(n) for c, n in zip(table.predicted, wrong.sum(0))}
    weight = {row: int(n) + by_output.get(int(table.own[row]), 0) for row, n in by_row.items()}
    totals = table.counts.sum(1)
    rows = sorted(weight, key=lambda row: (-weight[row], -totals[row], row))[:count]
    first = [int(table.own[row]) for row in rows if table.own[row] >= 0]
    taken = table.counts[rows].sum(0)
    others = [int(table.predicted[c]) for c in np.argsort(-taken, kind="stable") if taken[c]]
    outputs = list(dict.fromkeys([*first, *others]))[: max(count, len(first))]
    columns = np.searchsorted(table.predicted, outputs)
    return Confusion(
        tuple(table.truth[row] for row in rows),
        np.array(outputs, np.int64),
        table.counts[rows][:, columns],
        table.own[rows],
    )
