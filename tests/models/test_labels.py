"""Names of outputs, and what a person means by one."""

import json

import pytest

from seethrough.errors import InputRefused, UsageError
from seethrough.models.labels import imagenet_names, imagenet_wnids, read_classes, resolve


def test_imagenets_names_are_a_thousand_in_the_order_of_their_identifiers():
    names, wnids = imagenet_names(), imagenet_wnids()
    assert len(names) == len(wnids) == len(set(wnids)) == 1000 and list(wnids) == sorted(wnids)
    known = {0: "tench", 1: "goldfish", 281: "tabby", 289: "snow leopard", 409: "analog clock", 999: "toilet tissue"}
    assert {i: names[i] for i in known} == known
    assert (wnids[289], wnids[999]) == ("n02128757", "n15075141")


def test_only_crane_has_no_name_of_its_own():
    names = [name.casefold() for name in imagenet_names()]
    assert {name for name in names if names.count(name) > 1} == {"crane"}


SNOW_LEOPARD = ("snow leopard", "Snow_Leopard", "snow-leopard", "ounce", "n02128757", "289", 289, " 289 ")


@pytest.mark.parametrize("said", SNOW_LEOPARD)
def test_a_class_is_found_by_name_synonym_identifier_and_index(said):
    assert resolve(said, imagenet_names()) == 289


@pytest.mark.parametrize("said, indices", [("crane", (134, 517)), ("maillot", (638, 639)), ("cardigan", (264, 474))])
def test_an_ambiguous_name_lists_its_indices(said, indices):
    with pytest.raises(UsageError) as refused:
        resolve(said, imagenet_names())
    assert all(str(index) in str(refused.value) for index in indices) and "Give the index" in str(refused.value)
    assert resolve("Cardigan Welsh corgi", imagenet_names()) == 264 and resolve("tank suit", imagenet_names()) == 639


def test_what_is_not_there_names_the_nearest():
    with pytest.raises(UsageError, match="Nearest: snow leopard"):
        resolve("snow lepard", imagenet_names())
    with pytest.raises(UsageError, match="has 3 outputs, 0 to 2"):
        resolve(3, ("a", "b", "c"))
    with pytest.raises(UsageError, match="There is no output -1"):
        resolve("-1", ("a", "b", "c"))
    with pytest.raises(UsageError, match="has 7 outputs"):
        resolve(7, None, outputs=7)
    with pytest.raises(UsageError, match="classes="):
        resolve("cat", None)


def test_own_names_may_repeat_and_are_then_listed():
    assert resolve("dog", ("cat", "dog")) == 1
    with pytest.raises(UsageError, match=r"0 \(dog\), 2 \(dog\)"):
        resolve("dog", ("dog", "cat", "dog"))
    with pytest.raises(UsageError):
        resolve("n02128757", ("cat", "dog"))  # identifiers are ImageNet's alone


NAMES = ("cat", "dog, hound", "Zürich")


@pytest.mark.parametrize(
    "text",
    ["cat\ndog, hound\nZürich\n", json.dumps(NAMES), json.dumps({"1": "dog, hound", "0": "cat", "2": "Zürich"}),
     json.dumps({"0": ["n1", "cat"], "1": ["n2", "dog, hound"], "2": ["n3", "Zürich"]}),
     "\ufeffcat\r\ndog, hound\r\nZürich"],
)  # fmt: skip
def test_names_are_read_from_text_and_json_and_keras_layout(tmp_path, text):
    path = tmp_path / "names"
    path.write_text(text, "utf-8")
    assert read_classes(path) == read_classes(str(path)) == NAMES
    assert read_classes(list(NAMES)) == NAMES and read_classes(dict(enumerate(NAMES))) == NAMES
    assert read_classes("ImageNet") is imagenet_names()


@pytest.mark.parametrize(
    "content, words",
    [(b"", "holds none"), (b"\xff\xfe\x00", "UTF-8"), (b'["a",', "no JSON"), (b"[" * 100_000, "no JSON"),
     (b"[1, 2]", "the name of output 0 is 1"), (b"a\n\nb", "output 1"), (b"{}", "holds none")],
)  # fmt: skip
def test_a_file_without_names_is_refused(tmp_path, content, words):
    path = tmp_path / "names"
    path.write_bytes(content)
    with pytest.raises(InputRefused, match=words):
        read_classes(path)


def test_gaps_and_missing_files_are_said(tmp_path):
    with pytest.raises(UsageError, match="1 is missing"):
        read_classes({"0": "a", "2": "b"})
    with pytest.raises(InputRefused, match="can't be read"):
        read_classes(tmp_path / "none.txt")
