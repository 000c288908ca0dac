"""Runs: one training and what is measured of it, kept in a folder so that a rehearsal that was broken off goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seethrough.condition.findings import Finding
from seethrough.condition.health import Health, health
from seethrough.models.open import open_model
from seethrough.network import Network
from seethrough.remedies.rehearsal.anew import anew
from seethrough.remedies.rehearsal.changes import Arm, Change
from seethrough.remedies.rehearsal.training import Material, right, trained
from seethrough.writing import write_whole

LOOKED_AT = 48
"""Held-out pictures on which the health of each trained network is measured."""


def key_of(change: Change | None) -> list[str]:
    """What tells a change from others; nothing of the training without any."""
    return [] if change is None else [change.advice, change.layer]


@dataclass(frozen=True, eq=False)
class Run:
    """One training, and what is measured of it."""

    net: Network
    material: Material
    side: int
    steps: int
    seed: int
    change: Change | None

    def __call__(self, fit: Sequence[Change]) -> dict[str, Any]:
        arm = Arm(anew(self.net, self.seed, self.side), self.net.opened.framework)
        if self.change is not None:
            arm = self.change.on(arm)
        seconds = trained(arm, self.material, self.steps, self.seed)
        looked = health_of(self.net, arm, self.material, self.side)
        about = fit if self.change is None else [self.change]
        return {
            "right": right(arm, self.material).astype(int).tolist(),
            "seconds": seconds,
            "faults": {" ".join(key_of(change)): fault_of(looked, change.finding) for change in about},
        }


def health_of(net: Network, arm: Arm, material: Material, side: int) -> Health:
    shape = (side, side, material.x.shape[1]) if material.channels_last else (material.x.shape[1], side, side)
    proxy = Network(open_model(arm.module, input_size=shape, preprocessing="raw"))
    return health(proxy, material.given(material.held_x[:LOOKED_AT]).numpy())


def fault_of(looked: Health, finding: Finding) -> float:
    """How much of the layer, or of what stands in its place, a finding of this name is about."""
    parts = (f"{finding.layer}.", f"{finding.layer}/", f"{finding.layer}_")
    about = [
        f.weight
        for f in looked.findings
        if f.name == finding.name and (f.layer == finding.layer or f.layer.startswith(parts))
    ]
    return float(max(about, default=0.0))


@dataclass(frozen=True, eq=False)
class Kept:
    """Results of trainings in a folder, by what they depend on."""

    folder: str | Path | None
    asked: Sequence[Any]

    def of(self, key: Sequence[Any], make: Run, fit: Sequence[Change]) -> dict[str, Any]:
        path = self._path([*self.asked, *key])
        if path is not None and path.is_file():
            try:
                return json.loads(path.read_text())
            except ValueError:
                pass  # not whole: trained again
        found = make(fit)
        self._write(path, found)
        return found

    def plan(self) -> tuple[int, int] | None:
        path = self._path([*self.asked, "plan"])
        try:
            said = json.loads(path.read_text()) if path is not None and path.is_file() else None
            return None if said is None else (int(said["steps"]), int(said["changes"]))
        except (ValueError, KeyError, TypeError):
            return None

    def keep_plan(self, steps: int, most: int) -> None:
        self._write(self._path([*self.asked, "plan"]), {"steps": steps, "changes": most})

    def _path(self, key: Sequence[Any]) -> Path | None:
        if self.folder is None:
            return None
        digest = hashlib.sha256(json.dumps(list(key)).encode()).hexdigest()[:24]
        return Path(self.folder) / "rehearsed" / f"{digest}.json"

    def _write(self, path: Path | None, found: Mapping[str, Any]) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, json.dumps(found).encode())
