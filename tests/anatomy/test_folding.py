"""What is cut into repeats is the sequence again, folded where it pays."""

import time

from hypothesis import given
from hypothesis import strategies as st

from seethrough.anatomy.folding import WORTH, common_words, repeats


def cut(text, names=None):
    """Repeats of a string as text: ``a3(bc)`` for ``abcbcbc``."""
    parts = repeats([ord(c) for c in text], [1] * len(text), names or list(text))
    return "".join(text[r.start] if r.times == 1 else f"{r.times}({text[r.start : r.start + r.period]})" for r in parts)


def test_a_loop_is_folded_at_its_period():
    assert cut("s" + "cr" * 50 + "pf") == "s50(cr)pf"
    assert cut("aaaaaa") == "6(a)"


def test_short_repeats_are_left_as_they_are():
    assert cut("aabbcc") == "aabbcc"
    assert cut("aaaa") == "aaaa"


def test_the_period_that_hides_most_is_taken():
    assert cut("ccpccpccpccp") == "4(ccp)"


def test_a_loop_ends_sharply_so_the_latest_beginning_is_taken():
    # the end "no" of the odd first block belongs to it, not to the repeated ones
    assert cut("xyzno" + "abcno" * 3 + "q") == "xyzno3(abcno)q"


def test_names_with_a_common_beginning_stay_together():
    text = "noabc" * 3 + "no"
    assert cut(text) == "no3(abcno)"
    assert cut(text, [f"block{k // 5}_{c}" for k, c in enumerate(text)]) == "3(noabc)no"


def test_names_begin_in_common_as_far_as_whole_words_go():
    assert common_words(["conv2_block1_relu", "conv2_block1_add"]) == "conv2_block1"
    assert common_words(["conv2_block1_relu", "conv2_block10_add"]) == "conv2"
    assert common_words(["10", "11"]) == ""


@given(st.lists(st.tuples(st.text("abc", min_size=1, max_size=4), st.integers(1, 6)), max_size=6))
def test_what_is_cut_covers_the_sequence_once_and_repeats_are_equal(parts):
    text = "".join(block * times for block, times in parts)
    at = 0
    for r in repeats([ord(c) for c in text], [1] * len(text), list(text)):
        assert r.start == at
        block = text[r.start : r.start + r.period]
        assert text[r.start : r.stop] == block * r.times
        assert r.times == 1 or (r.times - 1) * r.period >= WORTH
        at = r.stop
    assert at == len(text)


def test_thirty_thousand_layers_are_cut_in_a_moment():
    start = time.process_time()
    assert len(repeats([0, 1] * 15_000, [1] * 30_000, ["x"] * 30_000)) == 1
    unlike = [k // 7 * 7 if k % 7 else k % 13 for k in range(30_000)]
    repeats(unlike, [1] * 30_000, ["x"] * 30_000)
    assert time.process_time() - start < 10
