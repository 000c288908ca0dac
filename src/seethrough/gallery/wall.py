"""Wall: thousands of images on one sheet, laid out by what the network makes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seethrough.datasets.collection import Collection, collect
from seethrough.errors import InputRefused, UsageError, nearest
from seethrough.gallery.confusion import Confusion, confusion
from seethrough.gallery.embed import Embedding
from seethrough.gallery.head import vector_of
from seethrough.gallery.layout import FEW, flatten, known_layout
from seethrough.gallery.neighbours import NEAR, Kept, nearest_images, neighbours_kept
from seethrough.gallery.numbers import read_numbers
from seethrough.gallery.settle import settle
from seethrough.gallery.snap import grid_for, snap
from seethrough.gallery.thumbnails import side_for
from seethrough.jobs import Passed, Results, run
from seethrough.models.answers import gives_quantities
from seethrough.models.labels import resolve
from seethrough.network import Network, as_network
from seethrough.results import Note, Prediction, Shown

Progress = Callable[[str, int, int], None]
"""Told the step's name, images done, images in all."""

LISTED = 5
"""Labels that a note lists."""


@dataclass(frozen=True, eq=False)
class Maps:
    """A Grad-CAM of each image's first answer, on the square that its thumbnail shows.

    ``codes``: uint8 (N, 14, 14), 255 at each map's own largest value; ``largest``: float32 (N,), that value in units of
    the answer's logit, 0 for a map of nothing.
    """

    codes: NDArray[np.uint8]
    largest: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Wall(Shown):
    """Many images in the order that a network sees among them.

    Attributes
    ----------
    names
        Of the N images that could be read.
    embeddings
        float32 (N, D): a layer's value for each image, the mean over its places.
    layer
        The layer; empty for the network's outputs.
    points
        float32 (N, 2): the embeddings in two dimensions, by ``layout``; no unit.
    layout
        ``"tsne"``, ``"umap"`` or ``"pca"``, as used.
    cells
        int32 (N, 2): row and column of each image on the wall.
    grid
        Rows and columns of the wall.
    nearest
        int32 (N, ≤ 10): of each image the nearest others by Euclidean distance between embeddings, nearest first.
    kept
        How far closeness on the wall tells of closeness in the network.
    thumbnails
        uint8 (N, s, s, 3): the middle square of each picture.
    labels
        A name per output; empty where the network answers with no scores.
    top, chances
        int32 and float32 (N, ≤ 5): the strongest outputs of each image, and their probabilities (NaN where there are
        none); None where there are no scores.
    truth
        The class of each image as it was given, or None.
    truth_index
        int32 (N,): the output that this class is; −1 where nobody said, or the network has no such class.
    numbers
        By name float32 (N,): what the person gave to colour by; NaN where missing.
    maps
        Grad-CAM of each image, where asked.
    passed
        Images that could not be read, with reasons.
    notes, provenance
        What must be known to read it rightly; what rebuilds it.
    """

    names: tuple[str, ...]
    embeddings: NDArray[np.float32]
    layer: str
    points: NDArray[np.float32]
    layout: str
    cells: NDArray[np.int32]
    grid: tuple[int, int]
    nearest: NDArray[np.int32]
    kept: Kept
    thumbnails: NDArray[np.uint8]
    labels: tuple[str, ...] = ()
    top: NDArray[np.int32] | None = None
    chances: NDArray[np.float32] | None = None
    truth: tuple[str | None, ...] = ()
    truth_index: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    numbers: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    maps: Maps | None = None
    passed: tuple[Passed, ...] = ()
    notes: tuple[Note, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.names)

    @property
    def right(self) -> NDArray[np.int8]:
        """int8 (N,): 1 where the first answer is what the image is, 0 where not, −1 where nobody knows."""
        if self.top is None:
            return np.full(len(self), -1, np.int8)
        return np.where(self.truth_index < 0, -1, self.top[:, 0] == self.truth_index).astype(np.int8)

    @property
    def confusion(self) -> Confusion | None:
        """What images are against what they are taken for; None where no class is known, or nothing is answered."""
        if self.top is None or not any(label is not None for label in self.truth):
            return None
        return confusion(self.truth, self.truth_index.astype(np.int64), self.top[:, 0].astype(np.int64), self.labels)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: everything but the arrays of pictures and embeddings."""
        return {
            "images": [self._image(i) for i in range(len(self))],
            "layer": self.layer,
            "layout": self.layout,
            "grid": {"rows": self.grid[0], "columns": self.grid[1]},
            "neighbours": {
                "near": self.kept.near,
                "around": self.kept.around,
                "kept": self.kept.kept,
                "by_chance": self.kept.chance,
            },
            "right": int((self.right == 1).sum()),
            "wrong": int((self.right == 0).sum()),
            "passed": [{"image": p.name, "reason": p.reason} for p in self.passed],
            "notes": [{"name": n.name, "level": n.level, "numbers": dict(n.numbers)} for n in self.notes],
            "provenance": dict(self.provenance),
        }

    def _image(self, i: int) -> dict[str, Any]:
        known = {"name": self.names[i], "cell": self.cells[i].tolist(), "truth": self.truth[i]}
        known |= {name: float(values[i]) for name, values in self.numbers.items()}
        if self.top is not None and self.chances is not None:
            pairs = zip(self.top[i].tolist(), self.chances[i].tolist())
            known["answers"] = [{"index": k, "label": self.labels[k], "probability": p} for k, p in pairs]
            known["right"] = None if self.right[i] < 0 else bool(self.right[i])
        return known


def wall(
    net: Network | Any,
    images: Any,
    *,
    layer: str | None = None,
    layout: str = "tsne",
    truth: str | Path | Mapping[str, str] | Sequence[str] | None = None,
    numbers: str | Path | Mapping[str, Any] | None = None,
    maps: bool = False,
    folder: str | Path | None = None,
    batch: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Wall:
    """Hang many images so that those which the network holds alike hang close.

    Parameters
    ----------
    net
        A `Network`, or anything that `open` takes.
    images
        A folder (the folders in it are classes), a list of paths or pictures, a uint8 array (N, H, W, 3), or a
        `Collection`.
    layer
        Whose value is the embedding, pooled over its places; None for the value before the head: what goes into the
        last linear layer.
    layout
        What brings embeddings to two dimensions: ``"tsne"`` (openTSNE, of the extra ``data``), ``"umap"`` (where
        umap-learn is installed), ``"pca"`` (at once, and coarse).
    truth
        The class of each image: a list in order, a mapping from name to class, or a CSV file of both; by default the
        folder that it is in. A class is a label or index of the network's outputs.
    numbers
        What pictures may be coloured by: a CSV file of names and values, or a mapping (`read_numbers`).
    maps
        Keep a Grad-CAM of each image's first answer too, to be laid over the pictures.
    folder
        Where the pass over the images is kept, to be taken up again.
    batch
        Images at once; by default measured.
    seed
        Of the layout.
    progress
        Told how far it is.

    Returns
    -------
    Wall

    Raises
    ------
    UsageError
        An unknown layer or layout; maps of a network without answers; truth of which no class is one of the network's; numbers of other images.
    InputRefused
        Not one image that can be read; a layer that gives no numbers.
    EnvironmentLacks
        A layout whose library is missing.
    """
    known_layout(layout)
    net = as_network(net)
    if maps and gives_quantities(net.opened):
        raise UsageError(
            f"{net.opened.source} gives quantities ({net.opened.task}) and no answers that a map could speak for; leave "
            "maps out."
        )
    collection = collect(images, truth=truth)
    given = {} if numbers is None else read_numbers(numbers, collection)
    work = Embedding(net, layer, side_for(len(collection)), maps, len(collection))
    results = run(
        net,
        collection,
        work,
        folder=None if folder is None else Path(folder),
        batch=batch,
        progress=None if progress is None else lambda done, total: progress("images", done, total),
    )
    items, rows = _gathered(results)
    _refuse_no_numbers(rows["embedding"], collection, items, layer)
    if progress is not None:
        progress("layout", 0, 1)
    hung = hang(rows["embedding"], layout, seed)
    name, prediction = _asked_once(net, collection, int(items[0]), layer)
    labels = prediction.labels if "top" in rows else ()
    told = tuple(collection[int(i)].truth for i in items)
    truth_index, about_truth = _resolved(told, labels, given=truth is not None)
    if progress is not None:
        progress("layout", 1, 1)
    return Wall(
        names=tuple(collection[int(i)].name for i in items),
        embeddings=rows["embedding"],
        layer=name,
        **hung,
        thumbnails=rows["thumbnail"],
        labels=labels,
        top=rows.get("top"),
        chances=rows.get("chance"),
        truth=told,
        truth_index=truth_index,
        numbers={name: column[items] for name, column in given.items()},
        maps=Maps(rows["map"], rows["largest"]) if maps else None,
        passed=results.passed,
        notes=(
            *collection.notes,
            *prediction.notes,
            *_about_layout(len(items), rows["embedding"], layout),
            *about_truth,
        ),
        provenance={**results.provenance, "layer": layer, "layout": hung["layout"], "seed": seed},
    )


def hang(embeddings: NDArray[np.float32], layout: str = "tsne", seed: int = 0) -> dict[str, Any]:
    """From embeddings (N, D) to the fields of a `Wall` that say where images hang: ``points``, ``layout``, ``cells``,
    ``grid``, ``nearest`` and ``kept``.
    """
    points = flatten(embeddings, known_layout(layout), seed)
    grid = grid_for(len(points))
    near = nearest_images(embeddings, NEAR)
    alike = not points.any()
    cells = snap(points, grid) if alike else settle(snap(points, grid), near)
    return {
        "points": points.astype(np.float32),
        "layout": layout if len(points) >= FEW else "pca",
        "cells": cells,
        "grid": grid,
        "nearest": near,
        "kept": neighbours_kept(near, cells),
    }


def _gathered(results: Results) -> tuple[NDArray[np.int64], dict[str, NDArray[Any]]]:
    """Which images there are, and the rows of all shards."""
    items: list[NDArray[np.int64]] = []
    columns: dict[str, list[NDArray[Any]]] = {}
    for held, arrays in results.shards():
        if not len(held):
            continue
        items.append(held)
        for name, rows in arrays.items():
            columns.setdefault(name, []).append(rows)
    return np.concatenate(items), {name: np.concatenate(rows) for name, rows in columns.items()}


def _refuse_no_numbers(
    embeddings: NDArray[np.float32], images: Collection, items: NDArray[np.int64], layer: str | None
) -> None:
    wrong = np.flatnonzero(~np.isfinite(embeddings).all(1))
    if len(wrong):
        where = f"Layer {layer!r}" if layer else "The value before the head"
        raise InputRefused(
            f"{where} is NaN or infinite for {len(wrong)} of {len(items)} images, the first of them "
            f"{images[int(items[wrong[0]])].name!r}, so nothing can be laid out by it; name another layer."
        )


def _asked_once(net: Network, images: Collection, item: int, layer: str | None) -> tuple[str, Prediction]:
    """What the embedding is taken from, as a person calls it, and how the network answers to one image: what its outputs
    are called, and what must be known of them.
    """
    image = images[item].source[None] if images.ready else [images.picture(item).pixels]
    prepared = net.prepare(image)
    graph = net.source_of(prepared).proved(prepared.batch)
    return vector_of(graph, layer, net.opened.task).name, net.predict(image)


def _resolved(
    told: Sequence[str | None], labels: tuple[str, ...], *, given: bool
) -> tuple[NDArray[np.int32], tuple[Note, ...]]:
    """The output that each image's class is, −1 where it is none; and what must be said of it.

    Folders that are no classes of the network are groups to look at. Labels that the person gave as the truth must be
    classes: where not one is, it is a mistake.
    """
    distinct = list(dict.fromkeys(label for label in told if label is not None))
    found = {label: _output(label, labels) for label in distinct} if labels else dict.fromkeys(distinct, -1)
    unknown = [label for label in distinct if found[label] < 0]
    indices = np.array([-1 if label is None else found[label] for label in told], np.int32)
    if not unknown or not labels:
        return indices, ()
    some = ", ".join(unknown[:LISTED]) + (", …" if len(unknown) > LISTED else "")
    if len(unknown) == len(distinct):
        if given:
            raise UsageError(
                f"None of the {len(distinct)} classes in truth is one of the network's ({some})."
                f"{nearest(unknown[0], labels)} Give its labels, or indices."
            )
        return indices, (Note("truth_groups", "info", {"count": len(distinct), "some": some}),)
    return indices, (Note("truth_unmatched", "warning", {"count": len(unknown), "some": some}),)


def _output(label: str, labels: tuple[str, ...]) -> int:
    try:
        return resolve(label, labels, len(labels))
    except UsageError:
        return -1


def _about_layout(number: int, embeddings: NDArray[np.float32], layout: str) -> tuple[Note, ...]:
    if number > 1 and np.ptp(embeddings, axis=0).max(initial=0) == 0:
        return (Note("wall_alike", "warning", {"count": number}),)
    if number < FEW and layout != "pca":
        return (Note("wall_few", "info", {"count": number, "few": FEW}),)
    return ()
