"""The families of methods, file by file: importing one puts its methods into the table, in this order."""

# ruff: noqa: I001 - the order is that in which they are presented

from seethrough.attribution import gradient, fullgrad
from seethrough.attribution import path, path_expected, path_blur, path_guided, path_adversarial, regions
from seethrough.attribution import deeplift
from seethrough.attribution import attnlrp, composites, excitation, relevance, relevance_conditional
from seethrough.attribution import cam_head, cam, cam_contrast, cam_curved, cam_guided
from seethrough.attribution import cam_masked, cam_ablated, cam_principal
from seethrough.attribution import attention, attention_layers, attention_masked
from seethrough.attribution import occlusion, rise, lime, shapley, partition, sensitivity, extremal
from seethrough.attribution import layer_forms, layer_occlusion

FILES = (
    gradient,
    fullgrad,
    path,
    path_expected,
    path_blur,
    path_guided,
    path_adversarial,
    regions,
    deeplift,
    attnlrp,
    composites,
    excitation,
    relevance,
    relevance_conditional,
    cam_head,
    cam,
    cam_contrast,
    cam_curved,
    cam_guided,
    cam_masked,
    cam_ablated,
    cam_principal,
    attention,
    attention_layers,
    attention_masked,
    occlusion,
    rise,
    lime,
    shapley,
    partition,
    sensitivity,
    extremal,
    layer_forms,
    layer_occlusion,
)
