"""Why did it answer so? One question, any number of methods, one answer.

`answer` settles what is asked and asks the methods; `maps` brings their tensors to the pixels of the picture a person
gave; `join` puts batches together; `alone` is one function a method.
"""

from seethrough.explanation.alone import (
    deconvnet,
    gradcam,
    guided_backprop,
    input_x_gradient,
    integrated_gradients,
    occlusion,
    saliency,
    smoothgrad,
)
from seethrough.explanation.answer import DEFAULT_METHODS, Progress, explain

__all__ = [
    "DEFAULT_METHODS",
    "Progress",
    "deconvnet",
    "explain",
    "gradcam",
    "guided_backprop",
    "input_x_gradient",
    "integrated_gradients",
    "occlusion",
    "saliency",
    "smoothgrad",
]
