"""The rule, line by line; and that every reason has words."""

import pytest

from seethrough.show import words
from seethrough.trust.verdict import CARE, CARRIES, NOTHING, THRESHOLDS, verdict

GOOD = {
    "faithfulness.patches": 0.8, "faithfulness.beaten": 0.99, "faithfulness.infidelity": 0.1,
    "faithfulness.insertion": 0.9, "faithfulness.deletion": 0.2, "faithfulness.gain": 0.7, "faithfulness.random": 0.1,
    "faithfulness.blurred": 0.2, "faithfulness.centre": 0.3, "faithfulness.edges": 0.5, "sanity.similarity": 0.2,
    "sanity.rise": 0.4, "sanity.pictures": 1.0, "stability.noise": 0.9, "stability.shift": 0.8, "stability.least": 0.8,
    "completeness.gap": 0.01,
}  # fmt: skip


def without(*names, **changed):
    left = {k: v for k, v in GOOD.items() if not k.startswith(names)} if names else dict(GOOD)
    return left | {k.replace("__", "."): v for k, v in changed.items()}


def names(trust):
    return [note.name for note in trust.reasons]


def test_a_good_map_carries_weight_and_says_why():
    trust = verdict(GOOD)
    assert trust.verdict == CARRIES and trust.figures == GOOD
    assert names(trust) == ["cost_told_well", "beats_null_maps", "needs_the_weights", "stable"]


@pytest.mark.parametrize(
    ("figures", "said", "first"),
    [
        (without(sanity__similarity=0.95), NOTHING, "edge_detector_here"),
        (
            without(faithfulness__beaten=0.6, faithfulness__patches=0.05, faithfulness__gain=0.15),
            NOTHING,
            "no_better_than_chance",
        ),
        (without(faithfulness__beaten=0.6, faithfulness__patches=0.05), CARE, "cost_told_badly"),
        (without(faithfulness__patches=0.4), CARE, "cost_told_badly"),
        (without(faithfulness__beaten=0.9), CARE, "places_told_badly"),
        (without(faithfulness__gain=0.05, faithfulness__blurred=0.02), CARE, "no_better_than_noise"),
        (without(faithfulness__gain=0.15), CARE, "no_better_than_blurred_noise"),
        (without(stability__least=0.1), CARE, "unstable"),
        (without(completeness__gap=0.5), CARE, "adds_up_badly"),
        (without(completeness__gap=float("nan")), CARE, "adds_up_badly"),
        (without("faithfulness"), CARE, "not_checked_by_covering"),
        ({}, CARE, "not_checked_by_covering"),
    ],
)
def test_each_line_of_the_rule(figures, said, first):
    trust = verdict(figures)
    assert (trust.verdict, names(trust)[0]) == (said, first)


def test_edges_and_centre_count_only_where_the_weights_were_not_drawn_anew():
    near_edges = without(faithfulness__gain=0.45)
    assert verdict(near_edges).verdict == CARRIES and "beats_null_maps" not in names(verdict(near_edges))
    blind = without("sanity", faithfulness__gain=0.45)
    assert (verdict(blind).verdict, names(verdict(blind))[0]) == (CARE, "no_better_than_edges")
    assert (
        names(verdict(without("sanity", faithfulness__gain=0.6, faithfulness__centre=0.6)))[0]
        == "no_better_than_the_centre"
    )
    best = verdict(without("sanity"))
    assert best.verdict == CARRIES and "not_checked_without_weights" in names(best)


def test_what_holds_no_numbers_or_points_nowhere_says_nothing():
    assert names(verdict(GOOD, finite=False)) == ["trust_not_finite"]
    assert names(verdict({}, flat=True)) == ["trust_flat"]
    assert verdict({}, flat=True).verdict == verdict({}, finite=False).verdict == NOTHING


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_reason_has_words_with_its_numbers(language):
    worst = without(
        sanity__similarity=0.95, faithfulness__beaten=0.6, faithfulness__patches=0.05, faithfulness__gain=0.0,
        stability__least=0.0, completeness__gap=1.0,
    )  # fmt: skip
    for trust in (verdict(GOOD), verdict(worst), verdict({}), verdict({}, flat=True), verdict({}, finite=False)):
        for note in trust.reasons:
            text = words.note_words(note).in_(language)
            assert "{" not in text and not text.startswith(note.name.replace("_", " ") + " (")


def test_a_verdict_has_words():
    from seethrough.show.vocabulary.trust import VERDICTS

    assert set(VERDICTS) == {CARRIES, CARE, NOTHING} and THRESHOLDS.chance < THRESHOLDS.beaten
