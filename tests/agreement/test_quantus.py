"""Where Quantus 0.6 computes what a paper defines, we say what it says about the same maps and the same network; where it
doesn't, the test shows on a case of known answer what it does instead.

Everywhere its own normalisation and absolute values are switched off or done beforehand: by default it divides a whole
batch by its largest value, so that a picture's figures depend on its company.
"""

import numpy as np
import pytest
import torch
from torch import nn

import seethrough as st
from seethrough.evaluation import additivity, axioms, complexity, localisation, randomisation, removal, robustness
from seethrough.evaluation.similarity import spearman, ssim
from seethrough.graph.run import Run
from seethrough.models.torchvision_import import make_torchvision_importable


@pytest.fixture(scope="module")
def quantus():
    make_torchvision_importable()
    found = pytest.importorskip("quantus", reason="Quantus isn't installed; it comes with the extra `bench`")
    with pytest.MonkeyPatch.context() as patch:  # Quantus 0.6 calls what NumPy 2.4 has under its other name only
        patch.setattr(np, "trapz", np.trapezoid, raising=False)
        yield found


pytestmark = pytest.mark.filterwarnings("ignore")  # Quantus warns of its parameters, and of what it calls in NumPy
SILENT = {"disable_warnings": True, "abs": False, "normalise": False}
SIDE, LABELS = 16, [1, 4, 0]


@pytest.fixture(scope="module")
def module():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 8, 3), nn.ReLU(), nn.AvgPool2d(2),
        nn.Flatten(), nn.Linear(72, 5),
    ).eval()  # fmt: skip


@pytest.fixture(scope="module")
def pictures():
    return torch.rand(3, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(1)) + 0.1


@pytest.fixture
def run(module, pictures):
    return asked(module, pictures)


@pytest.fixture
def values(run):
    """Gradients, no two of them equal: among equal ones Quantus goes by chance."""
    noise = torch.randn(run.images.shape, generator=torch.Generator().manual_seed(8))
    return run.gradient() + 0.01 * run.gradient().abs().max() * noise


def asked(module, pictures, labels=LABELS):
    net = st.open(module, input_size=tuple(pictures.shape[1:]))
    prepared = net.prepare(pictures)
    index = torch.tensor(labels)
    return Run(net.source_of(prepared), prepared.batch, lambda out, rows: out.gather(1, index[rows][:, None])[:, 0])


def darkest(pictures):
    """Quantus' "black": each picture's least number."""
    return pictures.amin((1, 2, 3), keepdim=True).expand_as(pictures)


@pytest.fixture
def theirs(module, pictures, values):
    """A metric of Quantus about the same network, pictures and maps."""

    def ask(metric, *, explain=None, values=values, masks=None, pictures=pictures, labels=LABELS, **more):
        return metric(
            model=module, x_batch=pictures.numpy().copy(), y_batch=np.array(labels), a_batch=values.numpy().copy(),
            s_batch=masks, explain_func=explain, softmax=False, channel_first=True, **more,
        )  # fmt: skip

    return ask


def agree(ours, theirs, tolerance=1e-4):
    theirs = np.asarray(theirs, float)
    np.testing.assert_allclose(np.asarray(ours, float), theirs, rtol=tolerance, atol=tolerance * np.abs(theirs).max())


# --- faithfulness -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [1, 16, 64])
def test_pixel_flipping(quantus, run, values, theirs, pictures, step):
    found = theirs(quantus.PixelFlipping(features_in_step=step, perturb_baseline="black", **SILENT))
    at = [*range(0, SIDE * SIDE, step), SIDE * SIDE]
    agree(removal.flipping_curve(run, values, at, darkest(pictures))[1:].T, found)


def test_the_area_under_pixel_flipping(quantus, run, values, theirs, pictures):
    found = theirs(quantus.PixelFlipping(features_in_step=16, return_auc_per_sample=True, **SILENT))
    at = list(range(0, SIDE * SIDE + 1, 16))
    curve = removal.flipping_curve(run, values, at, darkest(pictures))
    # Theirs leaves out the whole picture and isn't divided by the number of steps.
    agree(torch.trapezoid(curve[1:], dim=0), found)


def test_selectivity(quantus, run, values, theirs, pictures):
    found = theirs(quantus.Selectivity(patch_size=4, **SILENT))
    agree(removal.selectivity_curve(run, values, 4, darkest(pictures))[0][1:].T, found)


def test_faithfulness_correlation(quantus, run, values, theirs):
    np.random.seed(3)
    found = theirs(
        quantus.FaithfulnessCorrelation(nr_runs=40, subset_size=30, return_aggregate=False, **SILENT)
    )  # fmt: skip
    np.random.seed(3)
    sets = torch.zeros(40, 3, 1, SIDE, SIDE, dtype=torch.bool)
    for k in range(40):
        for i in range(3):
            sets[k, i].view(-1)[np.random.choice(SIDE * SIDE, 30, replace=False)] = True
        np.random.uniform(size=3)  # which Quantus draws for each fill, whatever it fills with
    agree(additivity.sum_correlation(run, values, sets, darkest(run.images)), found)


def test_infidelity_of_slopes_over_the_squares_that_quantus_takes_away_one_after_the_other(
    quantus, run, values, theirs
):
    """Yeh et al. take perturbations by themselves; Quantus goes on from the picture that it perturbed before."""
    found = theirs(quantus.Infidelity(perturb_patch_sizes=[4], n_perturb_samples=1, **SILENT))
    squares = torch.arange(16).reshape(4, 4).repeat_interleave(4, 0).repeat_interleave(4, 1)
    sets = (squares <= torch.arange(16)[:, None, None])[:, None, None]
    said, cost = additivity.said_and_cost(run, values, sets, darkest(run.images), slopes=True)
    agree(((said - cost) ** 2).mean(0), found)


def test_irof_of_a_picture_of_its_own(quantus, values, module, pictures):
    """The fill is the mean of the whole batch in Quantus, and a picture of several channels fails its assertion that a
    mask has the picture's shape; so one picture of one channel is asked.
    """
    from skimage.segmentation import slic

    alone, values = asked(module, pictures[:1], LABELS[:1]), values[:1].contiguous()
    (found,) = quantus.IROF(segmentation_method="slic", perturb_baseline="mean", return_aggregate=False, **SILENT)(
        model=module, x_batch=pictures[:1].numpy(), y_batch=np.array(LABELS[:1]), a_batch=values.numpy(),
        softmax=False, channel_first=True,
    )  # fmt: skip
    numbers = torch.from_numpy(slic(np.moveaxis(pictures[0].numpy(), 0, -1).astype(float), start_label=0))[None]
    # Its mean changes as the picture does, since it is taken anew at each step: the curve follows that.
    x, curve = pictures[:1].clone(), []
    means = torch.stack([values[0, 0][numbers[0] == s].mean() for s in range(int(numbers.max()) + 1)])
    for s in means.argsort(descending=True):
        x[0, 0][numbers[0] == s] = x.mean()
        curve.append(float(alone.score(x) / alone.scores))
    assert found == pytest.approx(len(curve) - np.trapezoid(curve), rel=1e-4)
    ours = removal.segment_curve(alone, values, numbers, "mean")[:, 0]
    theirs = torch.tensor([float(alone.scores), *(c * float(alone.scores) for c in curve)])
    # Ours keeps the picture's own mean; the first step is the same for both.
    agree(ours[:2], theirs[:2])


def test_road(quantus, run, values, theirs, module, pictures):
    """Theirs counts pictures whose class stays; ours follows the score. What is imputed is compared, without noise."""
    from quantus.functions.perturb_func import noisy_linear_imputation

    from seethrough.trust.imputation import imputed

    rank = removal.ranks(values)
    for share in (0.1, 0.5, 0.8):
        gone = rank < round(share * SIDE * SIDE)
        for x, mask in zip(pictures, gone):
            wanted = noisy_linear_imputation(x.numpy().astype(float), np.flatnonzero(mask.numpy()), noise=0)
            agree(imputed(x.double(), mask, 0, 0), wanted)
    percentages = [10, 50, 80]
    (found,) = quantus.ROAD(percentages=percentages, noise=0, **SILENT)(
        model=module, x_batch=pictures.numpy(), y_batch=np.array(LABELS), a_batch=values.numpy(),
        softmax=False, channel_first=True,
    ).values(),  # fmt: skip
    stays = []
    for share in percentages:
        cut = torch.stack([imputed(x, r < int(SIDE * SIDE * share / 100), 0, 0) for x, r in zip(pictures, rank)])
        stays.append(float((module(cut).argmax(1) == torch.tensor(LABELS)).double().mean()))
    agree(stays, list(found))


def test_quantus_monotonicity_says_yes_to_everything(quantus, pictures):
    """It fills the empty picture with its own least number, which changes nothing: the same picture is asked each time.
    A sum of pixels, some below zero, falls as those come in.
    """
    network = nn.Sequential(nn.Flatten(), nn.Linear(SIDE * SIDE, 5, bias=False)).eval()
    with torch.no_grad():
        network[1].weight.fill_(1)
        network[1].weight[:, ::2] = -1
    values = torch.rand(3, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(9))
    found = quantus.Monotonicity(features_in_step=8, **SILENT)(
        model=network, x_batch=pictures.numpy(), y_batch=np.array(LABELS), a_batch=values.numpy(), softmax=False,
        channel_first=True,
    )  # fmt: skip
    assert list(found) == [True, True, True]
    ours = additivity.monotonicity(asked(network, pictures), values, steps=32, fill=darkest(pictures))
    assert (ours < 0.8).all()


def test_quantus_sensitivity_n_is_not_one_for_a_linear_network(quantus, pictures):
    """Ancona et al. correlate, for each picture, sums over random sets of n features with the drop without them: 1 where
    contributions are exact. Quantus correlates over pictures, the sum over one step's features with the drop without all
    features up to it.
    """
    network = nn.Sequential(nn.Flatten(), nn.Linear(SIDE * SIDE, 5, bias=False)).eval()
    run = asked(network, pictures)
    exact = run.gradient() * (pictures - darkest(pictures))
    ours = additivity.sensitivity_n(run, exact, fill=darkest(pictures))
    np.testing.assert_allclose(ours, 1, atol=1e-4)
    found = quantus.SensitivityN(features_in_step=32, n_max_percentage=0.8, return_aggregate=True, **SILENT)(
        model=network, x_batch=pictures.numpy(), y_batch=np.array(LABELS), a_batch=exact.detach().numpy(),
        softmax=False, channel_first=True,
    )  # fmt: skip
    assert np.max(found) < 0.99


# --- robustness -------------------------------------------------------------------------------------------------------


def gradients(model, inputs, targets, **_):
    """What Quantus asks for maps: plain gradients."""
    x = torch.as_tensor(np.asarray(inputs), dtype=torch.float32).requires_grad_()
    (g,) = torch.autograd.grad(model(x).gather(1, torch.as_tensor(targets)[:, None]).sum(), x)
    return g.numpy()


@pytest.fixture
def disturbances():
    """What Quantus adds when its random state is seeded with 7."""

    def drawn(count, draw):
        np.random.seed(7)
        return [torch.from_numpy(draw((3, SIDE * SIDE))).float().reshape(3, 1, SIDE, SIDE) for _ in range(count)]

    return drawn


@pytest.mark.parametrize(("name", "over"), [("MaxSensitivity", "amax"), ("AvgSensitivity", "mean")])
def test_sensitivity(quantus, run, values, theirs, disturbances, name, over):
    noise = disturbances(6, lambda shape: np.random.uniform(-0.2, 0.2, shape))
    np.random.seed(7)
    found = theirs(getattr(quantus, name)(nr_samples=6, lower_bound=0.2, **SILENT), explain=gradients)
    ours = robustness.relative_changes(run, values, lambda r: r.gradient(), noise)
    agree(getattr(ours, over)(0), found)


def test_local_lipschitz(quantus, run, values, theirs, disturbances):
    noise = disturbances(6, lambda shape: np.random.normal(0, 0.1, shape))
    np.random.seed(7)
    found = theirs(
        quantus.LocalLipschitzEstimate(nr_samples=6, perturb_std=0.1, **SILENT), explain=gradients
    )  # fmt: skip
    agree(robustness.lipschitz(run, values, lambda r: r.gradient(), noise).amax(0), found)


# --- localisation -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def masks():
    m = np.zeros((3, 1, SIDE, SIDE), bool)
    m[0, :, 3:9, 4:12], m[1, :, :5, :5], m[2, :, 6:, 7:9] = True, True, True
    return m


@pytest.mark.parametrize(
    ("name", "ours", "settings"),
    [
        ("PointingGame", localisation.pointing_game, {}),
        ("AttributionLocalisation", localisation.attribution_localisation, {"positive_attributions": True}),
        ("RelevanceRankAccuracy", localisation.relevance_rank, {}),
        ("AUC", localisation.auc, {}),
        ("TopKIntersection", lambda a, m: localisation.top_k_intersection(a, m, k=40), {"k": 40}),
    ],
)
def test_localisation(quantus, theirs, values, masks, name, ours, settings):
    found = theirs(getattr(quantus, name)(**SILENT, **settings), masks=masks)
    agree(ours(values[:, 0].numpy(), masks[:, 0]), found, 1e-6)


def test_mass_of_maps_that_are_positive(quantus, theirs, values, masks):
    """Of a map with both signs Quantus divides by what is left after they cancelled, which can be anything."""

    found = theirs(quantus.RelevanceMassAccuracy(**SILENT), masks=masks, values=values.abs())
    agree(localisation.relevance_mass(values[:, 0].numpy(), masks[:, 0]), found, 1e-5)
    signed = theirs(quantus.RelevanceMassAccuracy(**SILENT), masks=masks)
    assert not all(0 <= each <= 1 for each in signed)


def test_energy_pointing_is_the_mass_of_a_map_scaled_to_the_unit_interval(quantus, theirs, values, masks):

    low, high = values.amin((2, 3), keepdim=True), values.amax((2, 3), keepdim=True)
    found = theirs(quantus.RelevanceMassAccuracy(**SILENT), masks=masks, values=(values - low) / (high - low))
    agree(localisation.energy_pointing(values[:, 0].numpy(), masks[:, 0]), found, 1e-5)


def test_quantus_weighs_localisation_by_the_wrong_size(quantus, theirs, values, masks, pictures):
    """Kohlbrenner et al. divide by the object's share of the picture; Quantus multiplies by the object's size over the
    numbers in the batch from its third picture on.
    """
    settings = {**SILENT, "positive_attributions": True}
    found = np.array(theirs(quantus.AttributionLocalisation(weighted=True, **settings), masks=masks))
    share = localisation.attribution_localisation(values[:, 0].numpy(), masks[:, 0])
    size = masks.sum((1, 2, 3))
    agree(found, share * size / pictures[2:].numel(), 1e-5)
    right = localisation.attribution_localisation(values[:, 0].numpy(), masks[:, 0], weighted=True)
    agree(right, share / (size / SIDE**2), 1e-6)


def test_a_flat_map_always_wins_the_pointing_game_of_quantus(quantus, theirs, masks):
    flat = torch.tensor([0.5, 0.3, 0.2])[:, None, None, None].expand(3, 1, SIDE, SIDE)
    assert list(theirs(quantus.PointingGame(**SILENT), masks=masks, values=flat)) == [True, True, True]
    agree(localisation.pointing_game(flat[:, 0].numpy(), masks[:, 0]), masks.mean((1, 2, 3)))


# --- complexity -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "ours"), [("Sparseness", complexity.sparseness), ("Complexity", complexity.entropy_complexity)]
)
def test_complexity(quantus, theirs, values, name, ours):
    settings = {"disable_warnings": True, "abs": True, "normalise": True}
    agree(ours(values[:, 0].numpy()), theirs(getattr(quantus, name)(**settings)))


def test_effective_complexity_of_each_picture_alone(quantus, theirs, values, pictures):
    """Normalised over the batch, as Quantus does by default, a picture's count depends on the others."""

    values = values * torch.tensor([1.0, 100.0, 0.01])[:, None, None, None]
    metric = lambda: quantus.EffectiveComplexity(eps=0.01, abs=True, normalise=True, disable_warnings=True)  # noqa: E731
    alone = [
        int(theirs(metric(), values=values[i : i + 1], pictures=pictures[i : i + 1], labels=LABELS[i : i + 1])[0])
        for i in range(3)
    ]
    assert complexity.effective_complexity(values[:, 0].numpy()).tolist() == alone
    assert list(theirs(metric(), values=values)) != alone


# --- randomisation ----------------------------------------------------------------------------------------------------


def test_the_rise_of_complexity(quantus, theirs, values, run, module):
    settings = {"disable_warnings": True, "abs": True, "normalise": True, "return_aggregate": False}
    metric = quantus.EfficientMPRT(complexity_func_kwargs={"n_bins": 100}, seed=1, skip_layers=True, **settings)
    found = metric(
        model=module, x_batch=run.images.numpy().copy(), y_batch=np.array(LABELS), a_batch=values.numpy(),
        explain_func=gradients, softmax=True, channel_first=True,
    )  # fmt: skip
    last = list(quantus.helpers.utils.get_wrapped_model(module, True, False).get_random_layer_generator(seed=1))[-1][1]
    other = asked(last, run.images).gradient()
    agree(randomisation.complexity_rise(run.gradient().numpy(), other.numpy()), found)


def test_similarity_while_weights_are_drawn_anew(quantus, values, run, module):
    """Their mean over layers takes in the network itself, at 1: what it means to leave out is called "orig", and what it
    stored "original".
    """
    settings = {"disable_warnings": True, "abs": True, "normalise": False, "return_aggregate": False}
    metric = quantus.MPRT(return_average_correlation=True, layer_order="top_down", seed=1, **settings)
    found = np.array(
        metric(
            model=module, x_batch=run.images.numpy().copy(), y_batch=np.array(LABELS), a_batch=run.gradient().numpy(),
            explain_func=gradients, softmax=False, channel_first=True,
        )
    )  # fmt: skip
    wrapped, own = quantus.helpers.utils.get_wrapped_model(module, True, False), run.gradient().abs().numpy()
    ours = [
        spearman(own, np.abs(gradients(other, run.images, LABELS)))
        for _, other in wrapped.get_random_layer_generator(order="top_down", seed=1)
    ]
    agree(np.mean([np.ones(3), *ours], axis=0), found)
    assert (np.mean(ours, axis=0) < found).all()


def test_random_logit_of_rows_laid_end_to_end(quantus, theirs, values, run):
    """Quantus compares the structure of maps that it has laid out as one row, where no window sees what is above and
    below; given rows ours agrees.
    """
    metric = quantus.RandomLogit(num_classes=5, seed=2, **SILENT)
    found = theirs(metric, explain=gradients)
    np.random.seed(2)
    steps = np.random.randint(0, 4, 3)
    other = [[c for c in range(5) if c != label][step] for label, step in zip(LABELS, steps)]
    others = asked(run.source.module, run.images, other).gradient()
    agree(ssim(values.flatten(1).numpy(), others.flatten(1).numpy()), found)


# --- axioms -----------------------------------------------------------------------------------------------------------


def test_quantus_completeness_asks_for_equal_bits(quantus, pictures):
    """Exact contributions of a linear network are incomplete to Quantus for the last bit; the gap says how much."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(SIDE * SIDE, 5)).eval()
    linear = asked(network, pictures)
    exact = linear.gradient() * (pictures - darkest(pictures))
    found = quantus.Completeness(**SILENT)(
        model=network, x_batch=pictures.numpy(), y_batch=np.array(LABELS), a_batch=exact.detach().numpy(),
        softmax=False, channel_first=True,
    )  # fmt: skip
    assert not all(found)
    assert float(axioms.completeness(linear, exact, fill=darkest(pictures)).max()) < 1e-5


def test_non_sensitivity_of_single_pixels(quantus, pictures):
    """Their thresholds are absolute, ours parts of the largest; the numbers here are far from either."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(SIDE * SIDE, 5, bias=False)).eval()
    with torch.no_grad():
        network[1].weight[:, ::3] = 0
    values = (torch.rand(3, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(5)) - 0.5).clamp(min=0)
    found = quantus.NonSensitivity(eps=1e-5, features_in_step=1, perturb_baseline=9.0, **SILENT)(
        model=network, x_batch=pictures.numpy(), y_batch=np.array(LABELS), a_batch=values.numpy(), softmax=False,
        channel_first=True,
    )  # fmt: skip
    named, changed = axioms.named_and_changed(asked(network, pictures), values, 1, 1e-5, 9.0)
    assert (named != changed).sum(1).tolist() == list(found)
