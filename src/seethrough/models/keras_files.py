"""Files of Keras on their way to Keras: checked, and laid out in a folder of ours, so that what was checked is what is
loaded.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from seethrough.errors import InputRefused, UsageError
from seethrough.models.configuration import check_configuration, without_compilation
from seethrough.models.files import kind_of, open_zip, parse_json, read_json, unpacking
from seethrough.models.hdf5 import check_hdf5, is_older

CONFIGURATION, WEIGHTS = "config.json", "model.weights.h5"


def unpacked(path: Path, folder: Path, *, allow_code: bool) -> Path:
    """Check a whole model and lay it out in ``folder`` for Keras.

    Returns
    -------
    Path
        What Keras may load: the folder, in the layout of a ``.keras`` archive, or an HDF5 file in it.

    Raises
    ------
    InputRefused
        See `check_configuration`, `check_hdf5` and `open_zip`.
    UsageError
        A file that holds weights only.
    """
    if kind_of(path) == "keras":
        return _unpacked_archive(path, folder, allow_code=allow_code)
    return _linked_hdf5(path, folder, allow_code=allow_code)


def _unpacked_archive(path: Path, folder: Path, *, allow_code: bool) -> Path:
    where = repr(str(path))
    with open_zip(path) as archive:
        configuration = read_json(archive, CONFIGURATION, where)
    weights = _extracted(path, folder)
    check_hdf5(weights, f"The weights in {where}")
    if allow_code:  # the person's own classes may have kept more in the archive than Keras' layers do
        return _linked(path, folder / "model.keras")
    checked = without_compilation(configuration)
    check_configuration(checked, where)
    (folder / CONFIGURATION).write_text(json.dumps(checked), "utf-8")
    return folder


def _extracted(path: Path, folder: Path) -> Path:
    """The weights of a ``.keras`` archive as a file of their own."""
    with open_zip(path) as archive:
        if WEIGHTS not in archive.namelist():
            raise InputRefused(f"{str(path)!r} holds no {WEIGHTS}; save the model again with model.save('….keras').")
        target = folder / WEIGHTS
        with unpacking(f"The weights in {str(path)!r}"), archive.open(WEIGHTS) as source, target.open("wb") as sink:
            shutil.copyfileobj(source, sink, 1 << 20)
    return target


def _linked_hdf5(path: Path, folder: Path, *, allow_code: bool) -> Path:
    where = repr(str(path))
    text = check_hdf5(path, where).get("model_config")
    if text is None:
        raise UsageError(
            f"{where} holds weights and no architecture; name the network, for instance: keras:VGG16 with "
            f"weights={where}."
        )
    if not allow_code:
        check_configuration(parse_json(text, f"The configuration in {where}"), where)
    return _linked(path, folder / "model.h5")


def _linked(path: Path, link: Path) -> Path:
    """The file under a name that tells Keras its format, whatever the person called it."""
    link.symlink_to(path.resolve())
    return link


def weights_file(path: Path, folder: Path) -> Path:
    """Check a file of weights (``.weights.h5``, an older ``.h5``, or the weights of a ``.keras``) and give it a name
    that Keras goes by.
    """
    kind = kind_of(path)
    if kind == "keras":
        file = _extracted(path, folder)
        check_hdf5(file, f"The weights in {str(path)!r}")
        return file
    if kind != "hdf5":
        raise UsageError(
            f"The weights of a Keras network come from .h5, .weights.h5 or .keras; {str(path)!r} is of another kind "
            f"({kind})."
        )
    check_hdf5(path, repr(str(path)))
    return _linked(path, folder / ("older.h5" if is_older(path) else "model.weights.h5"))
