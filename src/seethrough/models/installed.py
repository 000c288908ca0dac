"""What is installed here: which doors are open, which are missing something and what, and what there is to compute with.

Versions are read off what the package manager wrote down; nothing is imported for them. Only torchvision is imported,
since nothing else tells whether its compiled part loads.
"""

from __future__ import annotations

import os
import platform
import re
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from seethrough.errors import EnvironmentLacks
from seethrough.machine import processors

OPEN, PARTLY, CLOSED = "open", "partly", "closed"


@dataclass(frozen=True, slots=True)
class Library:
    """A library that a door needs: its version here (None: not installed), and the least that will do."""

    name: str
    version: str | None
    least: str | None

    @property
    def will_do(self) -> bool:
        return self.version is not None and (self.least is None or _numbers(self.version) >= _numbers(self.least))


@dataclass(frozen=True, slots=True)
class Door:
    """A way to open networks.

    Attributes
    ----------
    name
        ``"keras"``, ``"torchvision"``…
    opens
        What a person types or gives.
    state
        ``"open"``, ``"partly"`` (what is missing keeps some networks out) or ``"closed"``.
    libraries
        What it needs.
    missing
        What is missing, each as a few words; empty where nothing is.
    command
        What installs it; None where nothing is to be installed.
    """

    name: str
    opens: str
    state: str
    libraries: tuple[Library, ...]
    missing: tuple[str, ...] = ()
    command: str | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """What there is to compute with.

    Attributes
    ----------
    python, system, torch
        Versions.
    devices
        ``"cpu"`` and whatever torch can compute on beside it, with its name and memory.
    cores, threads
        Of the processor that this process may use, and how many torch takes.
    memory, free
        Bytes of main memory in all, and not in use; None where the system doesn't say.
    """

    python: str
    system: str
    torch: str
    devices: tuple[str, ...]
    cores: int
    threads: int
    memory: int | None
    free: int | None


NEEDED: dict[str, tuple[str, str | None, dict[str, str | None]]] = {
    "torch": ("a module, .pt, .pth, .safetensors", None, {"torch": "2.10"}),
    "keras": ("keras:NAME, a Keras 3 model, .keras, .h5", "keras", {"keras": "3.10", "h5py": "3.10"}),
    "torchvision": ("torchvision:NAME", "vision", {"torchvision": None}),
    "timm": ("timm:NAME", "vision", {"timm": "1.0", "torchvision": None}),
    "hf": ("hf:NAME, a Hugging Face folder", "hf", {"transformers": "4.50"}),
    "onnx": (".onnx", "onnx", {"onnx": "1.21", "onnxruntime": "1.20"}),
    "function": ("FILE.py:FUNCTION, any function", None, {}),
    "tsne": ("no network: the wall's layout", "data", {"openTSNE": "1.0"}),
    "demo": ("demo:leopards", None, {}),
}
"""By door: what it opens, the extra that brings its libraries, and these with the least version that will do."""


DISPENSABLE = {"onnxruntime": "without it no answer is compared"}
"""Libraries that a door opens without, and what is then missing."""


def doors() -> tuple[Door, ...]:
    """Every door, in the order in which a person meets them."""
    return tuple(_door(name) for name in NEEDED)


def machine() -> Machine:
    """This machine; imports torch."""
    import torch

    memory, free = _memory()
    return Machine(
        python=platform.python_version(),
        system=f"{platform.system()} {platform.release()} ({platform.machine()})",
        torch=torch.__version__,
        devices=_devices(),
        cores=processors(),
        threads=torch.get_num_threads(),
        memory=memory,
        free=free,
    )


def _door(name: str) -> Door:
    opens, extra, needed = NEEDED[name]
    libraries = tuple(Library(each, _version(each), least) for each, least in needed.items())
    lacking = [library for library in libraries if not library.will_do]
    command = None if extra is None else f"pip install 'seethrough[{extra}]'"
    if lacking:
        state = PARTLY if {library.name for library in lacking} <= DISPENSABLE.keys() else CLOSED
        return Door(name, opens, state, libraries, tuple(map(_lack, lacking)), command)
    state, missing = _torchvision(for_detection=name == "torchvision") if "torchvision" in needed else (OPEN, ())
    return Door(name, opens, state, libraries, missing)


def _lack(library: Library) -> str:
    without = f" ({DISPENSABLE[library.name]})" if library.name in DISPENSABLE else ""
    if library.version is None:
        return f"{library.name} isn't installed{without}"
    return f"{library.name} {library.version} is installed and {library.least} is needed{without}"


def _torchvision(*, for_detection: bool) -> tuple[str, tuple[str, ...]]:
    """Whether the torchvision that is installed can be imported, and what it lacks."""
    from seethrough.models.torchvision_import import import_torchvision, operators_missing

    try:
        import_torchvision()
    except EnvironmentLacks as error:
        return CLOSED, (str(error).removesuffix("."),)
    if for_detection and operators_missing():
        return PARTLY, ("its operators, which detection needs, were compiled for another build of PyTorch",)
    return OPEN, ()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _numbers(said: str) -> tuple[int, ...]:
    """The numbers that a version begins with: ``(2, 13, 0)``."""
    return tuple(int(part) for part in re.findall(r"\d+", said.partition("+")[0])[:3])


def _devices() -> tuple[str, ...]:
    import torch

    found = ["cpu"]
    for i in range(torch.cuda.device_count()):
        card = torch.cuda.get_device_properties(i)
        found.append(f"cuda:{i} ({card.name}, {card.total_memory / 2**30:.0f} GiB)")
    if torch.backends.mps.is_available():
        found.append("mps")
    return tuple(found)


def _memory() -> tuple[int | None, int | None]:
    """Bytes of main memory, and how many are free; None where the system doesn't say."""
    if sys.platform.startswith("linux"):
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
        said = {line.partition(":")[0]: int(line.split()[1]) * 1024 for line in lines if len(line.split()) > 1}
        return said.get("MemTotal"), said.get("MemAvailable")
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), None
    except (ValueError, OSError, AttributeError):
        return None, None
