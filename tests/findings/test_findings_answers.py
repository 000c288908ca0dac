"""What a person says of findings: by number, kind or name, as texts, a mapping or the page's file."""

import json

import pytest

from seethrough.errors import InputRefused, UsageError
from seethrough.findings.answers import FORMAT, answers_of

AUDIT = {
    "provenance": {"fingerprint": "aa11"},
    "findings": [
        {"aspect": {"kind": "background", "name": ""}},
        {"aspect": {"kind": "look", "name": "hue"}},
        {"aspect": {"kind": "look", "name": "contrast"}},
        {"aspect": {"kind": "region", "name": "top left"}},
    ],
}


@pytest.mark.parametrize(
    "said",
    [{1: "background", 3: "class"}, {"1": "background", "contrast": "class"}, "1=background, look contrast=class",
     ["background=background", "3=class"]],
)  # fmt: skip
def test_a_finding_goes_by_its_number_kind_or_name(said):
    assert answers_of(said, AUDIT) == {1: "background", 3: "class"}


def test_nothing_said_is_no_answer():
    assert answers_of(None, AUDIT) == {}


def test_a_kind_is_every_finding_of_it_and_what_is_said_more_exactly_counts_whatever_the_order():
    assert answers_of("look=background", AUDIT) == {2: "background", 3: "background"}
    for said in ("hue=class,look=background", "look=background,hue=class", "2=class,hue=background,look=background"):
        assert answers_of(said, AUDIT) == {2: "class", 3: "background"}, said


def written(folder, **changed):
    held = {
        "format": FORMAT,
        "fingerprint": "aa11",
        "answers": {"2": "class"},
        "findings": {"2": {"kind": "look", "name": "hue", "of": "cat"}},
    }
    path = folder / "answers.json"
    path.write_text(json.dumps(held | changed), "utf-8")
    return path


def test_the_pages_file_is_read(tmp_path):
    path = written(tmp_path)
    assert answers_of(path, AUDIT) == answers_of(str(path), AUDIT) == {2: "class"}


@pytest.mark.parametrize(
    ("changed", "message"),
    [({"fingerprint": "bb22"}, "another network"), ({"findings": {"2": {"kind": "background", "name": ""}}}, "another audit"),
     ({"findings": {"9": {"kind": "look", "name": "hue"}}}, "another audit"), ({"answers": {"9": "class"}}, "no finding 9")],
)  # fmt: skip
def test_answers_to_another_audit_are_refused(tmp_path, changed, message):
    with pytest.raises(UsageError, match=message):
        answers_of(written(tmp_path, **changed), AUDIT)


@pytest.mark.parametrize(
    ("said", "message"),
    [("1=maybe", "'maybe'"), ("0=class", "no finding 0"), ("7=class", "the audit has 4"), ("snow=class", "there are: background, look hue"),
     ("=class", "such as 1=background"), (["nothing"], "such as 1=background"), ("=", "such as 1=background")],
)  # fmt: skip
def test_what_makes_no_sense_is_one_sentence(said, message):
    with pytest.raises(UsageError, match=message):
        answers_of(said, AUDIT)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "other", "answers": {}}', "\x00", "[" * 100_000])
def test_a_file_that_holds_something_else_is_refused(tmp_path, text):
    (tmp_path / "x.json").write_text(text, "utf-8")
    with pytest.raises(InputRefused, match="answers"):
        answers_of(tmp_path / "x.json", AUDIT)
    with pytest.raises(InputRefused, match="can't be read"):
        answers_of(tmp_path / "none.json", AUDIT)
