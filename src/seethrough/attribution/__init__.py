"""Why this answer: the methods of attribution, each a function that reads like its paper, and what they are asked
about.

A method asks a `Run` and knows nothing of the others; `METHODS` is the table of all.
"""

from seethrough.attribution.aims import AIMS, Box, Region, Seen, Similarity, Unit
from seethrough.attribution.families import FILES
from seethrough.attribution.layers import any_layer, chosen_layer, last_spatial, spatial_layers
from seethrough.attribution.method import METHODS, Dial, Facts, Method, Needs, Outcome, Reduce, method_named
from seethrough.attribution.targets import Question, question, targets_by_image

__all__ = [
    "AIMS",
    "FILES",
    "METHODS",
    "Box",
    "Dial",
    "Facts",
    "Method",
    "Needs",
    "Outcome",
    "Question",
    "Reduce",
    "Region",
    "Seen",
    "Similarity",
    "Unit",
    "any_layer",
    "chosen_layer",
    "last_spatial",
    "method_named",
    "question",
    "spatial_layers",
    "targets_by_image",
]
