"""An audit's record is read back as it was, and told apart from what it isn't."""

import json

import numpy as np
import pytest

from seethrough.datasets.collection import collect
from seethrough.errors import InputRefused, UsageError
from seethrough.findings.aspects import Region
from seethrough.findings.audit import FORMAT
from seethrough.findings.record import record_of

SAID = {
    "format": FORMAT,
    "provenance": {"fingerprint": "abc"},
    "labels": ["dark", "light"],
    "split": {"seed": 3, "find": ["0"], "judge": ["1"], "repair": ["2"], "proof": []},
    "findings": [
        {
            "aspect": {"kind": "region", "name": "top left", "box": [0.0, 0.2, 0.0, 0.2]}, "answer": 1, "rivals": [0],
            "ways": ["places"], "strength": 0.9, "reappeared": 1.0, "numbers": {}, "verdict": "proven",
        }
    ],
}  # fmt: skip


def test_a_finding_comes_back_as_a_candidate(tmp_path):
    (tmp_path / "findings.json").write_text(json.dumps(SAID))
    record = record_of(tmp_path)
    candidate = record.candidate(1, canvas=None)  # type: ignore[arg-type]  # a region needs none
    assert candidate.aspect == Region("top left", (0.0, 0.2, 0.0, 0.2)) and candidate.key == ("region", "top left", 1)
    assert record.seed == 3 and record.folder == tmp_path
    with pytest.raises(UsageError, match="no finding 2"):
        record.candidate(2, canvas=None)  # type: ignore[arg-type]


def test_its_pictures_are_found_by_name():
    pictures = collect(list(np.zeros((3, 8, 8, 3), np.uint8)))
    names = [item.name for item in pictures]
    split = {"seed": 0, "find": names[:1], "judge": [names[1], "gone.png"], "repair": ["gone.png"], "proof": []}
    record = record_of({**SAID, "split": split})
    assert record.numbers("judge", pictures).tolist() == [1] and not len(record.numbers("proof", pictures))
    with pytest.raises(UsageError, match="other pictures"):
        record.numbers("repair", pictures)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "seethrough audit 1"}', "\x00", "[" * 5000])
def test_what_is_no_record_is_refused_in_one_sentence(tmp_path, text):
    (tmp_path / "findings.json").write_text(text)
    with pytest.raises(InputRefused, match=r"audit -o") as error:
        record_of(tmp_path)
    assert str(error.value).count(". ") == 0
