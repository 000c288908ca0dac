"""Localisation: whether a map points at the object, where somebody has drawn it.

``maps`` are float (N, H, W), ``masks`` bool (N, H, W), True on the object. Where the object isn't in the picture, or the
map says nothing, there is no answer (NaN). Among places of the same value none is preferred: what is counted is what a
fair draw among them would give.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import distance_transform_edt
from scipy.stats import rankdata

from seethrough.errors import UsageError
from seethrough.evaluation.metric import Reads, metric
from seethrough.evaluation.similarity import rows

FAMILY = "localisation"
NAN = float("nan")


@metric(family=FAMILY, reads=Reads.TRUTH, better="higher", source="Zhang, Lin, Brandt, Shen & Sclaroff, 2016")
def pointing_game(maps: ArrayLike, masks: ArrayLike, *, tolerance: float = 0) -> NDArray[np.float64]:
    """Whether the map's largest value lies on the object (Zhang et al., 2016, section 4.2).

    Parameters
    ----------
    tolerance
        How many pixels beside the object still hit; the paper has 15.

    Returns
    -------
    Array, (N,), 0 or 1; between them where only some of several largest places hit. A flat map gives the share of the
    picture that the object covers, as pointing anywhere does.
    """
    if tolerance < 0:
        raise UsageError(f"The pointing game's tolerance is 0 pixels or more, not {tolerance}.")
    found = []
    for a, mask in _pairs(maps, masks):
        near = mask if tolerance == 0 or not mask.any() else np.asarray(distance_transform_edt(~mask)) <= tolerance
        found.append(near[a == a.max()].mean() if mask.any() else NAN)
    return np.array(found)


@metric(family=FAMILY, reads=Reads.TRUTH, better="higher", source="Kohlbrenner et al., 2020")
def attribution_localisation(maps: ArrayLike, masks: ArrayLike, *, weighted: bool = False) -> NDArray[np.float64]:
    """Share of the evidence for the answer that lies on the object: Σ⁺ inside / Σ⁺ (Kohlbrenner et al., 2020, eq. 6).

    Parameters
    ----------
    weighted
        Times picture / object area (their eq. 7), so that 1 is what an even map gives whatever the object's size.

    Returns
    -------
    Array, (N,), 0…1; weighted ≥ 0.
    """
    positive = np.clip(np.asarray(maps, np.float64), 0, None)
    found = _inside(positive, masks)
    return found / rows(masks).mean(1) if weighted else found


@metric(family=FAMILY, reads=Reads.TRUTH, better="higher", source="Arras, Osman & Samek, 2022")
def relevance_mass(maps: ArrayLike, masks: ArrayLike) -> NDArray[np.float64]:
    """Share of |map| that lies on the object, whether it speaks for or against (relevance mass accuracy of Arras, Osman
    & Samek, 2022, section 3.2, pooled by |sum|).

    Returns
    -------
    Array, (N,), 0…1.
    """
    return _inside(np.abs(np.asarray(maps, np.float64)), masks)


@metric(family=FAMILY, reads=Reads.TRUTH, better="higher", source="Wang, Wang, Du et al., 2020")
def energy_pointing(maps: ArrayLike, masks: ArrayLike) -> NDArray[np.float64]:
    """Energy-based pointing game: share of the map, scaled to 0…1 over the picture, that lies on the object (Wang et
    al., Score-CAM, 2020, section 4.3).

    Returns
    -------
    Array, (N,), 0…1.
    """
    a = np.asarray(maps, np.float64)
    return _inside(a - a.min((1, 2), keepdims=True), masks)


@metric(family=FAMILY, reads=Reads.TRUTH, better="higher", source="Arras, Osman & Samek, 2022")
def relevance_rank(maps: ArrayLike, masks: ArrayLike) -> NDArray[np.float64]:
    """Of the object's K pixels, how many are among the map's K largest (relevance rank accuracy of Arras, Osman & Samek,
    2022, section 3.2).

    Returns
    -------
    Array, (N,), 0…1.
    """
    pairs = _pairs(maps, masks)
    return np.array([_hits(a, mask, int(mask.sum())) / mask.sum() if mask.any() else NAN for a, mask in pairs])


@metric(family=FAMILY, reads=Reads.TRUTH, better="higher", source="Theiner, Müller-Budack & Ewerth, 2022")
def top_k_intersection(maps: ArrayLike, masks: ArrayLike, *, k: int = 1000) -> NDArray[np.float64]:
    """Of the map's k largest places, the share that lies on the object (Theiner, Müller-Budack & Ewerth, 2022, eq. 5).

    Parameters
    ----------
    k
        How many places; as many as there are where there are fewer.

    Returns
    -------
    Array, (N,), 0…1.
    """
    if k < 1:
        raise UsageError(f"top_k_intersection needs k ≥ 1, not {k}.")
    pairs = _pairs(maps, masks)
    return np.array([_hits(a, m, min(k, a.size)) / min(k, a.size) if m.any() else NAN for a, m in pairs])


@metric(family=FAMILY, reads=Reads.TRUTH, better="higher", source="Fawcett, 2006")
def auc(maps: ArrayLike, masks: ArrayLike) -> NDArray[np.float64]:
    """Probability that a pixel of the object has a larger value than one beside it: the area under the ROC curve.

    Returns
    -------
    Array, (N,), 0…1; 0.5 for a map that knows nothing. NaN also where the object fills the picture.
    """
    found = []
    for a, mask in _pairs(maps, masks):
        on, off = int(mask.sum()), int((~mask).sum())
        above = rankdata(a)[mask.ravel()].sum() - on * (on + 1) / 2
        found.append(above / (on * off) if on and off else NAN)
    return np.array(found)


@metric(family=FAMILY, reads=Reads.TRUTH, better="higher", source="Zhou, Khosla, Lapedriza, Oliva & Torralba, 2016")
def iou(maps: ArrayLike, masks: ArrayLike, *, threshold: float = 0.2) -> NDArray[np.float64]:
    """Intersection over union of the object with the places above a part of the map's largest value (Zhou et al., 2016,
    section 3.2).

    Parameters
    ----------
    threshold
        The part, 0…1; the paper has a fifth.

    Returns
    -------
    Array, (N,), 0…1.
    """
    if not 0 <= threshold < 1:
        raise UsageError(f"iou needs 0 ≤ threshold < 1, not {threshold}.")
    found = []
    for a, mask in _pairs(maps, masks):
        marked = (a > threshold * a.max()) if a.max() > 0 else np.zeros_like(mask)
        found.append((marked & mask).sum() / (marked | mask).sum() if mask.any() else NAN)
    return np.array(found)


def _pairs(maps: ArrayLike, masks: ArrayLike) -> list[tuple[NDArray[np.float64], NDArray[np.bool_]]]:
    a, m = np.asarray(maps, np.float64), np.asarray(masks).astype(bool)
    if a.shape != m.shape:
        raise UsageError(
            f"Maps of shape {a.shape} and masks of shape {m.shape} don't fit; there is a mask for each map."
        )
    return list(zip(a, m))


def _inside(a: NDArray[np.float64], masks: ArrayLike) -> NDArray[np.float64]:
    """Σ inside / Σ, of maps that are nowhere negative."""
    shares = [p[mask].sum() / p.sum() if mask.any() and p.sum() > 0 else NAN for p, mask in _pairs(a, masks)]
    return np.array(shares)


def _hits(a: NDArray[np.float64], mask: NDArray[np.bool_], k: int) -> float:
    """How many of the k largest places lie on the object; those that share the last place count in part."""
    last = np.partition(a, a.size - k, axis=None)[a.size - k]
    above, level = a > last, a == last
    return mask[above].sum() + mask[level].mean() * (k - above.sum())
