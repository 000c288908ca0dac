"""Names: what outputs are called, where the network itself doesn't know it, as one in a file of Keras doesn't."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from seethrough.findings.record import Record
from seethrough.network import Network


def with_names(net: Network, names: Sequence[str]) -> Network:
    """The same network, with a name for each output."""
    return Network(replace(net.opened, classes=tuple(names)), net.mode)


def named_by(net: Network, called: Mapping[str, str | int]) -> Network:
    """The network, its outputs called as the pictures' classes are, where nobody else named them and ``called`` gives each of
    them one class by its number.
    """
    at = {int(theirs): own for own, theirs in called.items() if _is_number(theirs)}
    if net.classes is not None or len(at) < max(2, len(called)) or sorted(at) != list(range(len(at))):
        return net
    return with_names(net, [at[k] for k in sorted(at)])


def named_as_audited(net: Network, record: Record) -> Network:
    """The network, its outputs called as in its audit, where nothing else says what they are called."""
    names = [str(name) for name in record.said["labels"]]
    if net.classes is not None or names == [str(k) for k in range(len(names))]:
        return net
    return with_names(net, names)


def _is_number(said: str | int) -> bool:
    return isinstance(said, int) or said.strip().isdecimal()


__all__ = ["named_as_audited", "named_by", "with_names"]
