"""Compare: the same question twice, with one thing changed — the answer asked about, the layer, or the network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from seethrough.attribution import METHODS
from seethrough.attribution.evidence import evidence_of, widest_gap
from seethrough.errors import UsageError
from seethrough.explanation.answer import Progress, explain
from seethrough.explanation.asked import chosen
from seethrough.network import Network, as_network
from seethrough.results import Attribution, Explanation, Note, Picture, Shown
from seethrough.trust.maps import is_flat, spearman

TARGETS, LAYERS, NETWORKS = "targets", "layers", "networks"

LAYER_METHODS = ("gradcam",)
"""What two layers are asked by where no method is named."""


@dataclass(frozen=True, eq=False)
class Difference:
    """Where two maps of one method differ.

    Attributes
    ----------
    map
        float32 (N, H, W) on the pixels of the picture: ``a / Σ|a| − b / Σ|b|``, each pixel's share of all evidence in the
        first map less its share in the second, so that maps of different units can be set side by side; positive where
        the first has more. 0 where a map has nothing at all.
    seen
        bool (N, H, W): where the map says something; what only one of two networks saw counts too.
    correlation
        float64 (N,): Spearman's rank correlation of the two maps over the pixels that both saw, −1…1; NaN where one of
        them is constant.
    region, shares
        By image: where the evidence *for* differs most (`seethrough.attribution.evidence.widest_gap`), and the share of
        it that each map has there.
    """

    method: str
    map: np.ndarray
    seen: np.ndarray
    correlation: np.ndarray
    region: tuple[str, ...]
    shares: tuple[tuple[float, float], ...]


@dataclass(frozen=True, eq=False)
class Comparison(Shown):
    """Two explanations of the same pictures, and their difference, method by method.

    Attributes
    ----------
    of
        What is compared: ``"targets"``, ``"layers"`` or ``"networks"``.
    names
        Of the two sides: labels, paths of layers, networks; one pair an image, since labels differ from image to image
        where each has its own.
    first, second
        The two answers, with the same methods.
    contrast
        Of two targets, the answer to ``a - b`` asked as one question; else None. Where a method is linear in the target
        it is the difference of both maps; Grad-CAM, which drops what is negative, is not.
    differences
        By method.
    """

    of: str
    names: tuple[tuple[str, str], ...]
    first: Explanation
    second: Explanation
    contrast: Explanation | None
    differences: Mapping[str, Difference]
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """The pictures, as they were given."""
        return self.first.pictures

    @property
    def notes(self) -> tuple[Note, ...]:
        """What holds for both, each note once."""
        found: list[Note] = []
        for note in (*self.first.notes, *self.second.notes):
            if note not in found:
                found.append(note)
        return tuple(found)


def compare(
    net: Network | Any,
    images: Any,
    methods: Sequence[str] | str | None = None,
    *,
    target: Any = None,
    layer: str | Sequence[str] | None = None,
    other: Network | Any = None,
    progress: Progress | None = None,
    **options: Any,
) -> Comparison:
    """Ask the same question twice, with one thing changed, and say where the two answers differ.

    Parameters
    ----------
    net, images, methods, progress
        As for `explain`. Of two layers Grad-CAM is the default, and only methods that take a layer can be asked.
    target
        Two of them (``("tabby cat", "tiger cat")``) are compared; one is what both sides are asked about.
    layer
        Two of them are compared; one is where both maps are taken from.
    other
        A second network: both are asked about the same pictures, and by default about the first's answer to each.
    options
        What `explain` takes beside these: ``probabilities``, ``trust``, ``budget``, settings of methods.

    Returns
    -------
    Comparison

    Raises
    ------
    UsageError
        Nothing to compare, or two things at once; two targets that are the same; whatever `explain` refuses.
    InputRefused, EnvironmentLacks
        As for `explain`.
    """
    of = compared(target, layer, other)
    net = as_network(net)
    options["progress"] = progress
    if of == LAYERS:
        assert layer is not None
        names = _taking_layers(methods)
        sides = [explain(net, images, names, target, layer=one, **options) for one in layer]
        if sides[0][names[0]].layer == sides[1][names[0]].layer:
            raise UsageError(f"Both layers are {sides[0][names[0]].layer!r}; name two different ones.")
        return _comparison(of, sides, [(str(layer[0]), str(layer[1]))] * len(sides[0].pictures))
    options["layer"] = layer
    if of == NETWORKS:
        second = as_network(other)
        one = explain(net, images, methods, target, **options)
        asked = target if target is not None else _same_answers(one, net, second)
        sides = [one, explain(second, images, methods, asked, **options)]
        return _comparison(of, sides, [_apart(net, second)] * len(one.pictures))
    sides = [explain(net, images, methods, said, **options) for said in target]
    labels = [(a.label, b.label) for a, b in zip(sides[0].target, sides[1].target)]
    for a, b in zip(sides[0].target, sides[1].target):
        if a.indices and a.indices == b.indices:
            raise UsageError(f"Both targets are {a.label!r}; name two different ones.")
    return _comparison(of, sides, labels, _contrast(net, images, list(sides[0]), sides, options))


def compared(target: Any, layer: Any, other: Any) -> str:
    """What is compared: `TARGETS`, `LAYERS` or `NETWORKS`.

    Raises
    ------
    UsageError
        Nothing, or more than one thing, or another number of them than two.
    """
    for what, said in (("targets", target), ("layers", layer)):
        if isinstance(said, list | tuple) and len(said) != 2:
            raise UsageError(f"A comparison is of two {what}, not of {len(said)}.")
    found = [
        what
        for what, is_it in (
            (TARGETS, isinstance(target, list | tuple)),
            (LAYERS, isinstance(layer, list | tuple)),
            (NETWORKS, other is not None),
        )
        if is_it
    ]
    if not found:
        raise UsageError("There is nothing to compare; give two targets, two layers, or a second network.")
    if len(found) > 1:
        raise UsageError(
            f"Two {found[0]} and two {found[1]} can't be told apart in one map; compare one thing at a time."
        )
    return found[0]


def _taking_layers(methods: Sequence[str] | str | None) -> list[str]:
    """The methods whose maps come from a layer."""
    if methods is None:
        return list(LAYER_METHODS)
    found = chosen(methods)
    for m in found.methods:
        if not m.takes_layer and m.name not in found.optional:
            raise UsageError(
                f"{m.name} explains the input, so two layers say nothing to it; compare them by gradcam, for instance."
            )
    taking = [m.name for m in found.methods if m.takes_layer]
    if not taking:
        known = ", ".join(m.name for m in METHODS.values() if m.takes_layer)
        raise UsageError(f"None of these methods takes a layer; those that do are: {known}.")
    return taking


def _same_answers(one: Explanation, net: Network, second: Network) -> list[Any]:
    """What the first network was asked about, in the words of the second: by name where both know names."""
    if net.classes is not None and second.classes is not None:
        return [target.label for target in one.target]
    return [target.indices[0][0] for target in one.target]


def _apart(net: Network, second: Network) -> tuple[str, str]:
    """The names of two networks: of files their own without folder and suffix, where that tells them apart; numbered where
    they are the same.
    """
    whole = (net.opened.source, second.opened.source)
    short = tuple(Path(name).stem if Path(name).is_file() else name for name in whole)
    one, two = short if short[0] != short[1] else whole
    return (one, two) if one != two else (f"{one} (1)", f"{two} (2)")


def _contrast(
    net: Network, images: Any, methods: Sequence[str], sides: Sequence[Explanation], options: Mapping[str, Any]
) -> Explanation | None:
    """``a - b`` as one question, where both are single outputs."""
    pairs = list(zip(sides[0].target, sides[1].target))
    if any(len(t.indices) != 1 for pair in pairs for t in pair):
        return None
    return explain(net, images, methods, [f"{a.indices[0][0]} - {b.indices[0][0]}" for a, b in pairs], **options)


def _comparison(
    of: str,
    sides: Sequence[Explanation],
    names: Sequence[tuple[str, str]],
    contrast: Explanation | None = None,
) -> Comparison:
    first, second = sides
    shared = [method for method in first if method in second]
    if not shared:
        raise UsageError(
            "No method can explain both, so nothing can be compared; name one that fits both, such as occlusion."
        )
    return Comparison(
        of,
        tuple(names),
        _only(first, shared),
        _only(second, shared),
        contrast,
        {method: _difference(first[method], second[method]) for method in shared},
        {"compared": of, "first": dict(first.provenance), "second": dict(second.provenance)},
    )


def _only(explanation: Explanation, methods: Sequence[str]) -> Explanation:
    rows = [list(explanation).index(m) for m in methods]
    agreement = None if explanation.agreement is None else explanation.agreement[:, rows][:, :, rows]
    return replace(explanation, attributions={m: explanation[m] for m in methods}, agreement=agreement)


def _difference(one: Attribution, other: Attribution) -> Difference:
    seen = one.seen | other.seen
    parts = [_shares(a) for a in (one, other)]
    gaps = list(_gaps(one, other))
    return Difference(
        one.method,
        (parts[0] - parts[1]).astype(np.float32),
        seen,
        np.array([_spearman(one, other, i) for i in range(len(seen))]),
        tuple(region for region, _, _ in gaps),
        tuple((here, there) for _, here, there in gaps),
    )


def _shares(a: Attribution) -> np.ndarray:
    """Each pixel's share of all evidence, (N, H, W); all 0 where there is none, or where a number is none."""
    m = np.where(a.seen, a.map, 0).astype(np.float64)
    m = np.where(np.isfinite(m).all((1, 2), keepdims=True), m, 0)
    total = np.abs(m).sum((1, 2), keepdims=True)
    return np.divide(m, total, out=np.zeros_like(m), where=total > 0)


def _gaps(one: Attribution, other: Attribution) -> Iterator[tuple[str, float, float]]:
    for i in range(len(one.map)):
        sides = [evidence_of(a.map[i], signed=a.signed, seen=a.seen[i]).support for a in (one, other)]
        yield widest_gap(*sides)


def _spearman(one: Attribution, other: Attribution, image: int) -> float:
    both = one.seen[image] & other.seen[image]
    a, b = one.map[image][both], other.map[image][both]
    defined = a.size > 1 and np.isfinite(a).all() and np.isfinite(b).all() and not is_flat(a) and not is_flat(b)
    return spearman(a, b) if defined else float("nan")
