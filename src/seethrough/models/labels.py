"""Names of outputs: ImageNet's thousand, a person's own list, and what a person means when naming one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from seethrough.errors import InputRefused, UsageError, nearest

LARGEST_LIST = 16 * 2**20
"""The most bytes that a file of names may have."""

LISTED = 8
"""The most indices or names that a message lists."""


@cache
def _imagenet() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Of each class its WordNet identifier and its synonyms."""
    text = (files("seethrough.models") / "imagenet.tsv").read_text("utf-8")
    rows = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    return tuple((wnid, tuple(synonym.strip() for synonym in synonyms.split(","))) for wnid, synonyms in rows)


@cache
def imagenet_names() -> tuple[str, ...]:
    """ImageNet's 1,000 names by index: the first synonym, or a later one where another class has the same first.

    *crane* (134, the bird, and 517, the machine) has no other, so that name stands twice.
    """
    first = Counter(synonyms[0].casefold() for _, synonyms in _imagenet())
    return tuple(
        next((each for each in synonyms if each.casefold() not in first), synonyms[0])
        if first[synonyms[0].casefold()] > 1
        else synonyms[0]
        for _, synonyms in _imagenet()
    )


@cache
def imagenet_wnids() -> tuple[str, ...]:
    """ImageNet's 1,000 WordNet identifiers by index: ``"n01440764"``…"""
    return tuple(wnid for wnid, _ in _imagenet())


def resolve(said: str | int, classes: Sequence[str] | None, outputs: int | None = None) -> int:
    """The index of the output that a person means.

    Parameters
    ----------
    said
        An index (also as text, ``"292"``), a name in any case with spaces or underscores, a synonym or a WordNet
        identifier of ImageNet.
    classes
        The names by index, where they are known.
    outputs
        How many outputs there are, where that is known.

    Raises
    ------
    UsageError
        Nothing of that name (nearest names follow), several (their indices follow), or an index beyond the outputs.
    """
    if not isinstance(said, str) or said.strip().lstrip("-").isdecimal():
        return _index(int(said), len(classes) if classes is not None else outputs)
    if classes is None:
        raise UsageError(
            f"Nothing says what this network's outputs are called, so {said!r} can't be found; name them with "
            "classes=… "
            "(a list, a file, 'imagenet'), or give an index."
        )
    for named in (_by_name(classes), *_of_imagenet(classes)):
        found = named.get(_folded(said), ())
        if len(found) == 1:
            return found[0]
        if found:
            several = ", ".join(f"{i} ({_told_apart(i, classes)})" for i in found[:LISTED])
            raise UsageError(f"{said!r} is the name of {len(found)} outputs: {several}. Give the index.")
    raise UsageError(f"No output is called {said!r}.{nearest(said, list(dict.fromkeys(classes)))}")


def _index(index: int, outputs: int | None) -> int:
    if index < 0 or (outputs is not None and index >= outputs):
        last = "" if outputs is None else f" The network has {outputs} outputs, 0 to {outputs - 1}."
        raise UsageError(f"There is no output {index}.{last}")
    return index


def _folded(name: str) -> str:
    return " ".join(name.replace("_", " ").replace("-", " ").casefold().split())


def _gather(pairs: Iterable[tuple[str, int]]) -> Mapping[str, tuple[int, ...]]:
    gathered: dict[str, list[int]] = {}
    for name, index in pairs:
        indices = gathered.setdefault(_folded(name), [])
        if index not in indices:
            indices.append(index)
    return {name: tuple(indices) for name, indices in gathered.items()}


def _by_name(classes: Sequence[str]) -> Mapping[str, tuple[int, ...]]:
    """Indices by name. A first synonym that two ImageNet classes share stays ambiguous, whatever they are displayed
    as.
    """
    first = ((synonyms[0], i) for i, (_, synonyms) in enumerate(_imagenet())) if _is_imagenet(classes) else ()
    return _gather([*((name, i) for i, name in enumerate(classes)), *first])


def _of_imagenet(classes: Sequence[str]) -> list[Mapping[str, tuple[int, ...]]]:
    if not _is_imagenet(classes):
        return []
    wnids = _gather((wnid, i) for i, wnid in enumerate(imagenet_wnids()))
    return [wnids, _gather((synonym, i) for i, (_, synonyms) in enumerate(_imagenet()) for synonym in synonyms)]


def _is_imagenet(classes: Sequence[str]) -> bool:
    return len(classes) == len(imagenet_names()) and tuple(classes) == imagenet_names()


def _told_apart(index: int, classes: Sequence[str]) -> str:
    return f"{classes[index]}, {imagenet_wnids()[index]}" if _is_imagenet(classes) else classes[index]


def read_classes(said: str | Path | Sequence[str] | Mapping[Any, Any]) -> tuple[str, ...]:
    """Names of outputs as a person gives them.

    Parameters
    ----------
    said
        ``"imagenet"``; a sequence of names; a mapping from index to name; or a file: text with one name a line, or JSON
        with a list or a mapping (also of Keras' layout, ``{"0": ["n01440764", "tench"], …}``).

    Raises
    ------
    InputRefused
        A file that is missing, too large, empty, or holds something else.
    UsageError
        Indices that aren't 0 to n − 1.
    """
    if isinstance(said, str) and said.casefold() == "imagenet":
        return imagenet_names()
    if isinstance(said, str | Path):
        return _from_file(Path(said))
    return _names(said, "The names of the outputs")


def _from_file(path: Path) -> tuple[str, ...]:
    where = f"The file of names {str(path)!r}"
    try:
        if path.stat().st_size > LARGEST_LIST:
            raise InputRefused(f"{where} has more than {LARGEST_LIST >> 20} MB; give one name a line.")
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it isn't UTF-8 text"
        raise InputRefused(
            f"{where} can't be read: {reason}. Give one name a line, a JSON list, or 'imagenet'."
        ) from error
    if not text.lstrip().startswith(("[", "{")):
        return _names([line.strip() for line in text.strip().splitlines()], where)
    try:
        return _names(json.loads(text), where)
    except (json.JSONDecodeError, RecursionError) as error:
        raise InputRefused(f"{where} is no JSON that can be read: {error}. Give a list of names.") from error


def _names(said: Any, where: str) -> tuple[str, ...]:
    if isinstance(said, Mapping):
        keys = {str(key): key for key in said}
        missing = next((i for i in range(len(keys)) if str(i) not in keys), None)
        if missing is not None:
            raise UsageError(f"{where}: indices go from 0 to {len(keys) - 1} without a gap; {missing} is missing.")
        said = [said[keys[str(i)]] for i in range(len(keys))]
    if isinstance(said, str) or not isinstance(said, Sequence) or not said:
        raise InputRefused(f"{where}: a list of names is wanted, one an output; this holds none.")
    # In Keras' layout a name stands behind its WordNet identifier.
    names: list[Any] = [each[1] if isinstance(each, list | tuple) and len(each) == 2 else each for each in said]
    wrong = next((i for i, name in enumerate(names) if not isinstance(name, str) or not name), None)
    if wrong is not None:
        raise InputRefused(
            f"{where}: the name of output {wrong} is {names[wrong]!r}; each is text of at least one letter."
        )
    return tuple(names)
