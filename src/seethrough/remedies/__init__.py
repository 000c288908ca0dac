"""Remedies: what a network goes by that it shouldn't is mended, by a ladder of repairs that stops at the first one that passes;
and what came of it is proved on pictures that nobody touched.
"""
