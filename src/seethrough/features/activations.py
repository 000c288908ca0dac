"""Activations: what layers give for a picture, channel by channel.

Any number of layers in one run of the graph. What is held at any moment is what a plain forward holds, and what was asked to
be kept: measures of every channel, and maps of some.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seethrough.anatomy.running import told
from seethrough.errors import UsageError
from seethrough.features.activation_fields import Rectangle, seen_by
from seethrough.features.activation_gather import Gathered, gather, graph_for
from seethrough.features.activation_layers import sites_of
from seethrough.features.activation_measures import Measures
from seethrough.graph.receptive import ReceptiveField
from seethrough.images import Geometry
from seethrough.network import Network, as_network
from seethrough.results import Note, Passes, Picture, Shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 64
"""Channels of a layer whose maps are kept, where nobody says how many."""

SCALES = ("unit", "layer", "network")
"""What may share an end of the colours."""


@dataclass(frozen=True, eq=False)
class LayerActivations:
    """What one layer gave for N images.

    Attributes
    ----------
    path, kind
        Where it is, and its class.
    function
        The function that its values come from (``"relu"``), where there is one.
    rectified
        Whether that function makes exact zeros of what it holds back, so that zeros are sparsity.
    channels
        int (K,): whose maps are kept: the strongest over all images first; or as they were asked for; or all in order.
    maps
        float32 (N, K, H, W): the kept channels, whatever the layer's own layout; tokens on the picture's grid. (N, K) for a
        layer without places, (N, K, L) and (N, K, D, H, W) for one and three axes of places.
    values
        float32, all that the layer returned, in the network's own layout (of a Keras layer (N, H, W, C)); None unless asked
        for.
    measures
        Of all C channels, (N, C) each.
    field
        What a unit sees of the network's input; None where that doesn't move evenly with its place.
    """

    path: str
    kind: str
    function: str | None
    rectified: bool
    channels: NDArray[np.intp]
    maps: NDArray[np.float32]
    values: NDArray[np.float32] | None
    measures: Measures
    field: ReceptiveField | None

    @property
    def count(self) -> int:
        """How many channels the layer has, C."""
        return self.measures.mean.shape[1]

    @property
    def places(self) -> tuple[int, ...]:
        """(H, W); empty for a layer without places."""
        return self.maps.shape[2:]

    @property
    def spread_out(self) -> bool:
        """Whether a channel has more than one place."""
        return any(n > 1 for n in self.places)

    @property
    def drawn(self) -> NDArray[np.float32]:
        """The maps as pictures, (N, K, h, w): one place as 1 × 1, a row of places as 1 × L, slices of depth one below the
        other.
        """
        number, kept = self.maps.shape[:2]
        width = self.places[-1] if self.places else 1
        return self.maps.reshape(number, kept, -1, width)

    @property
    def mean(self) -> NDArray[np.float32]:
        """The maps' mean over the images, place by place: as one of ``maps``, (K, …)."""
        return self.maps.mean(0)

    @property
    def spread(self) -> NDArray[np.float32]:
        """The standard deviation over the images, place by place, (K, …)."""
        return self.maps.std(0)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: every measure of every channel, no maps."""
        measures = {name: getattr(self.measures, name) for name in self.measures.__dataclass_fields__}
        return {
            "path": self.path,
            "class": self.kind,
            "function": self.function,
            "rectified": self.rectified,
            "channels": self.count,
            "places": list(self.places),
            "kept": self.channels.tolist(),
            "receptive_field": None if self.field is None else self.field.to_dict(),
            "measures": {name: None if m is None else m.tolist() for name, m in measures.items()},
            "dead": [np.flatnonzero(row).tolist() for row in self.measures.dead],
        }


@dataclass(frozen=True, eq=False)
class Activations(Shown, Mapping[str, LayerActivations]):
    """What layers gave for some images: a mapping from a layer's path to `LayerActivations`.

    Attributes
    ----------
    layers
        By path, in the order asked for.
    pictures, geometries
        The images as they were given, and where the network's input lies on each.
    scale
        What shares an end of the colours when it is drawn: ``"unit"``, ``"layer"`` or ``"network"``.
    passes
        How many images were sent through the network.
    notes
        What was chosen for the person, and what may mislead.
    """

    layers: Mapping[str, LayerActivations]
    pictures: tuple[Picture, ...]
    geometries: tuple[Geometry, ...]
    scale: str
    passes: Passes
    notes: tuple[Note, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, path: str) -> LayerActivations:
        return self.layers[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self.layers)

    def seen(self, path: str, row: int, column: int, *, image: int = 0) -> Rectangle | None:
        """What the unit at a place of a layer sees, on the pixels of an image's picture.

        Returns
        -------
        Rectangle or None
            Cut to the picture; None where all of it is padding, or nobody can say.
        """
        seen = self.layers[path].field
        return None if seen is None else seen_by(seen, self.geometries[image], row, column)

    def plot(self, *, language: str = "en", scale: str | None = None) -> Figure:
        """A matplotlib figure: each layer's strongest channels."""
        if scale is None:
            return super().plot(language=language)
        return replace(self, scale=known_scale(scale)).plot(language=language)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "images": [picture.name for picture in self.pictures],
            "layers": [layer.to_dict() for layer in self.layers.values()],
            "passes": {"forward": self.passes.forward, "backward": self.passes.backward},
            "notes": [{"name": n.name, "level": n.level, "numbers": dict(n.numbers)} for n in self.notes],
            "provenance": dict(self.provenance),
        }


def activations(
    net: Network | Any,
    images: Any,
    layers: str | Sequence[str] | None = None,
    *,
    channels: Sequence[int] | int | None = None,
    most: int | None = MOST,
    scale: str = "layer",
    values: bool = False,
    batch_size: int = 8,
) -> Activations:
    """What layers give for some images.

    Parameters
    ----------
    net
        A `Network`, or anything that `open` takes.
    images
        As for `Network.prepare`. Of several, means and spreads are at hand too.
    layers
        Paths of layers or operations, or patterns such as ``"block*_conv*"``, one or several; None for the last layer of
        each size of map. ``"relu:2"`` is the second call of ``relu``.
    channels
        Whose maps are kept, in this order.
    most
        Where no channels are named, of how many maps are kept, the strongest (by mean |value| over all images); None for
        all. Measures are of every channel in any case.
    scale
        What shares an end of the colours when it is drawn: ``"unit"``, ``"layer"`` or ``"network"``.
    values
        Also hand back all that each layer returned, in the network's own layout.
    batch_size
        Images sent through at once. Where there are more, they go through twice if only the strongest channels are kept.

    Returns
    -------
    Activations
        ``activations(net, "cat.jpg", "block5_conv1")["block5_conv1"].maps`` is (1, 64, 14, 14).

    Raises
    ------
    UsageError
        A layer, pattern or channel that there isn't; an unknown scale.
    InputRefused
        A picture that can't be read; a layer that doesn't depend on the image; a network that can't be looked into.
    """
    net = as_network(net)
    patterns = [layers] if isinstance(layers, str) else list(layers or ())
    asked = [channels] if isinstance(channels, int) else None if channels is None else list(channels)
    _refuse(asked, most, batch_size)
    known_scale(scale)
    prepared = net.prepare(images)
    with told(net.opened, net.source_of(prepared), prepared.batch[:1]):
        graph = graph_for(net, prepared.part(slice(0, batch_size)))
        sites, notes = sites_of(graph, list(net.opened.layers), patterns)
        gathered = [Gathered(site, asked, most, whole=values) for site in sites]
        sent = gather(net, prepared, gathered, batch_size)
    found = {g.site.path: _layer(g) for g in gathered}
    return Activations(
        layers=found,
        pictures=prepared.pictures,
        geometries=prepared.geometries,
        scale=scale,
        passes=Passes(forward=sent),
        notes=(*net.opened.notes, *prepared.notes, *notes, *_not_finite(found)),
        provenance={**net.provenance, "layers": list(found), "channels": asked, "most": most},
    )


def known_scale(scale: str) -> str:
    """``"unit"``, ``"layer"`` or ``"network"``; anything else is refused."""
    if scale not in SCALES:
        raise UsageError(f"A scale of colours is shared by each 'unit', 'layer' or 'network', not by {scale!r}.")
    return scale


def _refuse(channels: list[int] | None, most: int | None, batch_size: int) -> None:
    if channels is not None and not channels:
        raise UsageError("No channel was named; leave channels out for the strongest.")
    if most is not None and most < 1:
        raise UsageError(f"most is at least 1, or None for all channels, not {most}.")
    if batch_size < 1:
        raise UsageError(f"batch_size is at least 1, not {batch_size}.")


def _layer(gathered: Gathered) -> LayerActivations:
    site = gathered.site
    assert gathered.channels is not None
    return LayerActivations(
        path=site.path,
        kind=site.kind,
        function=None if site.ends is None else site.ends.name,
        rectified=site.ends is not None and site.ends.zero,
        channels=gathered.channels,
        maps=gathered.maps,
        values=gathered.values,
        measures=gathered.measures,
        field=site.field,
    )


def _not_finite(layers: Mapping[str, LayerActivations]) -> tuple[Note, ...]:
    wrong = [path for path, layer in layers.items() if (layer.measures.finite < 1).any()]
    if not wrong:
        return ()
    return (Note("activations_not_finite", "error", {"layers": len(wrong), "layer": wrong[0]}),)
