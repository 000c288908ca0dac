"""The notes of a rehearsal."""

from __future__ import annotations

from collections.abc import Mapping

from seethrough.show.language import Both

NOTES: Mapping[str, Both] = {
    "nothing_to_rehearse": Both(
        "The network's health asks for no change of its architecture or training that could be tried here.",
        "健康检查没有提出可以在这里试行的架构或训练改动。",
    ),
    "few_steps": Both(
        "There was time for {steps:count} steps a training; under {fewest:count} little can be told. Give more minutes.",
        "每次训练只来得及 {steps:count} 步；少于 {fewest:count} 步说明不了什么。请给更多分钟。",
    ),
}
