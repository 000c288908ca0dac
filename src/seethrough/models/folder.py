"""The door for folders: which network was saved in one, if any."""

from __future__ import annotations

from pathlib import Path

from seethrough.errors import InputRefused
from seethrough.models.files import refuse_no_file
from seethrough.models.json_text import parse_json
from seethrough.models.opened import Opened, Said

SUFFIXES = (".keras", ".h5", ".hdf5", ".onnx", ".safetensors", ".pt", ".pth", ".pt2", ".bin")
LISTED = 5


def open_folder(path: Path, said: Said, *, allow_code: bool) -> Opened:
    """Open the network that a folder holds: one that Hugging Face saved there.

    Raises
    ------
    InputRefused
        A folder without a network, with several, or of another kind; the sentence says what to name instead.
    """
    where = repr(str(path))
    if (path / "saved_model.pb").exists():
        refuse_no_file(path)  # says what to do with a TensorFlow SavedModel
    if (path / "config.json").exists():
        _refuse_others(path)
        from seethrough.models.huggingface import open_huggingface_folder

        return open_huggingface_folder(path, said, allow_code=allow_code)
    if (path / "model_index.json").exists():
        raise InputRefused(f"{where} is a pipeline of several networks (diffusers); name the folder of one in it.")
    inside = sorted(each.name for each in path.iterdir() if each.is_dir() and (each / "config.json").exists())
    files = sorted(each.name for each in path.iterdir() if each.suffix.casefold() in SUFFIXES)
    if not inside and not files:
        raise InputRefused(
            f"{where} is a folder without a network: it has no config.json (Hugging Face), and no file that ends in "
            f"{', '.join(SUFFIXES)}."
        )
    raise InputRefused(_which(where, inside, files))


def _which(where: str, folders: list[str], files: list[str]) -> str:
    found = [*folders, *files]
    named = ", ".join(found[:LISTED]) + (", …" if len(found) > LISTED else "")
    if len(found) == 1:
        return f"{where} is a folder that holds the network {named}; name that."
    return f"{where} is a folder that holds {len(found)} networks ({named}); name the one you mean."


def _refuse_others(path: Path) -> None:
    """A folder whose configuration isn't one of transformers."""
    where, config = repr(str(path)), path / "config.json"
    refuse_no_file(config)
    described = parse_json(config.read_bytes(), f"The config.json of {where}")
    if "model_type" in described or "architectures" in described:
        return
    if "class_name" in described or (path / "model.weights.h5").exists():
        raise InputRefused(
            f"{where} is a .keras file that was unpacked; name the .keras file itself, or zip the folder."
        )
    if "architecture" in described:
        weights = next((name for name in ("model.safetensors", "pytorch_model.bin") if (path / name).exists()), "…")
        raise InputRefused(
            f"{where} was saved by timm; open its weights as {str(path / weights)!r} with "
            f"architecture='timm:{described['architecture']}'."
        )
    raise InputRefused(f"The config.json of {where} doesn't say what network it is (no model_type).")
