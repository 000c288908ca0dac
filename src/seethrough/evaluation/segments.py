"""Segments: a picture cut into pieces that look alike."""

from __future__ import annotations

import torch
from torch import Tensor

from seethrough.errors import EnvironmentLacks


def segmented(image: Tensor, count: int) -> Tensor:
    """The number of the segment that each place of an image (C, H, W) is in, int64 (H, W), from 0 without gaps: SLIC
    (Achanta et al., 2012), about ``count`` of them.

    Raises
    ------
    EnvironmentLacks
        scikit-image isn't installed.
    """
    try:
        from skimage.segmentation import slic
    except ImportError as error:
        raise EnvironmentLacks("Segments need scikit-image; install the extra: seethrough[data].") from error
    pixels = image.detach().double().permute(1, 2, 0).cpu()
    low, high = pixels.min(), pixels.max()
    scaled = (pixels - low) / (high - low) if high > low else torch.zeros_like(pixels)
    found = torch.from_numpy(slic(scaled.numpy(), n_segments=count, start_label=0, channel_axis=2))
    return found.unique(return_inverse=True)[1].to(image.device)
