"""Whole numbers and ranges, as a shell says them."""

import pytest

from seethrough.cli.options import numbers
from seethrough.errors import UsageError


@pytest.mark.parametrize(
    ("said", "meant"),
    [("3", (3,)), ("0-3", (0, 1, 2, 3)), ("5,0-2,1", (5, 0, 1, 2)), (" 4 , 7-8", (4, 7, 8)), (None, None)],
)
def test_they_are_read_in_the_order_said_each_once(said, meant):
    assert numbers(said, "--channels") == meant


@pytest.mark.parametrize("said", ["", "a", "1-", "-3", "1-2-3", "2.5", "9-3", "0-99999999", "1,,2", "٣-x"])
def test_what_is_none_is_refused_with_an_example(said):
    with pytest.raises(UsageError, match=r"--channels takes .* such as 0-15"):
        numbers(said, "--channels")
