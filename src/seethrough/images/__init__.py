"""Pictures: read safely, fitted to a network's input, and maps brought back to the pixels that a person gave.

`decode` reads a picture from anything; `preprocessing` is the arithmetic from pixels to numbers; `fit` is the geometry
there and back; `ready` looks at tensors that come ready made.
"""

from seethrough.images.decode import PIXEL_LIMIT, load_picture, load_pictures
from seethrough.images.fit import Geometry, prepare
from seethrough.images.preprocessing import USUAL, Preprocessing, preprocessing_named, usual_name
from seethrough.images.ready import check_ready, is_ready, pictures_of

__all__ = [
    "PIXEL_LIMIT",
    "USUAL",
    "Geometry",
    "Preprocessing",
    "check_ready",
    "is_ready",
    "load_picture",
    "load_pictures",
    "pictures_of",
    "prepare",
    "preprocessing_named",
    "usual_name",
]
