"""Where results go: one picture's into a file, several pictures' into a folder or by a pattern; settled and refused
before the work begins.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seethrough.errors import UsageError

NAME, NUMBER = "{name}", "{number}"
"""Places in a pattern: the picture's file name without its suffix, and its number in the command from 1."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A file for each picture, in order; ``folder`` is made before the first is written, where it isn't there yet."""

    files: tuple[Path, ...]
    folder: Path | None = None

    def make_folder(self) -> None:
        """Make the folder, which `destination` found to be possible."""
        if self.folder is not None:
            self.folder.mkdir(exist_ok=True)


def destination(said: str, images: Sequence[str]) -> Destination:
    """What ``-o`` means for these pictures.

    Parameters
    ----------
    said
        A file; a folder (it exists, or ends in ``/``), which gets a page for each picture; or a pattern with ``{name}``
        or ``{number}``.
    images
        The pictures as they were named.

    Raises
    ------
    UsageError
        One file for several pictures, two pictures with one file, no kind of file that there is.
    EnvironmentLacks
        A folder that isn't there or can't be written.
    """
    path = Path(said)
    is_folder = path.is_dir() or said.endswith(("/", os.sep))
    pattern = str(path / f"{NAME}.html") if is_folder else said
    if len(images) > 1 and NAME not in pattern and NUMBER not in pattern:
        raise UsageError(
            f"{len(images)} pictures don't go into the one file {said!r}; name a folder (ending in /), or a pattern "
            "such as 'out/{name}.html'."
        )
    files = tuple(Path(_filled(pattern, image, i)) for i, image in enumerate(images, 1))
    _refuse_same(files, images)
    folder = path if is_folder and not path.exists() else None
    _refuse(files, folder)
    return Destination(files, folder)


def result_file(said: str, kinds: Sequence[str]) -> Path:
    """Where one result goes, refused before the work begins where it can't be written or no such kind of file is.

    Raises
    ------
    UsageError
        No kind of file that there is.
    EnvironmentLacks
        A folder that isn't there or can't be written.
    """
    from seethrough.report import refuse_unknown_kind
    from seethrough.writing import refuse_unwritable

    file = Path(said)
    refuse_unknown_kind(file, kinds)
    refuse_unwritable(file)
    return file


def _filled(pattern: str, image: str, number: int) -> str:
    return pattern.replace(NAME, Path(image).stem).replace(NUMBER, str(number))


def _refuse_same(files: Sequence[Path], images: Sequence[str]) -> None:
    twice = next((file for file, times in Counter(files).items() if times > 1), None)
    if twice is not None:
        first, second = [image for image, file in zip(images, files) if file == twice][:2]
        raise UsageError(
            f"The results of {first!r} and {second!r} would both be {str(twice)!r}; name a pattern with {NUMBER} in it."
        )
    for image, file in zip(images, files):
        if file.exists() and Path(image).exists() and file.samefile(image):
            raise UsageError(f"The result would replace the picture {image!r} itself; name another file.")


def _refuse(files: Sequence[Path], folder: Path | None) -> None:
    from seethrough.report import refuse_unknown_kind
    from seethrough.writing import refuse_unwritable

    for file in files:
        refuse_unknown_kind(file)
        refuse_unwritable(folder if folder is not None and file.parent == folder else file)
