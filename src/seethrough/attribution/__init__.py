"""Why this answer: the methods of attribution, each a function that reads like its paper, and what they are asked
about.

A method asks a `Run` and knows nothing of the others; `METHODS` is the table of all.
"""

# In the order in which the families are presented.
from seethrough.attribution import gradient  # isort: skip
from seethrough.attribution import path  # isort: skip
from seethrough.attribution import cam  # isort: skip
from seethrough.attribution import occlusion  # isort: skip
from seethrough.attribution.layers import chosen_layer, last_spatial, spatial_layers
from seethrough.attribution.method import METHODS, Dial, Facts, Method, Needs, Outcome, Reduce, method_named
from seethrough.attribution.targets import Question, question, targets_by_image

__all__ = [
    "METHODS",
    "Dial",
    "Facts",
    "Method",
    "Needs",
    "Outcome",
    "Question",
    "Reduce",
    "cam",
    "chosen_layer",
    "gradient",
    "last_spatial",
    "method_named",
    "occlusion",
    "path",
    "question",
    "spatial_layers",
    "targets_by_image",
]
