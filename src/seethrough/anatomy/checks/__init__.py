"""Checks: one file for each thing that is looked at. Each function gives a `Claim` with its findings.

``freezing`` is what trains, ``forms`` what goes in and comes out, ``numbers`` and ``initial`` the weights, ``wiring`` what
an output depends on, ``modes`` what training does otherwise than inference; ``parts`` is what they all read.
"""
