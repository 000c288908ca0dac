"""Methods, settings, trust and time as words of a shell: all of them, families, one; each setting of its own type."""

import json

import pytest

from seethrough.attribution import METHODS
from seethrough.cli.listing import told_of
from seethrough.cli.settings import settings
from seethrough.errors import UsageError
from seethrough.show.trust_words import MARKS, VERDICTS


def used(outcome):
    assert outcome.code in (0, 1), outcome.err
    return json.loads(outcome.out)["images"][0]["explanation"]["methods"]


def test_a_family_is_asked_by_its_name_and_one_of_it_left_out(seethrough, tiny):
    found = used(
        seethrough("explain", *tiny, "cat.png", "--methods", "gradient,-smoothgrad", "--set", "samples=2", "--json")
    )
    assert set(found) == {m.name for m in METHODS.values() if m.family == "gradient"} - {"smoothgrad"}


def test_a_setting_goes_to_all_that_have_it_or_to_one(seethrough, tiny):
    arguments = ("--methods", "smoothgrad,vargrad", "--set", "samples=3", "--set", "vargrad.noise=0.3", "--json")
    found = used(seethrough("explain", *tiny, "cat.png", *arguments))
    assert found["smoothgrad"]["settings"] == {"samples": 3, "noise": 0.15, "seed": 0}
    assert found["vargrad"]["settings"] == {"samples": 3, "noise": 0.3, "seed": 0}


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("steps=64", 64), ("baseline=blur", "blur"), ("baseline=0.5", 0.5), ("window=8x4", (8, 4)), ("window=8", 8),
        ("noise=1", 1.0), ("residual=false", False), ("areas=0.1,0.2", (0.1, 0.2)), ("areas=0.1", (0.1,)),
        ("window=none", None), ("steps = 7", 7),
    ],
)  # fmt: skip
def test_a_value_is_read_as_the_type_of_its_default(said, value):
    name = said.partition("=")[0].strip()
    found = settings(
        [said], {}, list(METHODS.values()) if name not in ("steps",) else [METHODS["integrated_gradients"]]
    )
    assert found == {name: value}
    assert type(found[name]) is type(value)


@pytest.mark.parametrize(
    ("said", "says"),
    [
        (["steps"], "NAME=VALUE"), (["=3"], "NAME=VALUE"), (["steps="], "NAME=VALUE"),
        (["samples=2.5"], "whole number"), (["samples=many"], "whole number"), (["noise=loud"], "is a number"),
        (["residual=2"], "true or false"), (["steps=1", "steps=2"], "said twice"),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_refused(said, says):
    methods = [METHODS[m] for m in ("smoothgrad", "shapleycam")]
    with pytest.raises(UsageError, match=says):
        settings(said, {}, methods)


def test_an_option_and_the_same_setting_are_one_too_many(refused, tiny):
    message = refused(2, "explain", *tiny, "cat.png", "--steps", "4", "--set", "steps=8")
    assert "said twice" in message


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--set", "stepz=3", "--methods", "integrated_gradients"), "steps"),
        (("--set", "occlusion.window=3", "--methods", "saliency"), "occlusion"),
        (("--budget", "soon"), "'60s'"),
        (("--budget", "0s"), "above 0"),
        (("--methods", "all,-all"), "leaves no method"),
        (("--methods", "relevence"), "relevence"),
    ],
)
def test_what_makes_no_sense_is_refused(refused, tiny, arguments, says):
    assert says in refused(2, "explain", *tiny, "cat.png", *arguments)


def test_a_seed_reaches_whatever_draws(seethrough, tiny):
    found = used(
        seethrough("explain", *tiny, "cat.png", "--methods", "smoothgrad", "--samples", "2", "--seed", "7", "--json")
    )
    assert found["smoothgrad"]["settings"]["seed"] == 7


def test_a_budget_is_told_and_says_what_it_bought(seethrough, tiny):
    outcome = seethrough("explain", *tiny, "cat.png", "--methods", "integrated_gradients", "--budget", "5s")
    assert outcome.code == 0 and "steps" in outcome.out and "bought" in outcome.out


def test_each_map_has_a_line_with_its_sign_verdict_and_first_reason_where_trust_is_asked(seethrough, tiny):
    command = ("explain", *tiny, "cat.png", "--methods", "gradcam,input_x_gradient")
    lines = seethrough(*command, "--trust").out.splitlines()
    told = json.loads(seethrough(*command, "--trust", "--json").out)["images"][0]["explanation"]["images"][0]["maps"]
    for name, words in (("gradcam", "Grad-CAM"), ("input_x_gradient", "Input × gradient")):
        trust = told[name]["trust"]
        reason = trust["reasons"][0]["sentence"]["en"] if trust["reasons"] else ""
        verdict = f"{MARKS[trust['verdict']]} {words}: {VERDICTS[trust['verdict']].en}. {reason}".rstrip()
        assert verdict in lines
        assert f"  {told[name]['sentence']['en']}" in lines
    assert not any(v.en in seethrough(*command, "--no-trust").out for v in VERDICTS.values())


def test_methods_are_a_table_that_fits_a_hundred_columns(seethrough):
    lines = seethrough("methods").out.splitlines()
    assert max(map(len, lines)) <= 100
    assert all(any(line.startswith(f"{name} ") for line in lines) for name in METHODS)
    told = " ".join(" ".join(lines).split())
    assert all(m.source.split(",")[0] in told and m.good_for in told for m in METHODS.values())


def test_methods_of_one_family(seethrough, refused):
    told = json.loads(seethrough("methods", "--family", "class_activation", "--json").out)
    assert [row["name"] for row in told] == [m.name for m in METHODS.values() if m.family == "class activation"]
    assert "perturbation" in refused(2, "methods", "--family", "perturbations")


@pytest.mark.parametrize("name", ["integrated_gradients", "gradcam", "rise"])
def test_one_method_is_told_in_full(seethrough, name):
    out = seethrough("methods", name).out
    said = " ".join(out.split())
    method = METHODS[name]
    assert method.source in said and method.cost in said and method.good_for in said
    settings = [key for key in method.defaults if key != "progress"]
    assert all(f"  {key} = " in out for key in settings)
    record = json.loads(seethrough("methods", name, "--json").out)
    assert set(record["settings"]) == set(record["settings_described"]) == set(settings)


def test_every_method_has_words_for_what_it_does_and_gives():
    for method in METHODS.values():
        summary, described, returns = told_of(method)
        assert summary and returns, method.name
        assert set(described) <= set(method.defaults), method.name


def test_an_unknown_method_has_a_nearest(refused):
    assert "gradcam" in refused(2, "methods", "gradcma")


def test_which_methods_fit_a_network_and_why_others_do_not(seethrough, tiny):
    model, *rest = tiny
    words = [w for i, w in enumerate(rest) if w not in ("--preprocessing", "unit")]
    told = json.loads(seethrough("methods", "--family", "class activation", "--for", model, *words, "--json").out)
    fits = {row["name"]: row["fits"] for row in told}
    assert fits["gradcam"] and fits["cam"]
    assert all((row["why_not"] is None) == row["fits"] for row in told)
    assert "fits" in seethrough("methods", "gradcam", "--for", model, *words).out


def test_a_black_box_takes_no_gradient_and_it_is_said_why(seethrough, folder):
    (folder / "box.py").write_text(
        "import numpy as np\n\ndef predict(x):\n    x = np.asarray(x)\n    return np.stack([x.mean((1, 2, 3)), x.max((1, 2, 3))], 1)\n"
    )
    outcome = seethrough("methods", "--for", "box.py:predict", "--input-size", "3x16x16", "--json")
    assert outcome.code == 0, outcome.err
    fits = {row["name"]: row for row in json.loads(outcome.out)}
    assert fits["occlusion"]["fits"] and not fits["saliency"]["fits"] and not fits["gradcam"]["fits"]
    assert "gradient" in fits["saliency"]["why_not"]
