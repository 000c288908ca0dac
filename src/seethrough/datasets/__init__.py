"""Pictures to try networks on: the leopards, drawn from a seed.

`leopards` draws a set and `exchanged` moves its animals to the other background. Of its parts, `leopards_body` knows
the skeleton and the poses, `leopards_coat` the patterns, `leopards_relief` sees the body, `leopards_drawing` paints and
lights it, `leopards_scenes` draws what lies behind, and `noise` roughens all of it.
"""

from seethrough.datasets.leopards import BACKGROUNDS, SPECIES, Leopards, exchanged, leopards

__all__ = ["BACKGROUNDS", "SPECIES", "Leopards", "exchanged", "leopards"]
