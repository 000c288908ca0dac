"""The verb `filters`: kernels as they are, measured, with what is to be noticed in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from seethrough.anatomy.filters import Filters, look_at_filters
from seethrough.network import Network, as_network


def filters(net: Network | Any, layer: str | None = None, *, channels: Sequence[int] | int | None = None) -> Filters:
    """The kernels of convolutions, what is measured of each, and what is to be noticed in them.

    Nothing runs and no picture is needed: all is read from the weights.

    Parameters
    ----------
    net
        An open network, or anything that `open` takes.
    layer
        A layer, a block, or a pattern with ``*``; by default the first convolution.
    channels
        Which filters to show; by default all. All of a layer are measured, since filters are compared with each other.

    Returns
    -------
    Filters
        By layer: ``filters(net)["conv1"].kernels.weights``, ``.measures``, ``.findings``.

    Raises
    ------
    UsageError
        A layer that isn't there or has no kernels, with the nearest that have; a filter that isn't there; a network whose input size nobody
        knows.
    NetworkRefused
        A network of which not even the beginning can be written down.
    """
    net = as_network(net)
    graph = net.graph(so_far=True)
    wanted = (channels,) if isinstance(channels, int) else channels
    layers, notes = look_at_filters(net.opened, graph, layer, wanted)
    provenance = {
        **net.provenance,
        "verb": "filters",
        "layer": layer,
        "channels": None if wanted is None else list(wanted),
    }
    return Filters(layers, (*net.opened.notes, *notes), provenance)
