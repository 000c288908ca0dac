"""The files of a Hugging Face folder before transformers sees them: what the configuration asks for, and which files
hold the weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from seethrough.errors import InputRefused
from seethrough.models.files import check_safetensors, refuse_no_file
from seethrough.models.json_text import LARGEST_TEXT, parse_json

LARGEST_NUMBER = 16_384
"""The most that a size, width or count of a processor's settings may be: nothing is allocated on a file's word."""

KERNELS = ("attn_implementation", "experts_implementation", "kernel_config", "use_kernels")
"""Settings by which transformers fetches compiled code from the hub."""


def configuration_in(
    folder: Path, name: str = "config.json", *, tensors: int | None = None, allow_code: bool = False
) -> dict[str, Any]:
    """A configuration in a folder, refused where it would run code, fetch something, or build without end.

    Parameters
    ----------
    name
        ``"config.json"``, or the settings of a processor.
    tensors
        How many tensors the files of weights hold; a network has no more layers than those.
    allow_code
        Whether code that comes with the network may run.

    Raises
    ------
    InputRefused
        One sentence: what it asks for, and the way out.
    """
    path = folder / name
    if not path.exists():
        return {}
    refuse_no_file(path)
    if path.stat().st_size > LARGEST_TEXT:
        raise InputRefused(
            f"The {name} of {str(folder)!r} has {path.stat().st_size:,} bytes; that describes no network."
        )
    found = parse_json(path.read_bytes(), f"The {name} of {str(folder)!r}")
    _refuse_code(found, folder, allow_code=allow_code)
    for key, value in _entries(found):
        _refuse_endless(key, value, folder, name, tensors)
    return found


def _refuse_code(found: dict[str, Any], folder: Path, *, allow_code: bool) -> None:
    where = repr(str(folder))
    if found.get("auto_map") and not allow_code:
        raise InputRefused(
            f"{where} comes with code of its own ({_first_of(found['auto_map'])}), which would run when opened; open it "
            "with allow_code=True (--allow-code) if you trust it."
        )
    if found.get("quantization_config"):
        method = found["quantization_config"]
        method = method.get("quant_method", "?") if isinstance(method, dict) else "?"
        raise InputRefused(
            f"{where} is quantized ({method}), which Seethrough can't undo; save the network in float32 or bfloat16."
        )
    for key, value in _entries(found):
        kernel = any(key.endswith(word) for word in KERNELS)
        if kernel and (not isinstance(value, str) or any(sign in value for sign in "/:@")):
            raise InputRefused(
                f"{where} asks for compiled code from elsewhere ({key}: {str(value)[:80]}); take that out of its "
                "config.json."
            )


def _first_of(mapping: Any) -> str:
    return str(next(iter(mapping.values()), "?")) if isinstance(mapping, dict) else str(mapping)[:80]


def _refuse_endless(key: str, value: Any, folder: Path, name: str, tensors: int | None) -> None:
    numbers = [n for n in (value if isinstance(value, list) else [value]) if isinstance(n, int | float)]
    counts = key.endswith(("layers", "depth", "depths", "blocks", "stages")) and not isinstance(value, bool)
    most = tensors if counts and tensors is not None else None
    if name != "config.json" and not key.startswith(("image_mean", "image_std")):
        most = LARGEST_NUMBER
    if most is not None and sum(abs(n) for n in numbers) > max(most, 8):
        raise InputRefused(
            f"The {name} of {str(folder)!r} says {key} = {str(value)[:40]}, which its files can't be meant for; it is "
            "broken or made to mislead."
        )


def _entries(found: Any) -> Iterator[tuple[str, Any]]:
    """Every key with its value, at any depth."""
    if isinstance(found, dict):
        for key, value in found.items():
            yield str(key), value
            yield from _entries(value)
    elif isinstance(found, list):
        for value in found:
            yield from _entries(value)


def weights_among(folder: Path) -> list[Path]:
    """The files of a folder that hold its weights: safetensors where there are any, whole or in parts.

    Raises
    ------
    InputRefused
        None, parts that an index names and that aren't there, or a header that can't be true.
    """
    where = repr(str(folder))
    for whole, index in (
        ("model.safetensors", "model.safetensors.index.json"),
        ("pytorch_model.bin", "pytorch_model.bin.index.json"),
    ):
        if (folder / whole).exists():
            files = [folder / whole]
        elif (folder / index).exists():
            files = _parts(folder, index)
        else:
            continue
        for file in files:
            refuse_no_file(file)
            if file.suffix == ".safetensors":
                check_safetensors(file)
        return files
    if (folder / "adapter_config.json").exists():
        raise InputRefused(f"{where} holds an adapter (PEFT) and no network; merge it into its network and save that.")
    raise InputRefused(
        f"{where} has a configuration and no weights (model.safetensors or pytorch_model.bin); copy them there."
    )


def _parts(folder: Path, index: str) -> list[Path]:
    where = f"The {index} of {str(folder)!r}"
    if (folder / index).stat().st_size > LARGEST_TEXT:
        raise InputRefused(f"{where} is too large to be true.")
    named = parse_json((folder / index).read_bytes(), where).get("weight_map")
    if not isinstance(named, dict) or not named:
        raise InputRefused(f"{where} names no files; copy or download it again.")
    parts = dict.fromkeys(named.values())
    for part in parts:
        if not isinstance(part, str) or Path(part).name != part:
            raise InputRefused(f"{where} names a file outside the folder ({str(part)[:80]!r}); don't trust it.")
        if not (folder / part).exists():
            raise InputRefused(f"{where} names {part}, which isn't there; copy or download it again.")
    return [folder / part for part in parts]
