"""Files of Keras on their way to Keras: checked, and written anew in a folder of ours, so that what was checked is what is
loaded, and HDF5 is parsed here only where we wrote it.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from seethrough.errors import InputRefused, UsageError
from seethrough.models.archives import open_zip, unpacking
from seethrough.models.configuration import check_configuration, check_sizes, without_compilation
from seethrough.models.files import kind_of
from seethrough.models.hdf5_copy import Contents, contents, write_hdf5
from seethrough.models.json_text import parse_json, read_json

CONFIGURATION, WEIGHTS = "config.json", "model.weights.h5"


def unpacked(path: Path, folder: Path, *, allow_code: bool) -> Path:
    """Check a whole model and lay it out in ``folder`` for Keras.

    Returns
    -------
    Path
        What Keras may load: the folder, in the layout of a ``.keras`` archive, or an HDF5 file in it. With
        ``allow_code`` it is the person's own file, checked all the same.

    Raises
    ------
    InputRefused
        See `check_configuration`, `check_sizes`, `hdf5_copy.contents` and `open_zip`.
    UsageError
        A file that holds weights only.
    """
    if kind_of(path) == "keras":
        return _unpacked_archive(path, folder, allow_code=allow_code)
    return _unpacked_hdf5(path, folder, allow_code=allow_code)


def _unpacked_archive(path: Path, folder: Path, *, allow_code: bool) -> Path:
    where = repr(str(path))
    with open_zip(path) as archive:
        configuration = read_json(archive, CONFIGURATION, where)
    if not allow_code:
        configuration = without_compilation(configuration)
        check_configuration(configuration, where)
    stored = _extracted(path, folder / "stored.h5")
    if allow_code:  # the person's own classes may have kept more in the archive than Keras' layers do
        contents(stored, None, f"The weights in {where}")
        return _linked(path, folder / "model.keras")
    found = _written_anew(stored, folder / WEIGHTS, f"The weights in {where}")
    stored.unlink()
    check_sizes(configuration, found.elements, where)
    (folder / CONFIGURATION).write_text(json.dumps(configuration), "utf-8")
    return folder


def _extracted(path: Path, target: Path) -> Path:
    """The weights of a ``.keras`` archive as a file of their own."""
    with open_zip(path) as archive:
        if WEIGHTS not in archive.namelist():
            raise InputRefused(f"{str(path)!r} holds no {WEIGHTS}; save the model again with model.save('….keras').")
        with unpacking(f"The weights in {str(path)!r}"), archive.open(WEIGHTS) as source, target.open("wb") as sink:
            shutil.copyfileobj(source, sink, 1 << 20)
    return target


def _unpacked_hdf5(path: Path, folder: Path, *, allow_code: bool) -> Path:
    where = repr(str(path))
    numbers = folder / "numbers"
    found = contents(path, None if allow_code else numbers, where)
    text = found.text("model_config")
    if text is None:
        raise UsageError(
            f"{where} holds weights and no architecture; name the network, for instance: keras:VGG16 with "
            f"weights={where}."
        )
    if allow_code:
        return _linked(path, folder / "model.h5")
    configuration = without_compilation(parse_json(text, f"The configuration in {where}"))
    check_configuration(configuration, where)
    check_sizes(configuration, found.elements, where)
    target = write_hdf5(_with_configuration(found, configuration), numbers, folder / "model.h5")
    numbers.unlink()
    return target


def _with_configuration(found: Contents, configuration: dict[str, Any]) -> Contents:
    """The same with the configuration that was checked, and without how it was trained."""
    kept = {name: value for name, value in found.groups[""].items() if name != "training_config"}
    return replace(found, groups={**found.groups, "": {**kept, "model_config": json.dumps(configuration)}})


def _written_anew(stored: Path, target: Path, where: str) -> Contents:
    numbers = target.with_name("numbers")
    found = contents(stored, numbers, where)
    write_hdf5(found, numbers, target)
    numbers.unlink()
    return found


def _linked(path: Path, link: Path) -> Path:
    """The file under a name that tells Keras its format, whatever the person called it."""
    link.symlink_to(path.resolve())
    return link


def weights_file(path: Path, folder: Path) -> Path:
    """Check a file of weights (``.weights.h5``, an older ``.h5``, or the weights of a ``.keras``), and write it anew under a
    name that Keras goes by.
    """
    kind, where = kind_of(path), repr(str(path))
    if kind not in ("keras", "hdf5"):
        raise UsageError(
            f"The weights of a Keras network come from .h5, .weights.h5 or .keras; {where} is of another kind ({kind})."
        )
    stored = path
    if kind == "keras":
        stored, where = _extracted(path, folder / "stored.h5"), f"The weights in {where}"
    written = folder / "written"
    found = _written_anew(stored, written, where)
    return written.rename(folder / ("older.h5" if found.is_older else WEIGHTS))
