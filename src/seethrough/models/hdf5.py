"""HDF5 files before Keras reads them: nothing outside the file, nothing larger than it.

HDF5 lets a group link into another file and a dataset keep its numbers in one; both would read whatever the person may
read. And a dataset's shape is only declared: read blindly, a few bytes become terabytes. The walk uses the low-level
interface, because the high-level one follows links.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

from seethrough.errors import EnvironmentLacks, InputRefused

LARGEST_RATIO = 50
"""How many times its stored size a compressed dataset may become."""

MOST_OBJECTS = 1_000_000


def _h5py(where: str = "This") -> Any:
    try:
        import h5py
    except ImportError as error:
        raise EnvironmentLacks(
            f"{where} is an HDF5 file, and h5py isn't installed; install it with: pip install 'seethrough[keras]'."
        ) from error
    return h5py


def check_hdf5(path: Path, where: str) -> dict[str, Any]:
    """Walk an HDF5 file and refuse what reaches outside it or declares more than it holds.

    Returns
    -------
    dict
        The attributes of the root that are text: ``model_config``, ``keras_version``, ``layer_names``…

    Raises
    ------
    InputRefused
        A link that isn't hard, external or virtual storage, a dataset or attribute larger than what is stored of it, a
        broken file.
    EnvironmentLacks
        h5py isn't installed.
    """
    h5py = _h5py(where)
    try:
        with h5py.File(path, "r") as file:
            _walk(file, path.stat().st_size, where)
            return {name: value for name, value in file.attrs.items() if isinstance(value, str | bytes)}
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        if isinstance(error, InputRefused):
            raise
        raise InputRefused(f"{where} is a broken HDF5 file ({str(error)[:80]}); copy or download it again.") from error


def _walk(file: Any, size: int, where: str) -> None:
    h5py = _h5py()
    waiting, seen = [file.id], set()
    while waiting:
        found = waiting.pop()
        address = h5py.h5o.get_info(found).addr
        if address in seen:  # hard links may form a ring
            continue
        seen.add(address)
        if len(seen) > MOST_OBJECTS:
            raise InputRefused(f"{where} holds more than {MOST_OBJECTS:,} groups and datasets; that is no network.")
        _refuse_large_attributes(found, size, where)
        if isinstance(found, h5py.h5d.DatasetID):
            _refuse_dataset(found, size, where)
        elif isinstance(found, h5py.h5g.GroupID | h5py.h5f.FileID):
            waiting += _children(found, where)


def _children(group: Any, where: str) -> list[Any]:
    h5py = _h5py()
    if isinstance(group, h5py.h5f.FileID):
        group = h5py.h5g.open(group, b"/")
    children = []
    for name in group:
        if group.links.get_info(name).type != h5py.h5l.TYPE_HARD:
            raise InputRefused(
                f"{where} holds a link {name.decode(errors='replace')!r} to elsewhere; save the network again without "
                "links."
            )
        children.append(h5py.h5o.open(group, name))
    return children


def _refuse_dataset(dataset: Any, size: int, where: str) -> None:
    h5py = _h5py()
    name = (h5py.h5i.get_name(dataset) or b"?").decode(errors="replace")
    created = dataset.get_create_plist()
    if created.get_external_count() > 0 or created.get_layout() == h5py.h5d.VIRTUAL:
        raise InputRefused(
            f"{where} keeps the numbers of {name!r} in another file; save the network again as one file."
        )
    declared = prod(dataset.shape or (1,)) * dataset.get_type().get_size()
    stored = dataset.get_storage_size() if created.get_layout() != h5py.h5d.COMPACT else declared
    may_become = stored * (LARGEST_RATIO if created.get_nfilters() else 1)
    if stored > size or declared > may_become:
        raise InputRefused(
            f"{where} declares {declared:,} bytes for {name!r} and stores {stored:,}; it is cut off or made to mislead."
        )


def _refuse_large_attributes(found: Any, size: int, where: str) -> None:
    h5py = _h5py()
    for index in range(h5py.h5a.get_num_attrs(found)):
        attribute = h5py.h5a.open(found, index=index)
        # Not HDF5's own storage size: where that is 0, as of an empty list of names, h5py takes it for a failure.
        if prod(attribute.shape or (1,)) * attribute.get_type().get_size() > size:
            name = attribute.name.decode(errors="replace")
            raise InputRefused(
                f"{where} declares an attribute {name!r} larger than the file; it is cut off or made to mislead."
            )


def is_older(path: Path) -> bool:
    """Whether an HDF5 file has the layout of Keras 1 and 2: weights by layer name."""
    with _h5py().File(path, "r") as file:
        return "layer_names" in file.attrs or "model_weights" in file


def stored_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Shapes of the weights in a checked HDF5 file of either layout, by layer and number: ``"block1_conv1/0"``."""
    with _h5py().File(path, "r") as file:
        named = _older_shapes(file.get("model_weights", file)) if is_older(path) else _newer_shapes(file)
        return {f"{layer}/{i}": shape for layer, shapes in named for i, shape in enumerate(shapes)}


def _older_shapes(group: Any) -> Iterator[tuple[str, list[tuple[int, ...]]]]:
    for layer in _names(group, "layer_names"):
        yield layer, [tuple(group[layer][weight].shape) for weight in _names(group[layer], "weight_names")]


def _names(group: Any, attribute: str) -> list[str]:
    """A list that Keras may have cut into several attributes, because one holds only 64 KB."""
    numbered = (f"{attribute}{i}" for i in range(len(group.attrs)))
    parts = [attribute] if attribute in group.attrs else [part for part in numbered if part in group.attrs]
    return [name.decode() if isinstance(name, bytes) else str(name) for part in parts for name in group.attrs[part]]


def _newer_shapes(file: Any) -> Iterator[tuple[str, list[tuple[int, ...]]]]:
    found: list[tuple[str, list[tuple[int, ...]]]] = []

    def visit(name: str, item: Any) -> None:
        if isinstance(item, _h5py().Group) and name.rpartition("/")[2] == "vars" and len(item):
            layer = item.attrs.get("name", name)
            found.append((str(layer), [tuple(item[key].shape) for key in sorted(item, key=int)]))

    file.visititems(visit)
    return iter(found)
