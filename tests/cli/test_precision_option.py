"""``explain --precision``: said what came of it, or refused."""

import pytest

from seethrough.graph.fast import local
from seethrough.graph.fast.halved import can_halve


@pytest.mark.skipif(not can_halve(), reason="this processor doesn't compute in bfloat16")
def test_the_line_asks_in_bfloat16_and_says_how_far_off_it_is(seethrough, tiny):
    more = ("--methods", "rise", "--set", "samples=32", "--precision", "bf16")
    outcome = seethrough("explain", *tiny, "cat.png", *more)
    assert outcome.code == 0 and "bfloat16" in outcome.out, outcome


def test_another_precision_is_refused(seethrough, tiny):
    outcome = seethrough("explain", *tiny, "cat.png", "--precision", "fp8")
    assert outcome.code == 2 and "precision is one of float32, bf16" in outcome.err, outcome


def test_what_was_computed_only_where_it_changed_is_said_on_the_line_and_on_the_page(
    seethrough, tiny, folder, monkeypatch
):
    monkeypatch.setattr(local, "_pays", lambda *_: True)
    outcome = seethrough("explain", *tiny, "cat.png", "--methods", "occlusion", "--window", "4", "-o", "found.html")
    assert outcome.code == 0 and "times fewer multiplications" in outcome.out, outcome
    page = (folder / "found.html").read_text(encoding="utf-8")
    assert "times fewer multiplications" in page and "乘法次数" in page
