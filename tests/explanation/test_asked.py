"""What a person says — methods, families, settings, a time — and what comes of it before anything is run."""

import pytest

from seethrough.attribution import METHODS
from seethrough.errors import UsageError
from seethrough.explanation.asked import chosen, seconds_of, settings_of


def names(said):
    return [m.name for m in chosen(said).methods]


def test_methods_are_named_by_name_by_family_or_all_and_left_out_again():
    assert names(["saliency", "gradcam,occlusion"]) == ["saliency", "gradcam", "occlusion"]
    assert names("all") == list(METHODS)
    assert "occlusion" not in names("all,-occlusion") and len(names("-occlusion")) == len(METHODS) - 1
    gradient = [m.name for m in METHODS.values() if m.family == "gradient"]
    assert names("gradient") == gradient and names("class_activation")[0] == names("Class Activation")[0]
    assert not set(gradient) & set(names(["all", "-gradient"]))


def test_only_what_was_named_one_by_one_insists():
    found = chosen(["gradient", "saliency", "occlusion"])
    assert "smoothgrad" in found.optional and not {"saliency", "occlusion"} & found.optional


@pytest.mark.parametrize(
    ("said", "message"),
    [([], "No method was named"), ("saliency,-saliency", "leaves no method"), ("-salency", "Nearest: saliency")],
)
def test_nothing_left_or_an_unknown_name_is_one_sentence(said, message):
    with pytest.raises(UsageError, match=message):
        chosen(said)


def test_a_setting_goes_to_all_that_have_it_and_a_dotted_one_to_its_method_alone():
    methods = chosen("smoothgrad,integrated_gradients,occlusion").methods
    found = settings_of(methods, {"samples": 4, "smoothgrad.noise": 0.2, "steps": 8, "integrated_gradients.steps": 16})
    assert found["smoothgrad"] == {"samples": 4, "noise": 0.2}
    assert found["integrated_gradients"] == {"steps": 16} and found["occlusion"] == {}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"windw": 3}, "called 'windw'. Nearest: window"),
        ({"areas": (0.1,)}, "called 'areas'. extremal_perturbation has it"),
        ({"steps": 4}, "called 'steps'. .*integrated_gradients.* have it; name such a method"),
        ({"smoothgrad.window": 3}, "No setting of smoothgrad is called 'window'. There are: noise, samples, seed"),
        ({"gradcam.window": 3}, "is for gradcam, which isn't asked"),
        ({"nothing.window": 3}, "no method 'nothing'"),
        ({"progress": None}, "called 'progress'"),
    ],
)
def test_a_setting_nobody_has_is_one_sentence(given, message):
    with pytest.raises(UsageError, match=message):
        settings_of(chosen("smoothgrad,occlusion").methods, given)


@pytest.mark.parametrize(
    ("said", "seconds"), [(60, 60), ("60", 60), ("60s", 60), ("1.5 min", 90), ("2m", 120), ("1h", 3600)]
)
def test_a_time_is_said_in_the_usual_ways(said, seconds):
    assert seconds_of(said) == seconds and seconds_of(None) is None


@pytest.mark.parametrize("said", [0, -1, "soon", "s", "inf", "nan"])
def test_no_time_is_refused(said):
    with pytest.raises(UsageError, match="A budget is a time above 0"):
        seconds_of(said)
