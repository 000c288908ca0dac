"""Advice: what an engineer would do about a finding, and how each piece of it could be wrong; identifiers, `show` has the words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing to try.

    Attributes
    ----------
    name
        What to do.
    wrong_if
        How it could be wrong.
    """

    name: str
    wrong_if: str


ADVICE: Mapping[str, tuple[Advice, ...]] = {
    "bad_numbers": (Advice("find_first_bad", "picture_at_fault"),),
    "dead": (
        Advice("prune_dead", "class_not_among_pictures"),
        Advice("train_without_dying", "capacity_to_spare"),
    ),
    "always_on": (Advice("check_shift", "linear_on_purpose"),),
    "duplicates": (
        Advice("merge_twins", "differ_elsewhere"),
        Advice("narrower_layer", "twins_as_insurance"),
    ),
    "alike_weights": (Advice("merge_by_threshold", "thresholds_matter"),),
    "alike_activations": (Advice("more_pictures", "pictures_too_alike"),),
    "dominating": (
        Advice("clip_rms", "evened_out_behind"),
        Advice("renormalise_and_train", "strong_for_a_reason"),
    ),
    "low_rank": (
        Advice("narrower_layer", "rank_of_the_pictures"),
        Advice("factorise", "small_directions_decide"),
    ),
    "aliasing": (
        Advice("smaller_stride", "cost_of_places"),
        Advice("blur_before", "detail_wanted"),
    ),
    "saturation": (
        Advice("scale_down_before", "gates_are_meant_to"),
        Advice("other_activation", "clip_is_for_bits"),
    ),
    "exploding": (Advice("normalise_between", "undone_behind"),),
    "half_precision": (Advice("keep_float32", "bfloat16_holds_it"),),
}
"""By the finding's name, in the order in which an engineer would try them."""
