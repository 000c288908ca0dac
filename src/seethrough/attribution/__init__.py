"""Why this answer: the methods of attribution, each a function that reads like its paper, and what they are asked
about.

A method asks a `Run` and knows nothing of the others; `METHODS` is the table of all.
"""

# In the order in which the families are presented.
from seethrough.attribution import gradient, fullgrad  # isort: skip
from seethrough.attribution import path, path_expected, path_blur, path_guided, path_adversarial, regions  # isort: skip
from seethrough.attribution import deeplift  # isort: skip
from seethrough.attribution import attnlrp, composites, excitation, relevance, relevance_conditional  # isort: skip
from seethrough.attribution import cam_head, cam, cam_contrast, cam_curved, cam_guided  # isort: skip
from seethrough.attribution import cam_masked, cam_ablated, cam_principal  # isort: skip
from seethrough.attribution import attention, attention_layers, attention_masked  # isort: skip
from seethrough.attribution import occlusion, rise, lime, shapley, partition, sensitivity, extremal  # isort: skip
from seethrough.attribution import layer_forms  # isort: skip
from seethrough.attribution.aims import AIMS, Box, Region, Seen, Similarity, Unit
from seethrough.attribution.layers import any_layer, chosen_layer, last_spatial, spatial_layers
from seethrough.attribution.method import METHODS, Dial, Facts, Method, Needs, Outcome, Reduce, method_named
from seethrough.attribution.targets import Question, question, targets_by_image

__all__ = [
    "AIMS",
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
    "attnlrp",
    "cam",
    "chosen_layer",
    "deeplift",
    "excitation",
    "extremal",
    "gradient",
    "last_spatial",
    "lime",
    "method_named",
    "occlusion",
    "partition",
    "path",
    "question",
    "rise",
    "sensitivity",
    "shapley",
    "spatial_layers",
    "targets_by_image",
]
