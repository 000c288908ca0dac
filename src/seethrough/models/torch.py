"""The door to PyTorch: a person's own live module, and files of weights for an architecture of the person's own."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn as nn

from seethrough.errors import InputRefused, UsageError, nearest
from seethrough.images import preprocessing_named
from seethrough.models.architectures import is_named, named, outputs_meant, with_outputs
from seethrough.models.files import check_safetensors, fingerprint, kind_of
from seethrough.models.inputs import Input, explained_first
from seethrough.models.mapping import ByLayer
from seethrough.models.opened import NOTHING, Known, Opened, Said
from seethrough.models.pickles import WAY_OUT, load_pickled
from seethrough.models.precision import in_float32
from seethrough.models.preprocessing import at_size, for_channels
from seethrough.models.state import not_finite, random_state_kept, refuse_misfit
from seethrough.results import Note

WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "network", "weights", "params")
"""Keys under which training scripts keep a state dict beside the epoch and the optimizer."""

Architecture = str | type[nn.Module] | Callable[[], nn.Module] | nn.Module


def open_live_torch(
    module: nn.Module,
    said: Said,
    *,
    source: str | None = None,
    weights: str = "live",
    known: Known = NOTHING,
    notes: tuple[Note, ...] = (),
    provenance: Mapping[str, Any] | None = None,
) -> Opened:
    """Open a module as it is, or where it computes in less than float32, a copy that doesn't; it is neither called nor
    switched to another mode.

    Parameters
    ----------
    source, weights
        As in `Opened`.
    known
        What its source knows of it, where it has one that does.
    notes, provenance
        Of the source, put before what is found here.
    """
    module, narrowness = in_float32(module)
    layers = dict(_named(module))
    size = said.size("channels_first") or known.input_size
    inputs, call = given_to(module, said)
    if said.preprocessing is not None:
        preprocessing = preprocessing_named(said.preprocessing)
    else:
        preprocessing = at_size(known.preprocessing, known.input_size, size)
    return Opened(
        module=module,
        source=source or f"{type(module).__name__} (live torch module)",
        framework="torch",
        layout="channels_first",
        input_size=size,
        weights=weights,
        classes=said.named() or known.classes,
        preprocessing=for_channels(preprocessing, size[0] if size else None),
        paths={id(layer): path for path, layer in layers.items()},
        layers=layers,
        info=ByLayer(layers, settings),
        arrays=ByLayer(layers, arrays),
        output=said.output or known.output,
        task=said.task or known.task,
        inputs=inputs,
        call=call,
        notes=(*notes, *narrowness, *not_finite(_weights(layers))),
        provenance={"torch": torch.__version__, **(provenance or {})},
    )


def given_to(module: nn.Module, said: Said) -> tuple[dict[str, Input], Callable[..., Any] | None]:
    """The inputs that a person named one by one, and what calls the module on them: by keyword where they have names,
    by position where they were listed.
    """
    as_said = said.inputs()
    inputs = explained_first(as_said)
    by_keyword = isinstance(said.input_size, Mapping)
    if by_keyword:
        _refuse_unknown_inputs(module, list(inputs))

    def call(*tensors: torch.Tensor) -> Any:
        by_name = dict(zip(inputs, tensors, strict=True))
        return module(**by_name) if by_keyword else module(*(by_name[name] for name in as_said))

    return inputs, call if inputs else None


def _refuse_unknown_inputs(module: nn.Module, names: list[str]) -> None:
    """A name that the module's forward doesn't know, where it says which it knows."""
    try:
        parameters = inspect.signature(module.forward).parameters.values()
    except (TypeError, ValueError):  # a scripted module says nothing
        return
    known = [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return
    for name in names:
        if name not in known:
            raise UsageError(
                f"{type(module).__name__} takes no input {name!r}.{nearest(name, known)} It takes: "
                f"{', '.join(known) or 'inputs by position alone; give a list of shapes'}."
            )


def _named(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The modules inside by path, a shared one once; a module without any inside stands for itself, by its class
    name.
    """
    inside = [(path, layer) for path, layer in module.named_modules() if path]
    yield from inside or [(type(module).__name__, module)]


def _weights(layers: Mapping[str, nn.Module]) -> Iterator[tuple[str, torch.Tensor]]:
    for path, layer in layers.items():
        yield from ((path, tensor) for tensor in layer.parameters(recurse=False))
        yield from ((path, tensor) for tensor in layer.buffers(recurse=False))


def settings(layer: nn.Module) -> dict[str, Any]:
    """How a module was made: its class, and those parameters of its constructor that it keeps as plain attributes.

    A tensor under the name of a switch (``bias``) says only that the switch was on.
    """
    found: dict[str, Any] = {"class": type(layer).__name__}
    kept = {**vars(layer), **layer._parameters}
    for name in _constructor(type(layer)):
        if name not in kept:
            continue
        value = kept[name]
        if name == "bias" and (value is None or isinstance(value, torch.Tensor)):
            found[name] = value is not None
        elif _is_plain(value):
            found[name] = value
    return found


def _constructor(kind: type) -> tuple[str, ...]:
    try:
        parameters = inspect.signature(kind.__init__).parameters.values()
    except (TypeError, ValueError):  # written in C
        return ()
    named = (each for each in parameters if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD))
    return tuple(each.name for each in named if each.name != "self")


def _is_plain(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(map(_is_plain, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, bool | int | float | str)


def arrays(layer: nn.Module) -> dict[str, np.ndarray]:
    """A module's state dict as NumPy arrays of their own; types that NumPy lacks (bfloat16) become float32."""
    return {name: _array(tensor) for name, tensor in layer.state_dict().items() if isinstance(tensor, torch.Tensor)}


def _array(tensor: torch.Tensor) -> np.ndarray:
    tensor = tensor.detach().cpu()
    try:
        return tensor.numpy().copy()
    except TypeError:
        return tensor.float().numpy()


def open_torch_file(path: Path, said: Said, *, architecture: Architecture | None, allow_code: bool) -> Opened:
    """Open weights for an architecture: ``.safetensors``, or ``.pt`` / ``.pth`` with a state dict.

    Raises
    ------
    InputRefused
        A pickled module, TorchScript or ``.pt2`` (unless ``allow_code``), a file that declares what it doesn't hold,
        weights that don't fit.
    UsageError
        Weights without an architecture, or one that can't be found.
    """
    kind, where = kind_of(path), repr(str(path))
    if kind in ("torchscript", "pt2"):
        return _open_program(path, kind, said, allow_code=allow_code)
    loaded = _loaded(path, kind, allow_code=allow_code)
    if isinstance(loaded, nn.Module):
        return _from_file(loaded, path, said)
    if architecture is None:
        raise UsageError(
            f"{where} holds weights and no architecture; say architecture='package.module:function', a function of "
            "yours that builds the network, or one by name, architecture='timm:resnet50'."
        )
    if is_named(architecture):
        return _for_named(str(architecture), loaded, path, said)
    module = build(architecture)
    notes = fill(module, loaded, where)
    return _from_file(module, path, said, notes)


def _for_named(architecture: str, loaded: Any, path: Path, said: Said) -> Opened:
    """Weights for an architecture by name, with as many outputs as they are for."""
    module, known = named(architecture, said)
    if said.classes is None:
        state, _ = _matched(module, loaded, repr(str(path)))
        outputs = outputs_meant(module, state)
        if outputs is not None:
            module, known = with_outputs(architecture, said, outputs)
    notes = fill(module, loaded, repr(str(path)))
    return _from_file(module, path, said, notes, known)


def _from_file(
    module: nn.Module, path: Path, said: Said, notes: tuple[Note, ...] = (), known: Known = NOTHING
) -> Opened:
    record = {"file_sha256": fingerprint(path)}
    return open_live_torch(
        module, said, source=str(path), weights=path.name, known=known, notes=notes, provenance=record
    )


def _open_program(path: Path, kind: str, said: Said, *, allow_code: bool) -> Opened:
    where = repr(str(path))
    if not allow_code:
        what = "a TorchScript program" if kind == "torchscript" else "an exported program (.pt2)"
        raise InputRefused(f"{where} is {what}, which holds code; {WAY_OUT}")
    try:
        if kind == "torchscript":
            module = torch.jit.load(str(path), map_location="cpu")
        else:
            module = torch.export.load(str(path)).module()
    except (RuntimeError, ValueError, OSError) as error:
        raise InputRefused(f"PyTorch can't read the program {where}: {_first_line(error)}") from error
    return _from_file(module, path, said)


def _loaded(path: Path, kind: str, *, allow_code: bool) -> Any:
    """What a file holds: a state dict (wrapped or not), or with ``allow_code`` whatever it is."""
    where = repr(str(path))
    if kind == "safetensors":
        return _safetensors(path)
    if kind not in ("torch", "torch legacy"):
        raise UsageError(
            f"{where} is a Keras file; weights for a torch architecture come from .safetensors, .pt or .pth."
        )
    return load_pickled(path, kind, allow_code=allow_code)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def _safetensors(path: Path) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    check_safetensors(path)
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise InputRefused(f"{str(path)!r} can't be read ({error}); copy or download it again.") from error


def build(architecture: Architecture) -> nn.Module:
    """The network that an architecture makes: ``"package.module:function"``, a class, a function, or a module as it
    is.
    """
    if isinstance(architecture, nn.Module):
        return architecture
    named = architecture if isinstance(architecture, str) else getattr(architecture, "__qualname__", repr(architecture))
    make = _imported(architecture) if isinstance(architecture, str) else architecture
    try:
        with random_state_kept():
            module = make()
    except Exception as error:  # it is the person's own code
        raise UsageError(
            f"The architecture {named!r} raised {type(error).__name__} when called without arguments: {error}"
        ) from error
    if not isinstance(module, nn.Module):
        raise UsageError(f"The architecture {named!r} returned {type(module).__name__}; a torch.nn.Module is wanted.")
    return module.eval()


def _imported(named: str) -> Callable[[], Any]:
    home, colon, attribute = named.partition(":")
    if not (home and colon and attribute):
        raise UsageError(
            f"An architecture is named 'package.module:function', like 'mynetworks.resnet:resnet20'; this is {named!r}."
        )
    try:
        with _working_folder_importable():
            found: Any = importlib.import_module(home)
        for part in attribute.split("."):
            found = getattr(found, part)
    except ImportError as error:
        raise UsageError(
            f"The architecture {named!r} can't be imported: {error}. Is its folder the working folder, or on "
            "PYTHONPATH?"
        ) from error
    except AttributeError as error:
        raise UsageError(f"The architecture {named!r} isn't there: {error}.") from error
    return found


@contextmanager
def _working_folder_importable() -> Iterator[None]:
    """A person's own file stands beside the command, as with ``python -m``; an installed command doesn't look there."""
    here = str(Path.cwd())
    added = here not in sys.path and "" not in sys.path and not os.environ.get("PYTHONSAFEPATH")
    if added:
        sys.path.insert(0, here)
    try:
        yield
    finally:
        if added:
            sys.path.remove(here)


def weights_in(path: Path) -> Any:
    """What a ``.safetensors``, ``.pt`` or ``.pth`` file of weights holds: a state dict, wrapped or not. Nothing in it
    runs.
    """
    return _loaded(path, kind_of(path), allow_code=False)


def fill(module: nn.Module, loaded: Any, where: str) -> tuple[Note, ...]:
    """Load a state dict into a module of ours, unwrapped and without a prefix, or refuse it."""
    state, notes = _matched(module, loaded, where)
    expected = module.state_dict()
    wanted = {key: tuple(value.shape) for key, value in expected.items() if isinstance(value, torch.Tensor)}
    refuse_misfit(wanted, {key: tuple(value.shape) for key, value in state.items()}, where)
    try:
        module.load_state_dict(state, strict=False)
    except RuntimeError as error:
        raise InputRefused(f"The weights of {where} don't load: {' '.join(str(error).split())[:300]}") from error
    return notes


def _matched(module: nn.Module, loaded: Any, where: str) -> tuple[dict[str, torch.Tensor], tuple[Note, ...]]:
    """The state dict in what was loaded, by the module's own keys as far as they can be told."""
    state, notes = _unwrapped(loaded, where)
    expected = module.state_dict()
    state, prefix = _without_prefix(state, expected)
    if prefix:
        notes = (*notes, Note("prefix_removed", numbers={"prefix": prefix}))
    # BatchNorm counts its batches only since PyTorch 0.4, for training alone.
    counters = {key: torch.zeros((), dtype=torch.long) for key in expected if key.endswith("num_batches_tracked")}
    return {**counters, **state}, notes


def _unwrapped(loaded: Any, where: str) -> tuple[dict[str, torch.Tensor], tuple[Note, ...]]:
    notes: tuple[Note, ...] = ()
    if isinstance(loaded, Mapping) and not _tensors(loaded):
        key = next((key for key in WRAPPERS if isinstance(loaded.get(key), Mapping)), None)
        if key is not None:
            loaded, notes = loaded[key], (Note("state_dict_unwrapped", numbers={"key": key}),)
    found = _tensors(loaded) if isinstance(loaded, Mapping) else {}
    if not found:
        keys = f" It has the keys {', '.join(map(repr, list(loaded)[:5]))}." if isinstance(loaded, Mapping) else ""
        raise InputRefused(
            f"{where} holds no state dict (names with tensors).{keys} Save it with torch.save(model.state_dict(), …)."
        )
    return found, notes


def _tensors(mapping: Mapping[Any, Any]) -> dict[str, torch.Tensor]:
    return {key: value for key, value in mapping.items() if isinstance(key, str) and isinstance(value, torch.Tensor)}


def _without_prefix(state: dict[str, torch.Tensor], expected: Mapping[str, Any]) -> tuple[dict[str, torch.Tensor], str]:
    """Take off what a wrapper put before every key (``module.`` of DataParallel, ``model.`` of Lightning,
    ``_orig_mod.`` of compile).
    """
    prefix = ""
    while state and not state.keys() & expected.keys():
        heads = {key.partition(".")[0] for key in state}
        if len(heads) != 1 or not all("." in key for key in state):
            break
        prefix += f"{heads.pop()}."
        state = {key.partition(".")[2]: value for key, value in state.items()}
    fits = bool(state.keys() & expected.keys())
    return (state, prefix) if fits else ({f"{prefix}{key}": value for key, value in state.items()}, "")
