"""How often a verdict is right: maps of networks whose truth is known, and nonsense on the same pictures.

Every map is judged as a person's would be, by `seethrough.trust.judged`. *True* maps are those of real methods that put
the evidence where the planted truth is, and the truth itself; *nonsense* is noise, blurred noise, a hill in the centre, the
picture's edges, the map of another class, and the map of another picture. The verdict's thresholds were chosen on the
families `CALIBRATION` of `seethrough.trust.planted`; the bar holds for the others. On the leopards, whose network was
trained and not built, nonsense is nonsense as well; which maps are right there is known but for where the animal is.

    python benchmarks/verdicts.py [--group held_out|calibration|leopards] [--networks 2] [--pictures 4] [--figures FILE.json]
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

import seethrough as st
from seethrough.attribution import METHODS, Method, Needs, Reduce, last_spatial
from seethrough.datasets.leopards import leopards
from seethrough.graph.run import Run
from seethrough.results import Trust
from seethrough.trust import THRESHOLDS
from seethrough.trust import planted as bank
from seethrough.trust.judge import judged
from seethrough.trust.maps import Case, Grid
from seethrough.trust.nulls import blurred_map, centre, edges, random_map

SETTINGS: dict[str, dict[str, Any]] = {
    "saliency": {}, "input_x_gradient": {}, "smoothgrad": {"samples": 8}, "guided_backprop": {},
    "integrated_gradients": {"steps": 16, "baseline": "mean"}, "gradcam": {}, "occlusion": {"window": 8, "stride": 4},
}  # fmt: skip
"""The methods that are asked, with what they are told."""

BORROWED = ("integrated_gradients", "occlusion", "gradcam")
"""Whose maps of another class and of another picture are judged."""

RIGHT, WRONG = 0.7, 0.3
"""Of the cells that a map ranks highest, as many as the truth has, this share lies on the truth in a map that is right;
less than that in one that is wrong.
"""


@dataclass(frozen=True)
class Judged:
    """One map: what it is (``true``, ``nonsense`` or ``between``), of which kind, and what was said of it."""

    family: str
    what: str
    kind: str
    hit: float
    trust: Trust


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--group", choices=("held_out", "calibration", "leopards"), default="held_out")
    parser.add_argument("--networks", type=int, default=2, help="networks of each family")
    parser.add_argument("--pictures", type=int, default=4, help="pictures of each network")
    parser.add_argument("--first", type=int, default=0, help="seed of the first network")
    parser.add_argument("--figures", type=Path, help="also write every figure of every map here")
    given = parser.parse_args()
    start, found = time.perf_counter(), []
    for truth in truths(given.group, given.networks, given.pictures, given.first):
        found += list(judgements(truth))
    table(found)
    spread(found)
    print(f"{len(found)} maps in {time.perf_counter() - start:.0f} s")
    if given.figures:
        rows = [
            {
                "family": j.family,
                "what": j.what,
                "kind": j.kind,
                "hit": j.hit,
                "verdict": j.trust.verdict,
                **j.trust.figures,
            }
            for j in found
        ]
        given.figures.write_text(json.dumps(rows))


def truths(group: str, networks: int, pictures: int, first: int) -> Iterator[bank.Planted]:
    """The networks of a group and their pictures."""
    if group == "leopards":
        yield of_leopards(pictures, first)
        return
    for family in bank.HELD_OUT if group == "held_out" else bank.CALIBRATION:
        for seed in range(first, first + networks):
            yield bank.planted(family, pictures, seed)


def of_leopards(pictures: int, first: int) -> bank.Planted:
    """The network that learned the animal and not the background, asked about what it answers."""
    net = st.open("demo:leopards-balanced")
    shown = leopards(pictures, correlation=0.5, seed=20_000, start=first)
    prepared = net.prepare(list(shown.pictures))
    size = prepared.batch.shape[2:]
    masks = interpolate(torch.from_numpy(shown.masks)[:, None].float(), size, mode="area")[:, 0] > 0.5
    targets = torch.from_numpy(net.predict(list(shown.pictures)).values.argmax(1))
    return bank.Planted("leopards", net.opened.module, prepared.batch, targets, 1 - targets, masks)


FIGURES = (
    "faithfulness.patches", "faithfulness.beaten", "faithfulness.gain", "sanity.similarity", "stability.least",
)  # fmt: skip


def spread(found: list[Judged]) -> None:
    """What the rule's figures are in true maps and in nonsense: 5 %, half and 95 % of the maps lie below."""
    print(f"{'':9} " + " ".join(f"{name.partition('.')[2]:>20}" for name in FIGURES) + f"    thresholds: {THRESHOLDS}")
    for what in ("true", "nonsense"):
        known = [[j.trust.figures[n] for j in found if j.what == what and n in j.trust.figures] for n in FIGURES]
        cuts = [np.quantile(v, (0.05, 0.5, 0.95)) if v else np.full(3, np.nan) for v in known]
        print(f"{what:9} " + " ".join(f"{' '.join(f'{c:6.2f}' for c in cut):>20}" for cut in cuts))


def table(found: list[Judged]) -> None:
    """How often each kind of map was said to carry weight."""
    for what in ("true", "between", "nonsense"):
        some = [j for j in found if j.what == what]
        said = Counter(j.trust.verdict for j in some)
        share = said["carries_weight"] / max(1, len(some))
        wanted = {"true": "wanted ≥ 90 %", "nonsense": "wanted ≤ 3 %"}.get(what, "")
        print(f"{what:9} {len(some):5} maps   carries weight {share:6.1%}   {wanted}   {dict(said)}")
        for name in ("kind", "family"):
            for key in sorted({getattr(j, name) for j in some}):
                each = [j.trust.verdict for j in some if getattr(j, name) == key]
                print(f"    {key:34} {each.count('carries_weight'):4} of {len(each):4}")


def judgements(truth: bank.Planted) -> Iterator[Judged]:
    """All maps of one network's pictures, judged."""
    torch.set_num_threads(1)
    run = truth.run()
    layer = last_spatial(run.graph)
    size = (truth.pictures.shape[2], truth.pictures.shape[3])
    grid = Grid.of(*size)
    area = grid.means(truth.truth.double())
    cases: list[tuple[str, Case]] = []
    for name, settings in SETTINGS.items():
        cases.append((name, asked(METHODS[name], layer, settings, run)))
    given = truth.truth.double()
    cases.append(("the truth", Case(as_method("the truth", lambda _: given), None, {}, given, again=False)))
    for kind, function in nonsense(truth, layer).items():
        cases.append((kind, asked(as_method(kind, function), None, {}, run)))
    verdicts = judged(run, [case for _, case in cases])
    for (kind, case), trusts in zip(cases, verdicts):
        maps = grid.means(case.on_grid(size))
        for m, cells, trust in zip(maps, area, trusts):
            hit = hits(m, cells)
            real = kind in SETTINGS or kind == "the truth"
            what = "nonsense" if not real else "true" if hit >= RIGHT else "between"
            yield Judged(truth.family, what, kind, hit, trust)


def asked(method: Method, layer: str | None, settings: dict[str, Any], run: Run) -> Case:
    """A method's answer as a case."""
    at = layer if method.takes_layer else None
    settings = {**{k: v for k, v in method.defaults.items() if k != "progress"}, **settings}
    outcome = method.function(run, *([] if at is None else [at]), **settings)
    values, checks = (outcome, {}) if isinstance(outcome, Tensor) else (outcome.values, outcome.checks)
    return Case(method, at, settings, values, checks)


def as_method(name: str, function: Callable[[Run], Tensor]) -> Method:
    """A function of a run as a method that isn't in the table."""
    return Method(
        name=name, function=function, family="nonsense", cost="", good_for="", source="", needs=Needs.NOTHING,
        reduce=Reduce.NONE,
    )  # fmt: skip


def nonsense(truth: bank.Planted, layer: str | None) -> dict[str, Callable[[Run], Tensor]]:
    """Maps that say nothing of the question, as methods that may be asked again."""
    size = (truth.pictures.shape[2], truth.pictures.shape[3])

    def same(m: Tensor, run: Run) -> Tensor:
        return m.expand(len(run.images), *size)

    def drawn(draw: Callable[..., Tensor], run: Run) -> Tensor:
        """Another one for every answer."""
        return torch.stack([draw(*size, seed=int(abs(float(s)) * 1e6) % 2**31) for s in run.scores])

    def of_class(name: str) -> Callable[[Run], Tensor]:
        def function(run: Run) -> Tensor:
            return one_a_place(name, run.asking(lambda out, rows: out.gather(1, truth.others[rows][:, None])[:, 0]))

        return function

    def of_picture(name: str) -> Callable[[Run], Tensor]:
        return lambda run: one_a_place(name, run.at(run.images.roll(1, 0)))

    def one_a_place(name: str, run: Run) -> Tensor:
        case = asked(METHODS[name], layer, SETTINGS[name], run)
        return case.on_grid(size)

    return {
        "noise": lambda run: same(random_map(*size, seed=7), run),
        "blurred noise": lambda run: same(blurred_map(*size, seed=7), run),
        "noise, another for every answer": lambda run: drawn(random_map, run),
        "blurred noise, another each time": lambda run: drawn(blurred_map, run),
        "centre": lambda run: same(centre(*size), run),
        "edges": lambda run: edges(run.images),
        **{f"another class's {name}": of_class(name) for name in BORROWED},
        **{f"another picture's {name}": of_picture(name) for name in BORROWED},
    }


def hits(m: np.ndarray, area: np.ndarray) -> float:
    """Of the cells that a map ranks highest, as many as are mostly truth, the share that touches it."""
    there = area >= 0.5 * area.max()
    best = np.argsort(-m, kind="stable")[: int(there.sum())]
    return float((area[best] > 0.05).mean())


if __name__ == "__main__":
    main()
