"""The page of a summary: every layer is in it, folded as on the terminal, and text from outside is text."""

import base64
import json
import re
import zlib

import pytest
import torch.nn as nn

import seethrough as st
from seethrough.errors import UsageError


class Named(nn.Module):
    """A block with a name from outside."""

    def __init__(self, name):
        super().__init__()
        self.add_module(name, nn.Conv2d(3, 4, 1))
        self.blocks = nn.Sequential(*[nn.Sequential(nn.Conv2d(4, 4, 1), nn.ReLU()) for _ in range(6)])

    def forward(self, x):
        (first, blocks) = self._modules.values()
        return blocks(first(x))


@pytest.fixture(scope="module")
def summary():
    return st.open(Named("stem"), input_size=(3, 8, 8)).summary()


def carried(page, key):
    payload = json.loads(re.search(r'id="payload">(.*?)</script>', page, re.DOTALL)[1])
    return json.loads(zlib.decompress(base64.b64decode(payload[key])))


def test_every_layer_is_in_it_under_what_it_is_in(summary, tmp_path):
    rows = carried(summary.save(tmp_path / "net.html").read_text("utf-8"), "rows")
    paths = [rows["tables"]["above"][a] + n for a, n, t in zip(rows["above"], rows["name"], rows["times"]) if not t]
    assert paths == [row.path for top in summary.rows for row in top.walk()]
    fold = next(i for i, times in enumerate(rows["times"]) if times)
    assert rows["times"][fold] == 6 and rows["end"][fold] == fold + 1 + 6 * 3
    assert rows["parameters"][fold] == 6 * 20 and rows["activations"][fold] == 6 * 2 * 4 * 64 * 4


def test_what_is_frozen_can_be_told_from_what_trains(tmp_path):
    module = Named("stem")
    module.stem.requires_grad_(False)
    rows = carried(
        st.open(module, input_size=(3, 8, 8)).summary().save(tmp_path / "net.html").read_text("utf-8"), "rows"
    )
    assert (rows["parameters"][0], rows["trainable"][0]) == (16, 0)


def test_connections_are_between_the_layers_that_are_named(tmp_path):
    class Around(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.c = (nn.Conv2d(3, 3, 1) for _ in range(3))

        def forward(self, x):
            y = self.a(x)
            return self.c(self.b(y)) + y

    page = st.open(Around(), input_size=(3, 8, 8)).summary().save(tmp_path / "net.html").read_text("utf-8")
    assert carried(page, "connections") == [[0, 2, "add"]]


def test_names_from_outside_cannot_leave_their_place(tmp_path):
    evil = "</script><img src=x onerror=alert(1)>"
    page = st.open(Named(evil), input_size=(3, 8, 8)).summary().save(tmp_path / "net.html").read_text("utf-8")
    assert "<img" not in page and page.count("</script>") == 2
    assert evil in carried(page, "rows")["name"]


def test_a_network_without_a_graph_still_has_its_page(tmp_path):
    page = st.open(Named("stem")).summary().save(tmp_path / "net.html").read_text("utf-8")
    assert "input_size=(3, 224, 224)" in page
    assert set(carried(page, "rows")["macs"]) == {0}


def test_the_record_of_a_summary_has_every_row(summary, tmp_path):
    record = json.loads(summary.save(tmp_path / "net.json").read_text("utf-8"))
    assert [row["path"] for row in record["layers"]] == [row.path for top in summary.rows for row in top.walk()]


def test_another_kind_of_file_is_refused_with_those_that_there_are(summary, tmp_path):
    with pytest.raises(UsageError, match=r"\.html, \.json"):
        summary.save(tmp_path / "net.png")
    assert not list(tmp_path.iterdir())
