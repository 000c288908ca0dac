"""The planted test bed of `benchmarks/insight.py`: pictures with a shortcut of known kind and strength, networks that were
trained on them, what these really use, and what an audit says of it.

The generators (`first`, `second`) know nothing of each other nor of `seethrough.findings`; what a network uses is measured by
drawing the same pictures again with the shortcut changed. Only `score` sees both the truth and what was found.
"""
