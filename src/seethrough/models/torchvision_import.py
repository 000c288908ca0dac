"""Importing torchvision, also where its compiled part doesn't load.

torchvision comes compiled for one build of PyTorch. Beside another (a CPU build of PyTorch with a CUDA build of
torchvision, as package indexes happen to pair them) its operators aren't there, and already ``import torchvision``
fails: it describes ``torchvision::nms`` to PyTorch, which doesn't know it. Of these operators only detection networks
have a use. So where the import fails for exactly that reason, the operators it describes are declared, by signature
alone, and torchvision is imported again; whoever calls one is told by PyTorch that it has no kernel.

timm and transformers import torchvision themselves, so their doors come here first.
"""

from __future__ import annotations

import importlib
import re
import sys
from importlib.util import find_spec
from threading import Lock
from types import ModuleType

import torch

from seethrough.errors import EnvironmentLacks
from seethrough.results import Note

SIGNATURES = {
    "nms": "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}
"""What torchvision describes to PyTorch whether or not it is there."""

MISSING = re.compile(r"operator torchvision::\w+ does not exist")

_declared: list[torch.library.Library] = []  # PyTorch forgets the operators of a library that nobody keeps
_one_at_a_time = Lock()


def import_torchvision() -> ModuleType:
    """The module ``torchvision``, imported.

    Raises
    ------
    EnvironmentLacks
        It isn't installed, or can't be imported for another reason than its operators.
    """
    with _one_at_a_time:
        try:
            return importlib.import_module("torchvision")
        except ImportError as error:
            raise EnvironmentLacks(_what_to_install(error)) from error
        except RuntimeError as error:
            if _declared or not MISSING.search(str(error)):
                raise EnvironmentLacks(_what_to_install(error)) from error
        return _imported_with_declarations()


def make_torchvision_importable() -> None:
    """Have torchvision imported where it is installed, for a library that imports it by itself."""
    if find_spec("torchvision") is not None:
        import_torchvision()


def operators_missing() -> bool:
    """Whether torchvision, as it was imported, is without its operators."""
    extension = sys.modules.get("torchvision.extension")
    return extension is not None and not extension._has_ops()


def operator_notes() -> tuple[Note, ...]:
    """What a person must know about the torchvision that was imported."""
    return (Note("torchvision_without_operators"),) if operators_missing() else ()


def _imported_with_declarations() -> ModuleType:
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]  # half imported
    library = torch.library.Library("torchvision", "FRAGMENT")
    for signature in SIGNATURES.values():
        library.define(signature)
    _declared.append(library)
    return importlib.import_module("torchvision")


def _what_to_install(error: Exception) -> str:
    if find_spec("torchvision") is None:
        return "This needs torchvision, which isn't installed; install it with: pip install 'seethrough[vision]'."
    return f"torchvision can't be imported ({error}); install the one that belongs to PyTorch {torch.__version__}."
