"""Tune: which settings of a method the checks prefer, found on some pictures and proved on others.

Settings that look best on the pictures they were chosen on needn't be better; so half of the pictures choose, and the other
half, which nobody looked at, says by how much the chosen settings beat the method's own defaults, and how sure that is.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import product
from typing import Any

import numpy as np
from scipy.stats import t as student

from seethrough.anatomy.running import told
from seethrough.attribution import Method, method_named
from seethrough.datasets.collection import Collection, collect
from seethrough.errors import InputRefused, NetworkRefused, UsageError, nearest
from seethrough.evaluation.evaluate import chosen_metrics, prepared_of, targets_of
from seethrough.evaluation.metric import Metric, Reads
from seethrough.evaluation.subject import subject
from seethrough.explanation.answer import started
from seethrough.explanation.asked import Asked, layers_of, seconds_of
from seethrough.explanation.room import room
from seethrough.network import Network, as_network
from seethrough.results import Note, Passes

TRIED: Mapping[str, tuple[Any, ...]] = {
    "baseline": ("black", "mean", "blur"),
    "fill": ("mean", "blur", "black"),
    "noise": (0.05, 0.1, 0.15, 0.25),
}
"""Values that are tried of settings by name, where a person names none. What only trades time for quality (more steps, more
samples) isn't tried: more is better, and a budget says how much.
"""

MOST = 24
"""Settings that are tried at most."""

SURE = 0.975
"""How sure it must be that a gain is above nothing to call it one: Student's, since the pictures are few."""


@dataclass(frozen=True, eq=False)
class Tuning:
    """Which settings of a method the checks prefer.

    Attributes
    ----------
    method
        Its name.
    settings
        The best settings where they proved better than the defaults, else the defaults.
    best
        The settings that were best on the pictures that chose.
    tried
        All that were tried, with their mean score on the pictures that chose; the defaults first.
    gain, error
        What ``best`` has over the defaults on the other pictures, mean and standard error, in units of the score.
    score
        What is high for a good map: ``"insertion - deletion"``, or a metric's name (taken the other way where lower is
        better).
    choosing, proving
        The pictures' names.
    """

    method: str
    settings: Mapping[str, Any]
    best: Mapping[str, Any]
    tried: tuple[tuple[Mapping[str, Any], float], ...]
    gain: float
    error: float
    score: str
    choosing: tuple[str, ...]
    proving: tuple[str, ...]
    seconds: float
    passes: Passes
    notes: tuple[Note, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def proved(self) -> bool:
        """Whether the best settings beat the defaults on pictures that didn't choose them."""
        return bool(self.gain > certain(len(self.proving)) * self.error)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "method": self.method,
            "settings": dict(self.settings),
            "best": dict(self.best),
            "tried": [{"settings": dict(s), "score": value} for s, value in self.tried],
            "gain": self.gain,
            "error": self.error,
            "proved": self.proved,
            "score": self.score,
            "choosing": list(self.choosing),
            "proving": list(self.proving),
            "seconds": self.seconds,
            "passes": asdict(self.passes),
            "provenance": dict(self.provenance),
        }


def tune(
    net: Network | Any,
    method: str,
    images: Any,
    target: Any = None,
    *,
    settings: Mapping[str, Sequence[Any]] | None = None,
    metric: str | None = None,
    layer: str | Sequence[str] | None = None,
    budget: float | str | None = None,
    seed: int = 0,
) -> Tuning:
    """Which settings of a method the checks prefer.

    Parameters
    ----------
    net
        A `Network`, or anything that `open` takes.
    method
        Of attribution, by name.
    images
        As for `evaluate`, 4 or more, and others than those that you want explained. Every second one chooses, the others
        prove.
    target
        As for `evaluate`.
    settings
        From a setting's name to the values to try, all combinations; None for those of `TRIED` that the method has.
    metric
        What says how good a map is; None for insertion less deletion, in probabilities.
    layer
        As for `explain`.
    budget
        Seconds that choosing may take, or ``"2min"``; None for as long as it takes. Proving takes about as long as a
        picture of two settings for each picture.
    seed
        Of the metric.

    Returns
    -------
    Tuning

    Raises
    ------
    UsageError
        Fewer than 4 pictures; a method without settings to try; an unknown setting; a metric that needs masks.
    InputRefused
        A picture that can't be read.
    """
    net, chosen = as_network(net), method_named(method)
    began = time.perf_counter()
    limit = seconds_of(budget)
    collection = collect(images)
    if len(collection) < 4:
        raise UsageError(
            f"Tuning needs 4 pictures or more, half to choose and half to prove; these are {len(collection)}."
        )
    tried = list(combinations(chosen, settings))
    judge = _Judge(net, chosen, collection, target, metric, layer, seed)
    order = {"choosing": range(0, len(collection), 2), "proving": range(1, len(collection), 2)}
    rows: list[list[float]] = []
    for number in order["choosing"]:
        rows.append(judge.scores(number, tried))
        if limit is not None and time.perf_counter() - began >= limit:
            break
    means = np.nanmean(np.array(rows), axis=0)
    at = int(np.nanargmax(means)) if np.isfinite(means).any() else 0
    gains = [0.0] * 2
    if at:
        pairs = [judge.scores(number, [tried[0], tried[at]]) for number in order["proving"]]
        gains = [better - default for default, better in pairs]
    gain, error = float(np.nanmean(gains)), float(np.nanstd(gains, ddof=1) / np.sqrt(len(gains)))
    proved = at > 0 and gain > certain(len(gains)) * error
    numbers = {"gain": gain, "error": error, "images": len(order["proving"]), "tried": len(tried)}
    name = "tuned_better" if proved else "tuned_no_better"
    return Tuning(
        method=chosen.name,
        settings=tried[at] if proved else tried[0],
        best=tried[at],
        tried=tuple((s, float(m)) for s, m in zip(tried, means)),
        gain=gain,
        error=error,
        score=judge.score,
        choosing=tuple(collection[i].name for i in list(order["choosing"])[: len(rows)]),
        proving=tuple(collection[i].name for i in order["proving"]),
        seconds=time.perf_counter() - began,
        passes=judge.passes,
        notes=(Note(name, "info", {"method": chosen.name, **numbers}),),
        provenance={**net.provenance, "method": chosen.name, "seed": seed, "images": collection.source},
    )


def certain(pictures: int) -> float:
    """So many standard errors a mean over some pictures must lie above nothing."""
    return float(student.ppf(SURE, max(pictures - 1, 1)))


def combinations(method: Method, said: Mapping[str, Sequence[Any]] | None) -> Iterator[dict[str, Any]]:
    """The settings to try, the defaults first.

    Raises
    ------
    UsageError
        An unknown setting, none to try, or too many.
    """
    own = {k: v for k, v in method.defaults.items() if k != "progress"}
    values = {k: tuple(v) for k, v in said.items()} if said is not None else _usual(method)
    for key in values:
        if key not in own:
            hint = nearest(key, list(own)) or f" There are: {', '.join(own) or 'none'}."
            raise UsageError(f"No setting of {method.name} is called {key!r}.{hint}")
    default = {key: own[key] for key in values}
    others = [dict(zip(values, each)) for each in product(*values.values()) if dict(zip(values, each)) != default]
    if not values or not others:
        raise UsageError(f"{method.name} has no settings to try; name some, or another method.")
    if len(others) >= MOST:
        raise UsageError(f"{len(others) + 1} settings are more than the {MOST} that are tried; name fewer values.")
    yield default
    yield from others


def _usual(method: Method) -> dict[str, tuple[Any, ...]]:
    return {key: values for key, values in TRIED.items() if key in method.defaults}


class _Judge:
    """Scores of settings on one picture at a time."""

    def __init__(
        self,
        net: Network,
        method: Method,
        collection: Collection,
        target: Any,
        metric: str | None,
        layer: Any,
        seed: int,
    ) -> None:
        self.net, self.method, self.collection = net, method, collection
        self.targets, self.passes = targets_of(net, collection, target), Passes()
        self.asked = Asked((method,), frozenset(), {method.name: {}}, layers_of(layer, (method,)))
        self.signs: list[tuple[Metric, float]] = []
        for m in chosen_metrics(["insertion", "deletion"] if metric is None else metric, False):
            self.signs.append((m, 1.0 if m.better == "higher" else -1.0))
        if any(m.reads is Reads.TRUTH for m, _ in self.signs) or (metric is not None and len(self.signs) > 1):
            raise UsageError(f"Tuning goes by one metric that needs no masks, not {metric!r}.")
        self.score = "insertion - deletion" if metric is None else self.signs[0][0].name
        self.settings = {m.name: {"seed": seed} if "seed" in m.defaults else {} for m, _ in self.signs}

    def scores(self, number: int, tried: Sequence[Mapping[str, Any]]) -> list[float]:
        """What each of the settings reaches on a picture; NaN for what can't be had."""
        prepared = prepared_of(self.net, self.collection, number)
        target = self.targets if callable(self.targets) else [self.targets[number]]
        with told(self.net.opened, self.net.source_of(prepared), prepared.batch):
            fits = room(self.net, prepared, (self.method,), 1, None)
            start = started(self.net, prepared, replace(self.asked, target=target, together=fits.together))
            found = []
            for settings in tried:
                try:
                    one = subject(start, self.method, prepared.geometries, [None], settings)
                except NetworkRefused:
                    raise
                except InputRefused:
                    found.append(float("nan"))
                    continue
                found.append(sum(sign * one.measured(m, self.settings[m.name])[0] for m, sign in self.signs))
            self.passes += start.run.counter.passes
        return found
