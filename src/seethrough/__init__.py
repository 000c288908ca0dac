"""Seethrough: open a trained vision network, look inside, ask why it answered.

>>> import seethrough as st
>>> net = st.open("keras:VGG16", weights="imagenet")          # doctest: +SKIP
>>> st.explain(net, "leopard.jpg").save("why.html")           # doctest: +SKIP

Importing this costs next to nothing: torch and Keras are imported when the first network is opened.
"""

from __future__ import annotations

import importlib

__version__ = "0.1.0"

_HOMES = {
    "open": "seethrough.network",
    "Network": "seethrough.network",
    "explain": "seethrough.explanation",
    "saliency": "seethrough.explanation",
    "input_x_gradient": "seethrough.explanation",
    "guided_backprop": "seethrough.explanation",
    "deconvnet": "seethrough.explanation",
    "smoothgrad": "seethrough.explanation",
    "integrated_gradients": "seethrough.explanation",
    "gradcam": "seethrough.explanation",
    "occlusion": "seethrough.explanation",
    "Attribution": "seethrough.results",
    "Explanation": "seethrough.results",
    "Prediction": "seethrough.results",
    "SeethroughError": "seethrough.errors",
}
__all__ = ["__version__", *_HOMES]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'seethrough' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
