"""Classes: which of a network's outputs each image belongs to, from what a person calls its class."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from seethrough.datasets.collection import Collection
from seethrough.errors import UsageError
from seethrough.models.labels import resolve

SYNSET = re.compile(r"(n[0-9]{8})(?![0-9])")
"""A WordNet identifier at the beginning of a folder's name, such as ``n02129604-tiger``."""


@dataclass(frozen=True, slots=True, eq=False)
class Classes:
    """Which output each image belongs to.

    Attributes
    ----------
    indices
        int64 (N,): −1 where that isn't known.
    unmatched
        From a class that is no output's (or several outputs') to how many images say it, the most first.
    """

    indices: np.ndarray
    unmatched: Mapping[str, int]


def classes_of(collection: Collection, classes: Sequence[str] | None, outputs: int | None = None) -> Classes:
    """Which output each image of a collection belongs to.

    A class is meant by the name of an output, in any case and with spaces, underscores or hyphens, by its index, or on
    ImageNet by a synonym or a WordNet identifier; a name that stands there to the letter comes first.

    Parameters
    ----------
    classes
        The names of the network's outputs, None where nobody knows them: then only indices are understood.
    outputs
        How many outputs there are, where that is known.
    """
    counts = Counter(truth for truth in collection.truths if truth is not None)
    found = {truth: _index(truth, classes, outputs) for truth in counts}
    indices = [-1 if truth is None else found[truth] for truth in collection.truths]
    unmatched = {truth: count for truth, count in counts.most_common() if found[truth] < 0}
    return Classes(np.array(indices, np.int64), unmatched)


def _index(truth: str, classes: Sequence[str] | None, outputs: int | None) -> int:
    if classes is not None and list(classes).count(truth) == 1:
        return list(classes).index(truth)
    synset = SYNSET.match(truth)
    for said in (truth, *([synset[1]] if synset else [])):
        try:
            return resolve(said, classes, outputs)
        except (UsageError, ValueError):  # nothing of that name, or several
            continue
    return -1
