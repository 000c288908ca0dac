"""Boxes: what a local change of one value does to the answer, computed only where something changes; exact.

Most of an occlusion recomputes what stayed as it was. Here a change travels as a box through the values of a clean run: of
each operation the true interval of places that it can reach, and no more, is computed from a window of the changed value
and its clean surroundings. What mixes the whole plane is computed in full from there on.
(The idea: Nakandala, Kumar & Papakonstantinou, Incremental and Approximate Inference for Faster Occlusion-based Deep CNN
Explanations, SIGMOD 2019.)
"""
