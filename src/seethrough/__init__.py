"""Seethrough: open a trained vision network, look inside, ask why it answered.

>>> import seethrough as st
>>> net = st.open("keras:VGG16", weights="imagenet")          # doctest: +SKIP
>>> st.explain(net, "leopard.jpg").save("why.html")           # doctest: +SKIP

Importing this costs next to nothing: torch and Keras are imported when the first network is opened.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # for type checkers and editors, what `__getattr__` does for everybody else
    from seethrough.attribution.aims import Box, Region, Similarity, Unit
    from seethrough.condition.health import health
    from seethrough.errors import SeethroughError
    from seethrough.evaluation.evaluate import evaluate
    from seethrough.evaluation.recommend import recommend
    from seethrough.evaluation.tune import tune
    from seethrough.explanation import explain
    from seethrough.explanation.compare import compare
    from seethrough.explanation.many import maps
    from seethrough.features.accentuate import accentuate, caricature, deepdream, invert
    from seethrough.features.activations import activations
    from seethrough.features.filters import filters
    from seethrough.features.maximize import maximize
    from seethrough.features.units import units
    from seethrough.findings.audit import audit
    from seethrough.gallery.wall import wall
    from seethrough.network import Network, open
    from seethrough.remedies.prove import prove
    from seethrough.remedies.rehearsal.rehearse import rehearse
    from seethrough.remedies.repair import repair
    from seethrough.results import Attribution, Explanation, Prediction

__version__ = "0.1.0"

__all__ = [
    "Attribution",
    "Box",
    "Explanation",
    "Network",
    "Prediction",
    "Region",
    "SeethroughError",
    "Similarity",
    "Unit",
    "__version__",
    "accentuate",
    "activations",
    "audit",
    "caricature",
    "compare",
    "deepdream",
    "evaluate",
    "explain",
    "filters",
    "health",
    "invert",
    "maps",
    "maximize",
    "open",
    "prove",
    "recommend",
    "rehearse",
    "repair",
    "tune",
    "units",
    "wall",
]

_HOMES = {
    "seethrough.attribution.aims": {"Box", "Region", "Similarity", "Unit"},
    "seethrough.condition.health": {"health"},
    "seethrough.errors": {"SeethroughError"},
    "seethrough.evaluation.evaluate": {"evaluate"},
    "seethrough.evaluation.recommend": {"recommend"},
    "seethrough.evaluation.tune": {"tune"},
    "seethrough.explanation": {"explain"},
    "seethrough.explanation.compare": {"compare"},
    "seethrough.explanation.many": {"maps"},
    "seethrough.features.accentuate": {"accentuate", "caricature", "deepdream", "invert"},
    "seethrough.features.activations": {"activations"},
    "seethrough.features.filters": {"filters"},
    "seethrough.features.maximize": {"maximize"},
    "seethrough.features.units": {"units"},
    "seethrough.findings.audit": {"audit"},
    "seethrough.gallery.wall": {"wall"},
    "seethrough.network": {"Network", "open"},
    "seethrough.remedies.prove": {"prove"},
    "seethrough.remedies.rehearsal.rehearse": {"rehearse"},
    "seethrough.remedies.repair": {"repair"},
    "seethrough.results": {"Attribution", "Explanation", "Prediction"},
}
"""Where names live. Each method of attribution is a name too: `seethrough.explanation.alone`."""


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(f"module 'seethrough' has no attribute {name!r}")
    home = next((home for home, names in _HOMES.items() if name in names), None)
    if home is not None:
        return getattr(importlib.import_module(home), name)
    from seethrough.explanation.alone import alone

    return alone(name)


def __dir__() -> list[str]:
    from seethrough.attribution import METHODS

    return sorted({*__all__, *METHODS})
