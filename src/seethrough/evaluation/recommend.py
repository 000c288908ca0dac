"""Recommend: which three methods suit a network and its pictures, and why.

The kind of network says which methods can be had at all, and which of them have pointed best on networks of its kind. The
checks of trust then say, on these very pictures, whether what they show can be believed; a method whose maps say nothing
here gives way to the next.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from seethrough.anatomy.running import told
from seethrough.attribution import METHODS
from seethrough.datasets.collection import collect
from seethrough.errors import InputRefused, UsageError
from seethrough.evaluation.evaluate import prepared_of, targets_of
from seethrough.evaluation.subject import subject
from seethrough.explanation.answer import started
from seethrough.explanation.asked import Asked
from seethrough.explanation.defaults import CANDIDATES_BY_KIND, NetworkKind, network_kind, rectified
from seethrough.explanation.fitting import has_gradient
from seethrough.explanation.room import room
from seethrough.graph.run import Run
from seethrough.network import Network, as_network
from seethrough.results import Note, Passes, Trust
from seethrough.trust import judged

WORTH: Mapping[str, float] = {"carries_weight": 1.0, "with_care": 0.5, "says_nothing": 0.0}


@dataclass(frozen=True, eq=False)
class Recommendation:
    """Which methods suit a network and its pictures.

    Attributes
    ----------
    methods
        The methods, each for another question: where the evidence is, what adds up to the answer, what is really lost.
    kind
        What the network is made of.
    reasons
        Why each, by method.
    against
        Why another that was tried gave way, by method.
    verdicts
        What the checks said of each method that was tried, an entry for each picture.
    passes
        What was run to find out.
    """

    methods: tuple[str, ...]
    kind: NetworkKind
    reasons: Mapping[str, tuple[Note, ...]]
    against: Mapping[str, tuple[Note, ...]] = field(default_factory=dict)
    verdicts: Mapping[str, tuple[Trust, ...]] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    passes: Passes = field(default_factory=Passes)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "methods": list(self.methods),
            "kind": self.kind.value,
            "reasons": {m: [asdict(n) for n in notes] for m, notes in self.reasons.items()},
            "against": {m: [asdict(n) for n in notes] for m, notes in self.against.items()},
            "verdicts": {m: [t.verdict for t in trusts] for m, trusts in self.verdicts.items()},
            "passes": asdict(self.passes),
            "provenance": dict(self.provenance),
        }

    def words(self, language: str = "en") -> str:
        """The methods and the reasons, a line each."""
        from seethrough.show.metrics_text import recommendation

        return recommendation(self, language)


def recommend(
    net: Network | Any, images: Any, target: Any = None, *, check: bool = True, tries: int = 2, seed: int = 0
) -> Recommendation:
    """Which three methods suit a network and some pictures, and why.

    Parameters
    ----------
    net
        A `Network`, or anything that `open` takes.
    images
        As for `evaluate`; a few pictures are enough, and the more, the surer.
    target
        As for `evaluate`.
    check
        Look at what the checks of trust say of the methods on these pictures, and prefer those whose maps carry weight;
        else only the network's kind is looked at, on the first picture.
    tries
        How many methods are tried for each question, ≥ 1.
    seed
        Of the checks.

    Returns
    -------
    Recommendation

    Raises
    ------
    UsageError
        As `explain`; no method can be had.
    InputRefused
        A picture that can't be read.

    Examples
    --------
    >>> import numpy as np, seethrough as st
    >>> picture = np.random.default_rng(0).integers(0, 255, (128, 128, 3), np.uint8)
    >>> st.recommend("demo:leopards", picture, check=False).kind.value
    'convolutions'
    """
    if tries < 1:
        raise UsageError(f"recommend needs tries ≥ 1, not {tries}.")
    net = as_network(net)
    collection = collect(images)
    targets = targets_of(net, collection, target)
    verdicts: dict[str, list[Trust]] = {}
    refused: dict[str, Note] = {}
    passes, kind, notes = Passes(), NetworkKind.CONVOLUTIONS, []
    candidates: Mapping[str, Sequence[str]] = {}
    for number in range(len(collection) if check else 1):
        prepared = prepared_of(net, collection, number)
        said = targets if callable(targets) else [targets[number]]
        with told(net.opened, net.source_of(prepared), prepared.batch):
            if not candidates:
                look = started(net, prepared, _nothing(said)).run
                kind, notes = network_kind(look.graph, gradient=has_gradient(look)), _notes(look)
                candidates = {role: _there(names)[:tries] for role, names in CANDIDATES_BY_KIND[kind].items()}
                passes += look.counter.passes
            if not check:
                break
            methods = tuple(METHODS[m] for group in candidates.values() for m in group)
            fits = room(net, prepared, methods, 1, None)
            asked = replace(_nothing(said), methods=methods, optional=frozenset(m.name for m in methods))
            asked = replace(asked, settings={m.name: {} for m in methods}, together=fits.together)
            start, cases = started(net, prepared, asked), []
            for method in start.layers:
                try:
                    one = subject(start, method, prepared.geometries, [None])
                except (UsageError, InputRefused) as why:
                    refused[method.name] = Note("method_refused", "info", {"method": method.name, "reason": str(why)})
                    continue
                cases.append(one.case)
            for case, trusts in zip(cases, judged(start.run, cases, seed=seed)):
                verdicts.setdefault(case.method.name, []).extend(trusts)
            passes += start.run.counter.passes
    chosen = _chosen(candidates, verdicts if check else {m: [] for group in candidates.values() for m in group[:1]})
    if not chosen:
        raise UsageError("No method can be had for this network and these pictures; name one with explain.")
    about = (Note("recommended_kind", "info", {"kind": kind.value}),)
    found = {m: tuple(trusts) for m, trusts in verdicts.items()}
    return Recommendation(
        tuple(chosen),
        kind,
        {m: (Note(f"recommended_{role}", "info"), *about, *_checks(found.get(m))) for m, role in chosen.items()},
        {m: (*_checks(t), *_weightiest(t)) for m, t in found.items() if m not in chosen},
        found,
        (*notes, *refused.values()),
        passes,
        {**net.provenance, "images": [item.name for item in collection], "seed": seed},
    )


def _nothing(target: Any) -> Asked:
    """A question to no method yet."""
    return Asked((), frozenset(), {}, target=target)


def _there(names: Sequence[str]) -> list[str]:
    return [name for name in names if name in METHODS]


def _notes(run: Run) -> list[Note]:
    return [] if rectified(run.graph) else [Note("recommended_no_rectifiers", "info")]


def _chosen(candidates: Mapping[str, Sequence[str]], verdicts: Mapping[str, Sequence[Trust]]) -> dict[str, str]:
    """For each question the method whose maps can be believed furthest, among equals the first; from it to its role."""
    chosen: dict[str, str] = {}
    for role, group in candidates.items():
        there = [m for m in group if m in verdicts]
        if there:
            chosen[max(there, key=lambda m: (worth(verdicts[m]), -there.index(m)))] = role
    return chosen


def worth(trusts: Sequence[Trust]) -> float:
    """How far a method's maps can be believed over several pictures, 0…1."""
    return sum(WORTH[t.verdict] for t in trusts) / max(len(trusts), 1)


def _checks(trusts: Sequence[Trust] | None) -> tuple[Note, ...]:
    """How often each verdict was given."""
    if not trusts:
        return ()
    counts = Counter(t.verdict for t in trusts)
    return (Note("recommended_checks", "info", {**{v: counts.get(v, 0) for v in WORTH}, "of": len(trusts)}),)


def _weightiest(trusts: Sequence[Trust]) -> tuple[Note, ...]:
    """The first reason of the worst verdict."""
    worst = min(trusts, key=lambda t: WORTH[t.verdict], default=None)
    return () if worst is None else worst.reasons[:1]
