"""RISE: what the answer is, on average, where a place is left to be seen."""

from __future__ import annotations

from torch import Tensor

from seethrough.attribution.fills import Fill
from seethrough.attribution.masked import Progress, added_up, scores
from seethrough.attribution.masks_shifted import ShiftedGrids, rise_grids
from seethrough.attribution.method import Dial, Needs, Outcome, Reduce, method
from seethrough.attribution.occlusion import PERTURBATION
from seethrough.errors import UsageError
from seethrough.graph.run import Run
from seethrough.results import Passes


@method(
    family=PERTURBATION,
    cost="1 forward a mask",
    good_for="smooth maps of where the evidence lies, without a gradient",
    source="Petsiuk, Das & Saenko, 2018",
    needs=Needs.PICTURES,
    reduce=Reduce.NONE,
    rules=None,
    work=lambda settings, _: Passes(settings["samples"], 0),
    dial=Dial("samples", (250, 500, 1000, 2000, 4000, 8000)),
    black_box=True,
)
def rise(
    run: Run,
    *,
    samples: int = 1000,
    grid: int = 7,
    p: float = 0.5,
    sampling: str = "antithetic",
    relative: bool = True,
    seed: int = 0,
    fill: Fill = "zero",
    progress: Progress | None = None,
) -> Outcome:
    """RISE: ``S = E[f(x ⊙ M) · M] / p`` over random masks M (Petsiuk, Das & Saenko, 2018, eq. 6): the mean answer where
    a place is seen; here how far that lies above the mean answer, ``E[(f − E f) · M] / p``, unless asked otherwise.

    Parameters
    ----------
    samples
        Masks, ≥ 2; the paper takes 4000 and more.
    grid
        Cells along a side of a mask before it is enlarged.
    p
        Chance that a cell is left, between 0 and 1.
    sampling
        How the masks are drawn: ``"random"``, each for itself, as in the paper; ``"antithetic"``, in pairs each of which
        leaves what the other covers, by which the noise of the mean answer cancels; ``"qmc"``, a scrambled Sobol'
        sequence. The expectation is the same.
    relative
        Less the mean answer, which is the same at every place: the order of places is the paper's, and a large answer
        doesn't bury what differs between them. False: the paper's numbers.
    seed
        Of the masks, which are the same for every picture.
    fill
        What covers, as for `occlusion`; ``"zero"`` is the paper's x ⊙ M.

    Returns
    -------
    Tensor, (N, H, W), signed, in units of the target. How much of the map's variation is chance, which more samples
    lessen, is reported as ``sampling_error``.
    """
    if samples < 2 or grid < 1 or not 0 < p < 1:
        raise UsageError(f"rise needs samples ≥ 2, grid ≥ 1 and 0 < p < 1, not samples={samples}, grid={grid}, p={p}.")
    x = run.images
    grids = rise_grids((x.shape[2], x.shape[3]), samples, grid, p, sampling, seed)
    answers = scores(run, grids.masks, fill, progress=progress)
    if relative:
        answers = answers - answers[0]  # first, so that answers that are all the same are 0, and not nearly so
        answers = answers - answers.mean(0)
    values = added_up(run, grids.masks, answers) / (samples * p)
    if sampling == "qmc":
        return Outcome(values)
    chance = _chance(grids, answers, p, values, 2 if sampling == "antithetic" else 1)
    return Outcome(values, {"sampling_error": {"share": chance.tolist(), "samples": samples}})


def _chance(grids: ShiftedGrids, answers: Tensor, p: float, values: Tensor, together: int) -> Tensor:
    """Standard error of a map over its own spread, (N,): both as root mean squares over its places; ``together`` masks
    at a time are drawn independently of the others.
    """
    drawn = len(answers) // together
    each = answers[: drawn * together].double() / (p * together)
    total, mean = grids.added(each).cpu(), values.double().cpu()
    # Σ (q − v)² = Σ q² − 2 v Σ q + n v²
    off = grids.squared(each, together) + ((drawn * mean - 2 * total) * mean).sum((1, 2))
    error = (off.clamp(min=0) / (mean[0].numel() * drawn * max(1, drawn - 1))).sqrt().to(values)
    spread = values.std((1, 2), correction=0)
    return error / spread.clamp(min=1e-12)
