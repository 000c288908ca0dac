"""Anatomy: what a network is. Its layers, shapes and weights, what it multiplies, what its units see.

``summary`` is the whole as a tree, ``layers`` one layer in full; ``weights`` and ``rows`` read the network and its
graph, ``folding`` finds what repeats, ``table`` writes it down for a person.
"""

from seethrough.anatomy.layers import LayerReport, describe_layer, find_layers, save_weights
from seethrough.anatomy.summary import Summary, summarize

__all__ = ["LayerReport", "Summary", "describe_layer", "find_layers", "save_weights", "summarize"]
