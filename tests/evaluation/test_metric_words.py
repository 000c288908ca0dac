"""Every metric has words in both languages, and every null map."""

import string

import pytest

from seethrough.evaluation import METRICS
from seethrough.show.language import Both
from seethrough.show.vocabulary import metrics as words
from seethrough.trust.nulls import NULLS


def test_every_metric_and_every_null_map_has_words():
    assert set(words.METRICS) == set(METRICS) and set(words.NULLS) == set(NULLS)
    assert {m.family for m in METRICS.values()} == set(words.FAMILIES)


@pytest.mark.parametrize(
    "text",
    [
        *(t for m in (*words.METRICS.values(), *words.NULLS.values()) for t in (m.name, m.line)),
        *(t for t in vars(words).values() if isinstance(t, Both)),
    ],
    ids=lambda t: t.en[:30],
)
def test_both_languages_say_something_and_speak_of_the_same_numbers(text):
    assert text.en.strip() and text.zh.strip()
    places = [sorted(n for _, n, _, _ in string.Formatter().parse(t) if n) for t in (text.en, text.zh)]
    assert places[0] == places[1]


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda m: m.name)
def test_every_metric_says_where_it_comes_from_and_what_it_returns(metric):
    assert metric.source and metric.better in ("higher", "lower")
    assert "Returns" in metric.function.__doc__ and "(N,)" in metric.function.__doc__
