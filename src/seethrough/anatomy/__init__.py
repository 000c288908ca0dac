"""Anatomy: what a network is. Its layers, shapes and weights, what it multiplies, what its units see.

``summary`` is the whole as a tree, ``layers`` one layer in full; ``weights`` and ``rows`` read the network and its graph, ``folding`` finds what
repeats, ``table`` writes it down for a person.
"""
