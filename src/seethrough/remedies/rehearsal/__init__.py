"""Rehearsal: what `health` advises on an architecture, tried: the network is trained anew, small and short, with and without it.

Zeiler & Fergus (2013) looked at their first layers, saw dead and dominating filters and aliasing, and mended them by a smaller
kernel, a smaller stride and a bound on each filter. Whether such advice helps *this* architecture on *these* pictures is measured
here before anybody spends a full training on it.
"""
