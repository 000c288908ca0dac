"""The verb: what health advises on an architecture, tried on a small training with and without it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seethrough.condition.health import health
from seethrough.datasets.collection import collect
from seethrough.errors import UsageError
from seethrough.findings.statistics import Interval
from seethrough.network import Network, as_network
from seethrough.remedies.rehearsal.anew import anew
from seethrough.remedies.rehearsal.changes import Arm, Change, changes, named, possible
from seethrough.remedies.rehearsal.pictures import material_of
from seethrough.remedies.rehearsal.runs import Kept, Run, key_of
from seethrough.remedies.rehearsal.training import Material, trained
from seethrough.results import Note, Saved

SEEDS = 3
MINUTES = 10.0

FEWEST_STEPS, MOST_STEPS = 60, 3000
"""With fewer steps a training tells nothing, and changes are left out; with more it wouldn't be a small one."""

BETTER, WORSE, NO_DIFFERENCE = "better", "worse", "no difference"

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class Tried:
    """One advice, with and without.

    Attributes
    ----------
    advice, layer, finding
        What was changed, where, and because of what.
    without, with_it
        Share of the held-out pictures that is answered rightly, a number a seed.
    difference
        In points, with less without; its interval is over pictures and seeds drawn anew, ``n`` pictures.
    verdict
        `BETTER`, `WORSE` or `NO_DIFFERENCE`.
    fault_without, fault_with
        How much of the layer the finding is about in each trained network, 0…1, a number a seed; 0 where it isn't found.
    times
        Seconds of training with it, over those without.
    """

    advice: str
    layer: str
    finding: str
    without: tuple[float, ...]
    with_it: tuple[float, ...]
    difference: Interval
    verdict: str
    fault_without: tuple[float, ...]
    fault_with: tuple[float, ...]
    times: float


@dataclass(frozen=True, eq=False)
class Rehearsal(Saved):
    """What came of trying the advice of `health`.

    Attributes
    ----------
    network
        What it was opened as.
    tried
        Each advice that was.
    untried
        The others: advice, layer and why not (``"not_a_change"``, ``"budget"``, or what the network said).
    steps, side, learned, held
        Of each training: steps, pixels a side, pictures learned from and held out.
    """

    network: str
    tried: tuple[Tried, ...]
    untried: tuple[tuple[str, str, str], ...]
    steps: int
    side: int
    learned: int
    held: int
    seeds: int
    notes: tuple[Note, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "network": self.network,
            "tried": [{**asdict(t), "difference": t.difference.to_dict()} for t in self.tried],
            "untried": [list(each) for each in self.untried],
            "steps": self.steps,
            "side": self.side,
            "learned": self.learned,
            "held": self.held,
            "seeds": self.seeds,
            "notes": [asdict(note) for note in self.notes],
            "provenance": dict(self.provenance),
        }


def rehearse(
    net: Network | Any,
    data: Any,
    *,
    truth: Any = None,
    called: Mapping[str, str | int] | None = None,
    advice: Sequence[str] | None = None,
    seeds: int = SEEDS,
    minutes: float = MINUTES,
    steps: int | None = None,
    folder: str | Path | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Rehearsal:
    """Try what `health` advises: the network's architecture is trained from its beginning on these pictures, made small, with and
    without each change; as many steps on the same pictures in the same order, from the same weights.

    Parameters
    ----------
    data, truth, called
        Pictures with their classes, as for `audit`.
    advice
        Names of the changes to try (`CHANGES`); by default all that the network's health asks for.
    seeds
        Trainings of each arm.
    minutes
        Budget for all of it; from it follows how many steps a training takes, unless ``steps`` says so.
    folder
        Where each training's result is kept, so that a rehearsal that was broken off goes on.

    Raises
    ------
    UsageError
        No such advice; a number out of its range; pictures of one class.
    NetworkRefused
        The network can't be trained anew.
    InputRefused
        Too few pictures to hold some out.
    """
    net = as_network(net)
    if seeds < 2 or minutes <= 0 or (steps is not None and steps < 1):
        raise UsageError(
            f"A rehearsal takes 2 seeds or more, minutes above 0 and steps from 1; got {seeds}, {minutes}, {steps}."
        )
    wanted = None if advice is None else named(advice)
    collection = collect(data, truth=truth)
    anew(net, seed)  # says what is missing before the work begins
    tell = progress or (lambda what, done, of: None)
    found = health(net, collection, seed=seed, progress=lambda done, of: tell("looking", done, of))
    asked, rest = changes(net, found)
    asked = [change for change in asked if wanted is None or change.advice in wanted]
    untried = [(name, finding.layer, "not_a_change") for finding, name in rest]
    side, material = material_of(net, collection, called, seed)
    first = Arm(anew(net, seed, side), net.opened.framework)
    fit: list[Change] = []
    for change in asked:
        error = possible(change, first, material.given(material.x))
        if error is None:
            fit.append(change)
        else:
            untried.append((change.advice, change.layer, str(error)))
    kept = Kept(folder, [net.fingerprint, side, seed, len(material.x), len(material.held_x)])
    steps, fit, left = _budget(first, material, fit, seeds, minutes, steps, kept)
    untried += [(change.advice, change.layer, "budget") for change in left]
    runs, done = seeds * (1 + len(fit)) if fit else 0, 0
    tell("training", done, max(runs, 1))
    results: list[list[dict[str, Any]]] = []
    for change in (None, *fit) if fit else ():
        results.append([])
        for k in range(seeds):
            make = Run(net, material, side, steps, seed + k, change)
            results[-1].append(kept.of([steps, k, key_of(change)], make, fit))
            done += 1
            tell("training", done, runs)
    return Rehearsal(
        network=net.opened.source,
        tried=tuple(_compared(change, results[0], own, seed) for change, own in zip(fit, results[1:])),
        untried=tuple(untried),
        steps=steps,
        side=side,
        learned=len(material.x),
        held=len(material.held_x),
        seeds=seeds,
        notes=(*net.opened.notes, *collection.notes, *_notes(fit, steps)),
        provenance={**net.provenance, "seed": seed, "images": collection.source},
    )


def _notes(fit: Sequence[Change], steps: int) -> tuple[Note, ...]:
    if not fit:
        return (Note("nothing_to_rehearse", "info", {}),)
    if steps < FEWEST_STEPS:
        return (Note("few_steps", "warning", {"steps": steps, "fewest": FEWEST_STEPS}),)
    return ()


def _budget(
    arm: Arm, material: Material, fit: list[Change], seeds: int, minutes: float, steps: int | None, kept: Kept
) -> tuple[int, list[Change], list[Change]]:
    """Steps a training, and the changes that there is time for."""
    if steps is not None or not fit:
        return steps or 0, fit, []
    before = kept.plan()
    if before is not None:
        return before[0], fit[: before[1]], fit[before[1] :]
    trained(arm, material, 2, 0)
    began = time.perf_counter()
    trained(arm, material, 4, 0)
    each = (time.perf_counter() - began) / 4
    total = 60 * minutes / each
    most = max(1, min(len(fit), int(total / (seeds * FEWEST_STEPS)) - 1))
    found = int(np.clip(total / (seeds * (1 + most)), 1, MOST_STEPS))
    kept.keep_plan(found, most)
    return found, fit[:most], fit[most:]


def _compared(change: Change, without: list[dict[str, Any]], own: list[dict[str, Any]], seed: int) -> Tried:
    before, after = (np.array([run["right"] for run in runs], np.float64) for runs in (without, own))
    difference = _over_pictures_and_seeds(100 * (after - before), seed)
    verdict = BETTER if difference.low > 0 else WORSE if difference.high < 0 else NO_DIFFERENCE
    key = " ".join(key_of(change))
    return Tried(
        advice=change.advice,
        layer=change.layer,
        finding=change.finding.name,
        without=tuple(before.mean(1).tolist()),
        with_it=tuple(after.mean(1).tolist()),
        difference=difference,
        verdict=verdict,
        fault_without=tuple(float(run["faults"].get(key, 0.0)) for run in without),
        fault_with=tuple(float(run["faults"].get(key, 0.0)) for run in own),
        times=sum(run["seconds"] for run in own) / max(1e-9, sum(run["seconds"] for run in without)),
    )


def _over_pictures_and_seeds(differences: NDArray[np.float64], seed: int) -> Interval:
    """The mean of (seeds, pictures), with the interval over both drawn anew: a training is one draw as a picture is one."""
    chance = np.random.default_rng(seed)
    trainings, pictures = differences.shape
    if not differences.any():  # that no picture differed leaves room for one in n / 3 (the rule of three)
        room = min(100.0, 300 / pictures)
        return Interval(0.0, -room, room, pictures)
    draws = 2000
    of_seeds = chance.integers(0, trainings, (draws, trainings))
    of_pictures = chance.integers(0, pictures, (draws, pictures))
    means = np.array([differences[a][:, b].mean() for a, b in zip(of_seeds, of_pictures)])
    low, high = np.quantile(means, (0.025, 0.975))
    return Interval(float(differences.mean()), float(low), float(high), pictures)
