"""Names from outside are data: no control sequence reaches the terminal, nothing is read as markup."""

import unicodedata

import pytest
from cli_material import picture
from hypothesis import given
from hypothesis import strategies as st

from seethrough.cli.terminal import one_line, safe

NASTY = ("\x1b[31mred\x1b[0m.png", "two\nlines.png", "[bold]not markup.png", "\u202egnp.exe.png", ":warning:.png")


@given(st.text())
def test_no_control_character_is_left(text):
    left = safe(text).replace("\n", "")
    assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in left)
    assert "\n" not in one_line(text)


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S"])))
def test_what_is_harmless_stays(text):
    assert one_line(text) == text


@pytest.mark.parametrize("name", NASTY)
def test_a_pictures_name_is_printed_as_it_is_called(seethrough, tiny, folder, name):
    picture().save(folder / name)
    outcome = seethrough("predict", *tiny, name)
    assert outcome.code == 0
    assert one_line(name) in outcome.out and "\x1b" not in outcome.out and "\u202e" not in outcome.out


@pytest.mark.parametrize("name", NASTY)
def test_so_is_one_that_is_missing(refused, tiny, name):
    assert "\x1b" not in refused(3, "predict", *tiny, name)


def test_a_label_is_printed_as_it_is_called(seethrough, tiny, folder):
    (folder / "names.json").write_text('["\\u001b[31mlynx", "[red]cat[/red]", "leopard"]')
    out = seethrough("predict", *tiny, "cat.png", "--classes", "names.json").out
    assert "\x1b" not in out and "[red]cat[/red]" in out
