"""Files of networks as bytes: known by their content, and not believed in what they declare."""

import json
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from seethrough.errors import InputRefused
from seethrough.models.archives import open_zip
from seethrough.models.files import check_safetensors, kind_of
from seethrough.models.keras_files import unpacked
from seethrough.models.pickles import check_archive


def test_a_file_is_known_by_its_content_whatever_it_is_called(tmp_path):
    layer = torch.nn.Linear(2, 2)
    torch.save(layer.state_dict(), tmp_path / "a.keras")
    torch.save(layer.state_dict(), tmp_path / "b.h5", _use_new_zipfile_serialization=False)
    save_file({"w": np.ones(3, np.float32)}, tmp_path / "c.pt")
    (tmp_path / "d.pt").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(64))
    torch.jit.script(layer).save(str(tmp_path / "e.pt"))
    with zipfile.ZipFile(tmp_path / "f.zip", "w") as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("metadata.json", "{}")
    kinds = [kind_of(path) for path in sorted(tmp_path.iterdir())]
    assert kinds == ["torch", "torch legacy", "safetensors", "hdf5", "torchscript", "keras"]


@pytest.mark.parametrize(
    "name, content, words",
    [
        ("x.bin", b"hello" * 9, "no file of a network"),
        ("x.pt", b"", "is empty"),
    ],
)
def test_other_files_are_refused_by_name(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputRefused, match=words):
        kind_of(tmp_path / name)


def test_folders_and_missing_files_are_refused(tmp_path):
    with pytest.raises(InputRefused, match="There is no file"):
        kind_of(tmp_path / "no.pt")
    for name in ("x\0y", "x" * 5000):
        with pytest.raises(InputRefused, match="can't be reached"):
            kind_of(Path(name))
    (tmp_path / "saved_model.pb").write_bytes(b"x")
    with pytest.raises(InputRefused, match="SavedModel"):
        kind_of(tmp_path)


@pytest.mark.parametrize("member", ["../evil.h5", "/etc/evil", "a/../../b", "..\\evil", "C:\\evil", "\\\\host\\share"])
def test_members_that_would_land_outside_are_refused(tmp_path, member):
    path = tmp_path / "x.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
        archive.writestr(member, "evil")
    with pytest.raises(InputRefused, match="outside it"):
        open_zip(path)


def test_a_member_that_unpacks_to_far_more_than_it_stores_is_refused(tmp_path):
    path = tmp_path / "bomb.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.weights.h5", bytes(20_000_000))
    with pytest.raises(InputRefused, match="won't be unpacked"):
        open_zip(path)


def zip_declaring(path, stored, declared, times=1):
    """An archive whose directory says that its members store and hold other sizes than they do."""
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(times):
            archive.writestr(f"config{i}.json", b"x" * 100)
    data = bytearray(path.read_bytes())
    at = -1
    while (at := data.find(b"PK\x01\x02", at + 1)) >= 0:
        struct.pack_into("<II", data, at + 20, stored, declared)
    path.write_bytes(data)


def test_members_that_together_exceed_the_file_are_refused(tmp_path):
    zip_declaring(tmp_path / "a.zip", 3_000, 3_000)
    with pytest.raises(InputRefused, match="more bytes than the file has"):
        open_zip(tmp_path / "a.zip")
    zip_declaring(tmp_path / "b.zip", 100, 2**31)
    with pytest.raises(InputRefused, match="won't be unpacked"):
        open_zip(tmp_path / "b.zip")


def test_two_members_of_one_name_are_refused(tmp_path):
    path = tmp_path / "x.keras"
    with zipfile.ZipFile(path, "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("config.json", "{}")
        archive.writestr("config.json", '{"other": 1}')
    with pytest.raises(InputRefused, match="two members"):
        open_zip(path)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 600), st.binary(min_size=1, max_size=12))
def test_a_damaged_archive_is_opened_or_refused_and_nothing_else(tmp_path_factory, at, damage):
    path = tmp_path_factory.mktemp("damaged") / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps({"class_name": "Sequential"}))
        archive.writestr("model.weights.h5", bytes(range(200)))
    data = bytearray(path.read_bytes())
    data[at : at + len(damage)] = damage
    path.write_bytes(data)
    try:
        open_zip(path).close()
    except InputRefused as refused:
        assert "\n" not in str(refused)


def safetensors(path, header, body=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + body)
    return path


def entry(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


def test_a_true_safetensors_file_passes(tmp_path):
    arrays = {"a": np.ones((3, 4), np.float32), "b": np.ones((), np.int64), "c": np.ones((0, 3), np.float16)}
    save_file(arrays, tmp_path / "x", metadata={"k": "v"})
    check_safetensors(tmp_path / "x")


@pytest.mark.parametrize(
    "header, body, length, words",
    [
        ({"a": entry()}, b"12345678", 2**60, "header of"),
        (b"{broken", b"", None, "no JSON"),
        (b"[1]" + b" " * 9, b"", None, "isn't a JSON object"),
        ({"a": entry(shape=(2**40,))}, b"12345678", None, "isn't in the file"),
        ({"a": entry(offsets=(0, 2**40))}, b"12345678", None, "isn't in the file"),
        ({"a": entry(offsets=(8, 0))}, b"12345678", None, "isn't in the file"),
        ({"a": entry(shape=(-2,), offsets=(0, 8))}, b"12345678", None, "sizes that are no sizes"),
        ({"a": entry(shape=(1e300,))}, b"12345678", None, "sizes that are no sizes"),
        (b"{" + b"[" * 20000, b"", None, "more than 200 deep"),
        ({"a": entry("X9")}, b"12345678", None, "unknown type"),
        ({"a": 3}, b"", None, "broken"),
        ({"a": entry()}, b"12345678rest", None, "holds 12"),
    ],
)
def test_a_safetensors_header_that_is_not_true_is_refused(tmp_path, header, body, length, words):
    with pytest.raises(InputRefused, match=words):
        check_safetensors(safetensors(tmp_path / "x", header, body, length))


def test_a_checksum_that_does_not_hold_is_a_broken_archive(tmp_path):
    path = tmp_path / "x.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", '{"class_name": "Sequential"}')
        archive.writestr("metadata.json", "{}")
    data = path.read_bytes().replace(b"Sequential", b"Sequentiel", 1)
    assert zlib.crc32(b"Sequential") != zlib.crc32(b"Sequentiel")
    path.write_bytes(data)
    with pytest.raises(InputRefused, match="can't be unpacked"):
        unpacked(path, tmp_path, allow_code=False)


def test_a_member_whose_own_header_is_another_is_a_broken_archive(tmp_path):
    path = tmp_path / "x.pt"
    torch.save({"w": torch.zeros(3)}, path)
    data = bytearray(path.read_bytes())
    data[data.index(b"x/data.pkl")] = 0xFF
    path.write_bytes(data)
    with pytest.raises(InputRefused, match=r"The pickle in .* can't be unpacked"):
        check_archive(path)
