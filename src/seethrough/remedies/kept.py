"""Kept: a repaired network in the person's own format, and beside it what was done, so that it can be proved or done again."""

from __future__ import annotations

import json
import logging
import shutil
import warnings
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from seethrough.errors import InputRefused, UsageError
from seethrough.models.again import FUNCTION
from seethrough.network import Network
from seethrough.remedies.edit import Wrapped
from seethrough.remedies.rung import Edit
from seethrough.remedies.weights import parameters
from seethrough.writing import refuse_unwritable, write_whole, written_by_another

RECORD, CONTROLS = "repair.json", "controls.safetensors"
"""What was done; and the changed weights of the two controls, ``"shuffled/PATH"`` and ``"plain/PATH"`` by a parameter's path."""

FOLDER = "repair"
"""In an audit's folder."""

FORMAT = "seethrough repair 1"
"""What a record of a repair says that it is."""

BY_NAME = ("keras", "torchvision", "timm", "hf", "demo")
"""Schemes of networks that take a file of weights."""

LARGEST = 2**28


@dataclass(frozen=True)
class Form:
    """A kind of file.

    Attributes
    ----------
    what
        What is written, in words; nothing where it needn't be told of.
    write
        Writes a network to a path.
    whole
        Whether the file is a whole network, and not weights for one that goes by its name or architecture.
    """

    what: str
    write: Callable[[Network, Path], None]
    whole: bool


def refuse_unfit(net: Network, path: str | Path) -> None:
    """Say before the work begins that a repaired network can't be written there.

    Raises
    ------
    UsageError
        Not a file of the network's own kind; says which are.
    InputRefused
        A network that can't be written at all.
    EnvironmentLacks
        A folder that isn't there or can't be written.
    """
    path = Path(path)
    forms = _forms(net)
    if _suffix(path, forms) is None:
        kinds = " or ".join(
            f"{suffix} ({form.what})" if suffix else form.what for suffix, form in forms.items() if form.what
        )
        raise UsageError(f"{net.opened.source} is written as {kinds}, and not as {path.name!r}; name such a file.")
    if _is_folder(net) and not path.suffix:
        if path.exists():
            raise UsageError(f"{str(path)!r} is there already; a repaired network gets a folder of its own.")
        refuse_unwritable(path)
        return
    refuse_unwritable(path)
    own = Path(net.opened.source)
    if path.exists() and own.exists() and path.samefile(own):
        raise UsageError(f"{str(path)!r} is the network itself, which stays as it is; name another file.")


def write(net: Network, path: str | Path) -> Path:
    """Write a network in the format of the one that it was made of, whole or not at all. Of one that computes its answer otherwise
    there is no such format; it is written as a program, ``.pt2`` whatever the name's suffix.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    UsageError, InputRefused, EnvironmentLacks
        See `refuse_unfit`.
    """
    path = Path(path).with_suffix(".pt2") if isinstance(net.opened.module, Wrapped) else Path(path)
    refuse_unfit(net, path)
    forms = _forms(net)
    suffix = _suffix(path, forms)
    assert suffix is not None
    forms[suffix].write(net, path)
    return path


def opens_with(net: Network, path: str | Path) -> tuple[str, ...]:
    """What names the network in a command once it is written: ``("demo:leopards", "--weights", "repaired.pt")``, or the file.
    Where somebody must say what builds it, an ``--architecture`` with nothing behind it ends it.
    """
    source, path = net.opened.source, Path(path)
    form = _forms(net)[_suffix(path, _forms(net)) or ""]
    if form.whole:
        return (str(path), "--allow-code") if path.suffix in (".pt", ".pt2") else (str(path),)
    if source.partition(":")[0] in BY_NAME:
        return source, "--weights", str(path)
    return str(path), "--architecture"


# --- kinds of files -----------------------------------------------------------------------------------------------------


def _forms(net: Network) -> dict[str, Form]:
    opened = net.opened
    if isinstance(opened.module, Wrapped):
        return {".pt2": Form("a program", _program, True)}
    if opened.framework == FUNCTION:
        raise InputRefused(f"{opened.source} is a function, of which nothing can be written.")
    if opened.framework == "keras":
        by_name = {".weights.h5": Form("its weights", _keras_weights, False)} if _by_name(net) else {}
        return {
            ".keras": Form("a Keras network", _keras, True),
            **by_name,
            ".h5": Form("the older format of Keras", _keras, True),
        }
    if opened.framework == "onnx":
        return {".onnx": Form("an ONNX network", _onnx, True)}
    if isinstance(opened.module, torch.jit.ScriptModule):
        return {".pt": Form("a TorchScript program", _script, True)}
    plain = {
        ".safetensors": Form("its weights", _safetensors, False),
        ".pt": Form("a state dict", _state_dict, False),
        ".pth": Form("", _state_dict, False),
    }
    if _is_folder(net):
        return {"": Form("a folder such as the one that it came from", _huggingface, True)}
    return plain


def _suffix(path: Path, forms: Mapping[str, Form]) -> str | None:
    name = path.name.lower()
    return next((suffix for suffix in forms if (name.endswith(suffix) if suffix else not path.suffix)), None)


def _by_name(net: Network) -> bool:
    return net.opened.source.partition(":")[0] in BY_NAME


def _is_folder(net: Network) -> bool:
    return net.opened.framework == "torch" and Path(net.opened.source).is_dir()


def _keras(net: Network, path: Path) -> None:
    with written_by_another(path) as temporary, _quiet():
        net.module.save(str(temporary))  # pyright: ignore[reportCallIssue]


def _keras_weights(net: Network, path: Path) -> None:
    with written_by_another(path) as temporary, _quiet():
        net.module.save_weights(str(temporary))  # pyright: ignore[reportCallIssue]


@contextmanager
def _quiet():
    """Keras says of its older format that there is a newer one, which the person knows who named it."""
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _numbers(net: Network) -> dict[str, Tensor]:
    """A state dict in which no two tensors share their memory, as safetensors wants it."""
    state = net.module.state_dict()
    return {key: t.detach().cpu().contiguous().clone() for key, t in state.items() if isinstance(t, Tensor)}


def _safetensors(net: Network, path: Path) -> None:
    write_whole(path, save(_numbers(net), {"format": "pt"}))


def _state_dict(net: Network, path: Path) -> None:
    with written_by_another(path) as temporary:
        torch.save(_numbers(net), temporary)


def _script(net: Network, path: Path) -> None:
    with written_by_another(path) as temporary:
        torch.jit.save(net.module, str(temporary))


def _program(net: Network, path: Path) -> None:
    shape = net.input_size
    if shape is None:
        raise UsageError(f"Nothing says how large the input of {net.opened.source} is; say input_size when opening it.")
    try:
        program = torch.export.export(
            net.module, (torch.zeros(2, *shape),), dynamic_shapes=({0: torch.export.Dim("batch")},), strict=False
        )
    except Exception as error:  # whatever torch.export says of what it can't follow
        raise InputRefused(
            f"{net.opened.source} with another way to its answer can't be written as a program "
            f"({' '.join(str(error).split())[:150]}); use the network that `repair` gives in Python."
        ) from error
    with written_by_another(path) as temporary:
        torch.export.save(program, temporary)


def _onnx(net: Network, path: Path) -> None:
    """The person's file with those initialisers replaced that are others now."""
    from seethrough.models.onnx_module import OnnxNetwork
    from seethrough.models.onnx_write import with_weights

    assert isinstance(net.module, OnnxNetwork)
    write_whole(path, with_weights(Path(net.opened.source), net.module))


def _huggingface(net: Network, path: Path) -> None:
    """The folder's descriptions as they are, and the weights beside them."""
    own = Path(net.opened.source)
    temporary = path.with_name(f".{path.name}.part")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        for each in sorted(own.glob("*.json")):
            if not each.name.endswith(".index.json"):
                shutil.copyfile(each, temporary / each.name)
        write_whole(temporary / "model.safetensors", save(_numbers(net), {"format": "pt"}))
        temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


# --- what was done ------------------------------------------------------------------------------------------------------


def write_record(folder: Path, said: Mapping[str, Any], controls: Mapping[str, Edit]) -> None:
    """Write a repair's record and its controls into a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"{name}/{path}": t for name, edit in controls.items() for path, t in edit.weights.items()}
    if tensors:
        tensors = {key: t.detach().cpu().contiguous().clone() for key, t in tensors.items()}
        write_whole(folder / CONTROLS, save(tensors, {"after": str(said.get("after", {}).get("fingerprint", ""))}))
    else:
        (folder / CONTROLS).unlink(missing_ok=True)
    text = json.dumps({"format": FORMAT, **said}, indent=1, ensure_ascii=False, default=str)
    write_whole(folder / RECORD, text.encode())


def record_in(folder: Path) -> dict[str, Any] | None:
    """The record of a repair in a folder; None where there is none.

    Raises
    ------
    InputRefused
        Where the file isn't one.
    """
    path = folder / RECORD
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError("too large")
        said = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise InputRefused(f"{str(path)!r} holds no record of a repair; remove it, and repair again.") from error
    if not isinstance(said, dict) or said.get("format") != FORMAT:
        raise InputRefused(f"{str(path)!r} holds no record of a repair; remove it, and repair again.")
    return said


def controls_in(folder: Path, net: Network) -> dict[str, Edit]:
    """The controls of a repair, as changes of the network that was repaired; none where there are none, or they are of another
    network.

    Parameters
    ----------
    folder
        With the record.
    net
        The network as it was.

    Raises
    ------
    InputRefused
        Where a file isn't what it should be.
    """
    said, path = record_in(folder), folder / CONTROLS
    if said is None or said.get("before", {}).get("fingerprint") != net.fingerprint or not path.exists():
        return {}
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise InputRefused(f"{str(path)!r} can't be read; remove it, and repair again.") from error
    live = parameters(net)
    found: dict[str, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        name, _, parameter = key.partition("/")
        if parameter not in live or live[parameter].shape != tensor.shape:
            raise InputRefused(f"{str(path)!r} holds weights of another network; remove it, and repair again.")
        found.setdefault(name, {})[parameter] = tensor
    return {name: Edit(weights) for name, weights in found.items()}


__all__ = [
    "CONTROLS",
    "FOLDER",
    "FORMAT",
    "RECORD",
    "controls_in",
    "opens_with",
    "record_in",
    "refuse_unfit",
    "write",
    "write_record",
]
