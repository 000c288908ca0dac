"""Each method as a function of its own: ``st.gradcam(net, image)`` is `explain` with that method alone."""

from __future__ import annotations

import inspect
from typing import Any, Protocol

from seethrough.attribution import METHODS, Method
from seethrough.explanation.answer import Progress, explain
from seethrough.network import Network
from seethrough.results import Attribution


class Ask(Protocol):
    """A method of attribution as a function of its own: `explain` with that method alone, giving its `Attribution`."""

    __name__: str

    def __call__(
        self,
        net: Network | Any,
        images: Any,
        target: Any = None,
        *,
        layer: str | None = None,
        probabilities: bool = False,
        batch_size: int = 8,
        progress: Progress | None = None,
        **settings: Any,
    ) -> Attribution: ...


COMMON = """
Asked as a function, it takes ``net``, ``images`` and ``target`` as `explain` does, and ``probabilities``,
``batch_size`` and ``progress``{layer}, and gives an `Attribution`: ``.values`` is what is described under Returns, as a
float32 array in the network's own layout; ``.map``, float32 (N, H, W), is that on the pixels of the picture you gave
({reduce}).

Raises
------
UsageError
    An unknown setting{layer_too} or target.
InputRefused
    A picture that can't be read; a network that can't be explained this way, or answers with NaN.

Source
------
{source}.
"""


def _alone(name: str) -> Ask:
    """``st.gradcam(net, image, target=…)``, with the signature and the words of its method."""
    method = METHODS[name]

    def ask(net: Network | Any, images: Any, target: Any = None, **options: Any) -> Attribution:
        return explain(net, images, [name], target, **options)[name]

    ask.__name__ = ask.__qualname__ = name
    said = {"layer": " and ``layer``", "layer_too": ", layer"} if method.takes_layer else {"layer": "", "layer_too": ""}
    common = COMMON.format(reduce=method.reduce.value, source=method.source, **said)
    ask.__doc__ = f"{inspect.getdoc(method.function)}\n{common}"
    ask.__signature__ = _signature(method)  # type: ignore[attr-defined]
    return ask


def _signature(method: Method) -> inspect.Signature:
    """That of `explain` without ``methods``, with the method's own settings by name."""
    common = inspect.signature(explain)
    dropped = {"methods", "settings"} if method.takes_layer else {"methods", "settings", "layer"}
    own = inspect.signature(method.function).parameters
    settings = [own[key] for key in method.defaults if key != "progress"]
    parameters = [p for p in common.parameters.values() if p.name not in dropped]
    return common.replace(parameters=[*parameters, *settings], return_annotation="Attribution")


saliency = _alone("saliency")
input_x_gradient = _alone("input_x_gradient")
guided_backprop = _alone("guided_backprop")
deconvnet = _alone("deconvnet")
smoothgrad = _alone("smoothgrad")
integrated_gradients = _alone("integrated_gradients")
gradcam = _alone("gradcam")
occlusion = _alone("occlusion")
