"""An evaluation: what metrics say of methods, over pictures."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from seethrough.evaluation.metric import METRICS
from seethrough.jobs import Passed
from seethrough.results import Note, Passes, Saved


@dataclass(frozen=True, eq=False)
class Evaluation(Saved):
    """What metrics say of methods, over pictures.

    Attributes
    ----------
    methods
        The rows: methods' names, and behind them the maps that know nothing of the network (``nulls``).
    metrics
        The columns.
    images
        The pictures' names.
    values
        float64 (methods, metrics, images); NaN where a metric says nothing: of a flat map, of a picture without an
        object, of a method that it isn't defined for.
    nulls
        How many of the last rows are null maps.
    targets
        What was asked about each picture.
    seconds, passes
        What a method's map of a picture took, (methods,); of the metrics ``metric_passes`` in all.
    passed
        Pictures that could not be read, with the reason.
    settings
        Of methods and metrics, where they weren't the default.
    """

    methods: tuple[str, ...]
    metrics: tuple[str, ...]
    images: tuple[str, ...]
    values: np.ndarray
    nulls: int
    targets: tuple[str, ...]
    seconds: np.ndarray
    passes: tuple[Passes, ...]
    metric_passes: Passes = field(default_factory=Passes)
    passed: tuple[Passed, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def means(self) -> np.ndarray:
        """The mean over the pictures that a metric says something of, float64 (methods, metrics)."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of a row in which nothing was said
            return np.nanmean(self.values, axis=2)

    @property
    def errors(self) -> np.ndarray:
        """Standard error of each mean, (methods, metrics); NaN for fewer than two pictures."""
        number = np.isfinite(self.values).sum(2)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            spread = np.nanstd(self.values, axis=2, ddof=1)
        return np.divide(spread, np.sqrt(number), out=np.full(spread.shape, np.nan), where=number > 1)

    def best(self, metric: str) -> str | None:
        """The method with the best mean, null maps left out; None where none has one.

        Raises
        ------
        KeyError
            The metric isn't in the evaluation.
        """
        if metric not in self.metrics:
            raise KeyError(metric)
        column = self.means[: len(self.methods) - self.nulls, self.metrics.index(metric)]
        column = column if METRICS[metric].better == "higher" else -column
        return None if not np.isfinite(column).any() else self.methods[int(np.nanargmax(column))]

    def table(self, language: str = "en") -> str:
        """The means as text: a method a line, a metric a column, an arrow for which way is better."""
        from seethrough.show.metrics_text import table

        return table(self, language)

    def _repr_html_(self) -> str:
        from seethrough.show.metrics_text import html_table

        return html_table(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "provenance": dict(self.provenance),
            "settings": dict(self.settings),
            "notes": [asdict(note) for note in self.notes],
            "passed": [{"name": p.name, "reason": p.reason} for p in self.passed],
            "images": list(self.images),
            "targets": list(self.targets),
            "metrics": [
                {"name": m, "better": METRICS[m].better, "family": METRICS[m].family, "source": METRICS[m].source}
                for m in self.metrics
            ],
            "metric_passes": asdict(self.metric_passes),
            "methods": [self._row(i) for i in range(len(self.methods))],
        }

    def _row(self, i: int) -> dict[str, Any]:
        means, errors = self.means[i], self.errors[i]
        return {
            "name": self.methods[i],
            "null": i >= len(self.methods) - self.nulls,
            "seconds": float(self.seconds[i]),
            "passes": asdict(self.passes[i]),
            "metrics": {
                m: {"mean": float(means[k]), "error": float(errors[k]), "values": self.values[i, k].tolist()}
                for k, m in enumerate(self.metrics)
            },
        }
