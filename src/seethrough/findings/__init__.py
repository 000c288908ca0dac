"""Findings: is a network right for the right reason? What of its pictures, beside the thing itself, its answers go by.

*Found* without group labels by several independent ways, *judged* by putting the thing in and taking it out beside a matched
control, and said with how sure one can be.
"""
