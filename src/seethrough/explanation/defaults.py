"""Defaults: which methods suit a kind of network, where nobody names any.

What stands in the table was read off ``benchmarks/pointing.py`` (where methods point on photos whose objects somebody drew)
for networks of convolutions. Each kind has three that answer different questions, so that they can contradict one another:
*where* the evidence is, what *adds up* to the answer, what is *really lost* when it is covered.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from seethrough.attribution.layers import last_spatial
from seethrough.graph.attention_maps import attention_maps
from seethrough.graph.graph import Graph
from seethrough.graph.rules import is_rectifier


class NetworkKind(Enum):
    """What a network is made of, as far as it matters to methods."""

    CONVOLUTIONS = "convolutions"
    ATTENTION = "attention"
    WINDOWS = "attention within windows"
    NO_LAYERS = "no layers that can be looked at"
    NO_GRADIENT = "no gradient"
    NO_PICTURES = "no places"


WHERE, ADDS_UP, LOST = "where", "adds_up", "lost"
"""What a method answers."""

CANDIDATES_BY_KIND: Mapping[NetworkKind, Mapping[str, tuple[str, ...]]] = {
    NetworkKind.CONVOLUTIONS: {
        WHERE: ("gradcam", "shapleycam", "layercam"),
        ADDS_UP: ("lrp", "integrated_gradients", "deeplift"),
        LOST: ("occlusion", "feature_ablation", "rise"),
    },
    NetworkKind.ATTENTION: {
        WHERE: ("generic_attention", "legrad", "gradcam"),
        ADDS_UP: ("lrp", "integrated_gradients", "deeplift"),
        LOST: ("occlusion", "feature_ablation", "rise"),
    },
    NetworkKind.WINDOWS: {
        WHERE: ("gradcam", "legrad", "layercam"),
        ADDS_UP: ("lrp", "integrated_gradients", "deeplift"),
        LOST: ("occlusion", "feature_ablation", "rise"),
    },
    NetworkKind.NO_LAYERS: {
        WHERE: ("smoothgrad", "saliency"),
        ADDS_UP: ("integrated_gradients",),
        LOST: ("occlusion", "feature_ablation", "rise"),
    },
    NetworkKind.NO_GRADIENT: {
        WHERE: ("rise", "hsic"),
        ADDS_UP: ("partition_shap", "kernel_shap"),
        LOST: ("occlusion", "feature_ablation"),
    },
    NetworkKind.NO_PICTURES: {
        WHERE: ("saliency", "smoothgrad"),
        ADDS_UP: ("integrated_gradients", "input_x_gradient"),
        LOST: ("deeplift",),
    },
}
"""By kind of network and by what is answered: methods, the first choice first."""

DEFAULTS_BY_KIND: Mapping[NetworkKind, tuple[str, ...]] = {
    kind: tuple(methods[0] for methods in roles.values()) for kind, roles in CANDIDATES_BY_KIND.items()
}
"""The three methods that `explain` asks where nobody names any."""


def network_kind(graph: Graph, *, gradient: bool = True) -> NetworkKind:
    """The kind of a network.

    Parameters
    ----------
    graph
        As it is run.
    gradient
        Whether anything can be walked back from its answer.
    """
    if len(graph.values[graph.input.value].shape) != 4:
        return NetworkKind.NO_PICTURES
    if not gradient:
        return NetworkKind.NO_GRADIENT
    if graph.source == "whole" or last_spatial(graph) is None:
        return NetworkKind.NO_LAYERS
    attentions = attention_maps(graph)
    if any(each.windows > 1 for each in attentions):
        return NetworkKind.WINDOWS
    return NetworkKind.ATTENTION if attentions else NetworkKind.CONVOLUTIONS


def rectified(graph: Graph) -> bool:
    """Whether it has rectifiers, which methods that change their rule need."""
    return any(map(is_rectifier, graph.operations))
