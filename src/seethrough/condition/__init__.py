"""Condition: in what state a network is, measured over many images, and what an engineer would do about it."""
