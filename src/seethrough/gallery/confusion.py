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
    """The part of a table that tells most: all of a small one, of a large one the classes that are most often taken for
    one and the same other.

    Columns begin with the rows' own classes, so that what is right lies on the diagonal, and go on with what they are
    taken for.
    """
    wrong = np.where(table.own[:, None] == table.predicted[None], 0, table.counts)
    rows, columns = _leading(wrong, count)
    rest = np.argsort(-table.counts.sum(1), kind="stable").tolist()
    rows = list(dict.fromkeys([*rows, *rest]))[:count]
    own = [c for row in rows for c in np.flatnonzero(table.predicted == table.own[row]).tolist()]
    columns = list(dict.fromkeys([*own, *columns]))[: max(count + count // 2, len(own))]
    return Confusion(
        tuple(table.truth[row] for row in rows),
        table.predicted[columns],
        table.counts[rows][:, columns],
        table.own[rows],
    )


def _leading(wrong: NDArray[np.int64], count: int) -> tuple[list[int], list[int]]:
    """Rows and columns of the largest numbers, until there are enough rows."""
    rows: list[int] = []
    columns: list[int] = []
    for flat in np.argsort(-wrong, axis=None, kind="stable"):
        row, column = divmod(int(flat), wrong.shape[1])
        if not wrong[row, column] or len(set(rows)) == count:
            break
        rows.append(row)
        columns.append(column)
    return list(dict.fromkeys(rows)), list(dict.fromkeys(columns))
