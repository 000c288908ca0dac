"""Fast: the same graph, executed closer to what the machine can do. Nothing here gives another number than the plain
path, up to rounding, and nothing elsewhere depends on how it is done.
"""
