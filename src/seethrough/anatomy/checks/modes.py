"""Modes: what training does otherwise than inference, and what would change although it is frozen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seethrough.anatomy.checks.parts import Part, paths
from seethrough.anatomy.findings import Claim, Finding
from seethrough.models.opened import Opened

BATCH_NORMS = ("_BatchNorm", "BatchNormalization")
DROPOUTS = ("_DropoutNd", "Dropout", "DropPath", "StochasticDepth", "SpatialDropout1D", "AlphaDropout")


def training_claim(opened: Opened, parts: Sequence[Part]) -> Claim:
    """That nothing surprises when the network is trained or, after training, asked."""
    norms = tuple(p for p in parts if set(p.kinds) & set(BATCH_NORMS))
    drops = tuple(p for p in parts if set(p.kinds) & set(DROPOUTS) and _drop_rate(p))
    found = {"normalisations": len(norms), "dropouts": len(drops), "mode": _mode(opened)}
    findings = list(_of_keras(norms) if opened.framework == "keras" else _of_torch(opened, parts, norms, drops))
    if norms or drops:
        numbers = {"normalisations": len(norms), "dropouts": len(drops)}
        findings.append(
            Finding("training_differs", "info", paths(p for p in parts if p in norms or p in drops), numbers)
        )
    return Claim("training", None, found, tuple(findings))


def _mode(opened: Opened) -> str:
    """``"train"`` or ``"eval"`` as a torch module stands; nothing for Keras, which is told with each call."""
    return "" if opened.framework == "keras" else "train" if opened.module.training else "eval"


def _drop_rate(part: Part) -> float:
    for name in ("p", "rate", "drop_prob"):
        rate = getattr(part.layer, name, None)
        if isinstance(rate, (int, float)):
            return float(rate)
    return 0.0


def _of_keras(norms: Sequence[Part]) -> Iterator[Finding]:
    """A frozen Keras layer runs as in inference, so that its statistics stand still; one whose scale alone is frozen
    doesn't.
    """
    moving = tuple(p for p in norms if p.count and not p.training and getattr(p.layer, "trainable", True))
    if moving:
        yield Finding("frozen_statistics_move", "warning", paths(moving), {"mode": ""})


def _of_torch(opened: Opened, parts: Sequence[Part], norms: Sequence[Part], drops: Sequence[Part]) -> Iterator[Finding]:
    training = opened.module.training
    tracked = [p for p in norms if getattr(p.layer, "running_mean", None) is not None]
    frozen = [p for p in tracked if p.count and not p.training]
    moving = tuple(p for p in frozen if p.layer.training or not training)
    if moving:
        level = "warning" if training else "info"
        yield Finding("frozen_statistics_move", level, paths(moving), {"mode": _mode(opened)})
    untracked = tuple(p for p in norms if getattr(p.layer, "running_mean", None) is None)
    if untracked:
        yield Finding("batch_statistics", "warning", paths(untracked))
    other = tuple(p for p in (*norms, *drops) if p.layer.training != training)
    if other and training:
        yield Finding("stays_in_eval", "info", _ordered(parts, other))
    elif other:
        yield Finding("stays_in_train", "warning", _ordered(parts, other))
    elif training and (norms or drops):
        yield Finding("left_in_train", "info", (), {"normalisations": len(norms), "dropouts": len(drops)})


def _ordered(parts: Sequence[Part], some: Sequence[Part]) -> tuple[str, ...]:
    return paths(p for p in parts if p in some)
