"""Why this answer: the methods of attribution, each a function that reads like its paper, and what they are asked
about.

A method asks a `Run` and knows nothing of the others; `METHODS` is the table of all.
"""

from seethrough.attribution import cam, gradients, occlusion
from seethrough.attribution.layers import chosen_layer, last_spatial, spatial_layers
from seethrough.attribution.method import METHODS, Method, Needs, Outcome, Reduce, method_named
from seethrough.attribution.targets import Question, question, targets_by_image

__all__ = [
    "METHODS",
    "Method",
    "Needs",
    "Outcome",
    "Question",
    "Reduce",
    "cam",
    "chosen_layer",
    "gradients",
    "last_spatial",
    "method_named",
    "occlusion",
    "question",
    "spatial_layers",
    "targets_by_image",
]
