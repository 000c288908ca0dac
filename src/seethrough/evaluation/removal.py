"""Faithfulness by removal: what happens to the answer while the places that a map ranks first are taken away, or given.

Throughout ``x`` are the run's images, ``a`` the map's values (N, 1 or C, H, W), ``f`` the target's value.
"""

from __future__ import annotations

import torch
from torch import Tensor

from seethrough.attribution import fills
from seethrough.attribution.fills import Fill
from seethrough.attribution.segments import Wanted, segments_of
from seethrough.errors import UsageError
from seethrough.evaluation.masked import area, checked, counts, curve, ranks, refuse_few
from seethrough.evaluation.metric import Reads, metric
from seethrough.graph.run import Run
from seethrough.trust.imputation import imputed

FAMILY = "faithfulness"
STEPS = 32


@metric(
    family=FAMILY, reads=Reads.NETWORK, better="lower", source="Petsiuk, Das & Saenko, 2018", probability=True
)  # fmt: skip
def deletion(run: Run, values: Tensor, *, steps: int = STEPS, fill: Fill = "mean") -> Tensor:
    """Deletion: the area under ``f`` while the places with the largest values are replaced, the largest first (Petsiuk,
    Das & Saenko, RISE, 2018, section 4.1).

    Parameters
    ----------
    steps
        In how many equal steps, ≥ 1.
    fill
        What takes their place, as for `occlusion`.

    Returns
    -------
    Tensor, (N,), in units of the target: low where the map ranks what matters first.
    """
    return _area(run, values, steps, fill, given=False)


@metric(
    family=FAMILY, reads=Reads.NETWORK, better="higher", source="Petsiuk, Das & Saenko, 2018", probability=True
)  # fmt: skip
def insertion(run: Run, values: Tensor, *, steps: int = STEPS, fill: Fill = "blur") -> Tensor:
    """Insertion: the area under ``f`` while the places with the largest values are given back to a picture without
    evidence, the largest first (Petsiuk, Das & Saenko, RISE, 2018, section 4.1).

    Parameters
    ----------
    steps
        In how many equal steps, ≥ 1.
    fill
        What stands there before, as for `occlusion`; the paper has the blurred picture.

    Returns
    -------
    Tensor, (N,), in units of the target: high where the map ranks first what suffices.
    """
    return _area(run, values, steps, fill, given=True)


def _area(run: Run, values: Tensor, steps: int, empty: Fill, *, given: bool) -> Tensor:
    refuse_few("insertion" if given else "deletion", steps=steps)
    a, x, bare = checked(run, values), run.images, fills.fill(run, empty).expand_as(run.images)
    at = counts(a[0].numel(), steps)
    return area(curve(run, ranks(a), at, *((bare, x) if given else (x, bare))), at)


@metric(family=FAMILY, reads=Reads.NETWORK, better="lower", source="Bach et al., 2015", probability=True)
def pixel_flipping(run: Run, values: Tensor, *, share: float = 0.2, steps: int = 20, fill: Fill = "black") -> Tensor:
    """Pixel flipping: the mean of ``f`` while the first places are flipped to the fill, the largest first (Bach et al.,
    2015, section 4.2).

    Parameters
    ----------
    share
        Of the places, how many are flipped at the end, 0…1.
    steps
        In how many equal steps, ≥ 1.
    fill
        What they become, as for `occlusion`.

    Returns
    -------
    Tensor, (N,), in units of the target.
    """
    refuse_few("pixel_flipping", steps=steps)
    if not 0 < share <= 1:
        raise UsageError(f"pixel_flipping needs 0 < share ≤ 1, not {share}.")
    a = checked(run, values)
    at = counts(max(1, round(share * a[0].numel())), steps)
    return area(flipping_curve(run, a, at, fill), at)


def flipping_curve(run: Run, values: Tensor, at: list[int], empty: Fill = "black") -> Tensor:
    """``f`` after so many places were flipped, the largest first: (len(at), N)."""
    a, x = checked(run, values), run.images
    return curve(run, ranks(a), at, x, fills.fill(run, empty).expand_as(x))


@metric(
    family=FAMILY, reads=Reads.NETWORK, better="lower", source="Montavon, Samek & Müller, 2018", probability=True
)  # fmt: skip
def selectivity(run: Run, values: Tensor, *, patch: int = 16, fill: Fill = "black") -> Tensor:
    """Selectivity: the area under ``f`` while square patches are replaced, that with the largest sum first (Montavon,
    Samek & Müller, 2018, section 6.2).

    Parameters
    ----------
    patch
        Side of a patch in pixels, ≥ 1.
    fill
        What takes their place, as for `occlusion`.

    Returns
    -------
    Tensor, (N,), in units of the target.
    """
    found, at = selectivity_curve(run, values, patch, fill)
    return area(found, at)


def selectivity_curve(run: Run, values: Tensor, patch: int, empty: Fill = "black") -> tuple[Tensor, list[int]]:
    """``f`` after 0, 1, 2… patches were replaced, (patches + 1, N), and the places that were replaced by then."""
    refuse_few("selectivity", patch=patch)
    a, x = checked(run, values), run.images
    height, width = a.shape[2:]
    numbers = _patch_numbers(height, width, patch, a.device)
    many = int(numbers.max()) + 1
    sums = a.new_zeros(len(a), many).index_add_(1, numbers.flatten(), a.sum(1).flatten(1))
    place = ranks(sums)[:, numbers.flatten()].reshape(len(a), 1, height, width)
    found = curve(run, place, range(many + 1), x, fills.fill(run, empty).expand_as(x))
    return found, list(range(many + 1))


def _patch_numbers(height: int, width: int, patch: int, device: torch.device) -> Tensor:
    """The number of the patch that each place is in, (H, W)."""
    rows, columns = torch.arange(height, device=device) // patch, torch.arange(width, device=device) // patch
    return rows[:, None] * (int(columns[-1]) + 1) + columns


@metric(family=FAMILY, reads=Reads.NETWORK, better="higher", source="Rieger & Hansen, 2020", probability=True)
def irof(run: Run, values: Tensor, *, segments: Wanted = "slic", cells: int = 10, fill: Fill = "mean") -> Tensor:
    """Iterative removal of features: the area over ``f(x̃) / f(x)`` while segments of the picture are replaced, that with
    the largest mean value first (Rieger & Hansen, 2020, section 2).

    Parameters
    ----------
    segments
        ``"slic"``, ``"grid"``, or whole numbers of one's own, as for methods that cover segments.
    cells
        About so many segments along each side, ≥ 2.
    fill
        What takes their place, as for `occlusion`.

    Returns
    -------
    Tensor, (N,): 1 where the first segment is all that counts, 0 where removing changes nothing; NaN where the target
    is 0 to begin with.
    """
    if cells < 2:
        raise UsageError(f"irof needs cells ≥ 2, not {cells}.")
    found = segments_of(run, segments, cells)
    heights = segment_curve(run, values, found.labels.expand(len(run.images), -1, -1), fill)
    left = [torch.trapezoid(h[: n + 1], dx=1 / n, dim=0) for h, n in zip(heights.T, found.counts)]
    return torch.where(heights[0] != 0, 1 - torch.stack(left) / heights[0], torch.nan)


def segment_curve(run: Run, values: Tensor, numbers: Tensor, empty: Fill = "mean") -> Tensor:
    """``f`` after 0, 1, 2… of a picture's segments were replaced, that with the largest mean value first.

    Parameters
    ----------
    numbers
        Of the segment that each place is in, int (N, H, W), from 0.

    Returns
    -------
    Tensor, (most segments + 1, N); a picture that has fewer stays as it is without all of them.
    """
    a, x = checked(run, values), run.images
    each = numbers.flatten(1)
    many = int(each.max()) + 1
    sums = a.new_zeros(len(a), many).scatter_add_(1, each, a.mean(1).flatten(1))
    sizes = a.new_zeros(len(a), many).scatter_add_(1, each, torch.ones_like(a[:, 0]).flatten(1))
    means = torch.where(sizes > 0, sums / sizes, -torch.inf)
    place = ranks(means).gather(1, each).reshape(len(a), 1, *numbers.shape[1:])
    return curve(run, place, range(many + 1), x, fills.fill(run, empty).expand_as(x))


@metric(
    family=FAMILY,
    reads=Reads.NETWORK,
    better="higher",
    source="Rong, Leemann, Borisov, Kasneci & Kasneci, 2022",
    probability=True,
)
def road(
    run: Run,
    values: Tensor,
    *,
    shares: tuple[float, ...] = (0.1, 0.3, 0.5, 0.7, 0.9),
    noise: float = 0.01,
    seed: int = 0,
) -> Tensor:
    """ROAD: ``f`` where the least relevant places were blurred away, less ``f`` where the most relevant were, the mean
    over shares (Rong et al., 2022, section 4; removal by noisy linear imputation).

    Parameters
    ----------
    shares
        Of the places that are removed, each 0…1.
    noise
        Standard deviation of what is added to what is put there, in the network's units.
    seed
        Of the noise, which is the same for every picture.

    Returns
    -------
    Tensor, (N,), in units of the target: 0 for a map that knows nothing. Smooth maps do better for being smooth:
    compare with `blurred random` maps.
    """
    if not shares or not all(0 < share < 1 for share in shares):
        raise UsageError(f"road needs shares between 0 and 1, not {shares}.")
    a = checked(run, values).sum(1, keepdim=True)
    rank = [ranks(a), ranks(a, largest_first=False)]
    size = a[0].numel()
    most, least = (torch.stack([_without(run, r, round(share * size), noise, seed) for share in shares]) for r in rank)
    return (least - most).mean(0)


def _without(run: Run, rank: Tensor, first: int, noise: float, seed: int) -> Tensor:
    pictures = torch.stack([imputed(x, (r < first)[0], noise, seed) for x, r in zip(run.images, rank)])
    return run.score(pictures).double()


@metric(
    family=FAMILY,
    reads=Reads.NETWORK,
    better="lower",
    source="Chattopadhyay, Sarkar, Howlader & Balasubramanian, 2018",
    probability=True,
)
def average_drop(run: Run, values: Tensor) -> Tensor:
    """Average drop: what part of ``f`` is lost where only what the map marks is left of the picture, ``max(0, f(x) −
    f(x · a)) / f(x)`` with the map scaled to 0…1 (Chattopadhyay et al., Grad-CAM++, 2018, section 4.1).

    Returns
    -------
    Tensor, (N,), 0…1; NaN where the target isn't above 0.
    """
    whole, kept = run.scores.double(), _marked(run, values)
    return torch.where(whole > 0, (whole - kept).clamp(min=0) / whole, torch.nan)


@metric(
    family=FAMILY,
    reads=Reads.NETWORK,
    better="higher",
    source="Chattopadhyay, Sarkar, Howlader & Balasubramanian, 2018",
    probability=True,
)
def average_increase(run: Run, values: Tensor) -> Tensor:
    """Increase in confidence: whether ``f`` rises where only what the map marks is left (Chattopadhyay et al., 2018,
    section 4.1).

    Returns
    -------
    Tensor, (N,), 0 or 1.
    """
    return (_marked(run, values) > run.scores.double()).double()


def _marked(run: Run, values: Tensor) -> Tensor:
    """``f`` of the picture times its map, scaled so that its largest value is 1."""
    a = checked(run, values).sum(1, keepdim=True).clamp(min=0).to(run.images)
    largest = a.amax((1, 2, 3), keepdim=True)
    return run.score(run.images * torch.where(largest > 0, a / largest, 0)).double()
