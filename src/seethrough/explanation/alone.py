"""Each method as a function of its own: ``st.gradcam(net, image)`` is `explain` with that method alone."""

from __future__ import annotations

import inspect
from functools import cache
from typing import Any, Protocol

from seethrough.attribution import METHODS, Method
from seethrough.errors import nearest
from seethrough.explanation.answer import explain
from seethrough.explanation.asked import Progress
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
        precision: str = "float32",
        batch_size: int = 8,
        progress: Progress | None = None,
        **settings: Any,
    ) -> Attribution: ...


WORDS = """{summary}

Parameters
----------
net, images, target, probabilities, precision, batch_size, progress
    As for `explain`.
{settings}

Returns
-------
Attribution
    ``.values``: float32 array, {returns}
    ``.map``: float32 (N, H, W) on the pixels of the picture you gave; {reduce}.

Raises
------
UsageError
    An unknown setting, target or layer.
InputRefused
    A picture that can't be read; a network that can't be explained this way, or answers with NaN.

Source
------
{source}.
"""

OWN_LAYOUT = "(N, C, H, W), of a Keras network (N, H, W, C)"

LAYER = """layer
    Path of a layer or an operation, ``"relu:2"`` for the second call of ``relu``; None for the last one with height
    and width."""


@cache
def alone(name: str) -> Ask:
    """``st.gradcam(net, image, target=…)``, with the signature and the words of its method.

    Raises
    ------
    AttributeError
        No method has this name; says which names are like it.
    """
    if name not in METHODS:
        raise AttributeError(f"module 'seethrough' has no attribute {name!r}.{nearest(name, list(METHODS))}")
    method = METHODS[name]

    def ask(net: Network | Any, images: Any, target: Any = None, **options: Any) -> Attribution:
        return explain(net, images, [name], target, **options)[name]

    ask.__name__ = ask.__qualname__ = name
    ask.__doc__ = _words(method)
    ask.__signature__ = _signature(method)  # type: ignore[attr-defined]
    return ask


def _words(method: Method) -> str:
    """A method's docstring, which speaks of a run, as that of a function which takes a network and gives a result."""
    said = inspect.getdoc(method.function) or ""
    before, _, returns = said.partition("\n\nReturns\n-------\n")
    summary, _, own = before.partition("\n\nParameters\n----------\n")
    settings = [LAYER] if method.takes_layer else []
    return WORDS.format(
        summary=summary,
        settings="\n".join([*settings, own]).strip(),
        returns=returns.removeprefix("Tensor, ").replace("(N, C, H, W)", OWN_LAYOUT).replace("\n", "\n    "),
        reduce=method.reduce.value,
        source=method.source,
    )


def _signature(method: Method) -> inspect.Signature:
    """That of `explain` without ``methods``, with the method's own settings by name."""
    common = inspect.signature(explain)
    dropped = {"methods", "settings"} if method.takes_layer else {"methods", "settings", "layer"}
    own = inspect.signature(method.function).parameters
    settings = [own[key] for key in method.defaults if key != "progress"]
    parameters = [p for p in common.parameters.values() if p.name not in dropped]
    return common.replace(parameters=[*parameters, *settings], return_annotation="Attribution")
