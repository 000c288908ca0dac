"""Anatomy: what a network is. Its layers, shapes and weights, what it multiplies, what its units see.

``summary`` is the whole as a tree, ``layers`` one layer in full; ``weights`` and ``rows`` read the network and its
graph, ``folding`` finds what repeats, ``table`` writes it down for a person. ``check`` compares it with what was meant
(``checks`` has a file for each thing that is looked at), and ``findings`` are what it found, as data.
"""

from seethrough.anatomy.findings import Check, Claim, Finding
from seethrough.anatomy.layers import LayerReport, describe_layer, find_layers, save_weights
from seethrough.anatomy.summary import Summary, summarize

__all__ = [
    "Check",
    "Claim",
    "Finding",
    "LayerReport",
    "Summary",
    "describe_layer",
    "find_layers",
    "save_weights",
    "summarize",
]
