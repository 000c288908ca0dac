"""PyTorch's pickles, counted without being run."""

import io
import os
import pickle
import struct
import zipfile

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seethrough.errors import InputRefused
from seethrough.models.pickles import check_archive, check_legacy


def network():
    return torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_true_checkpoints_pass_and_every_storage_is_counted(tmp_path, protocol):
    module = network()
    optimizer = torch.optim.Adam(module.parameters())
    module(torch.ones(2, 3, 8, 8)).sum().backward()
    optimizer.step()
    half = torch.zeros(7, dtype=torch.bfloat16)
    kept = {"epoch": 10**12, "state_dict": module.state_dict(), "optimizer": optimizer.state_dict()}
    kept |= {"half": half, "view": half[2:]}
    torch.save(kept, tmp_path / "a.pt", pickle_protocol=protocol)
    torch.save(kept, tmp_path / "b.pt", pickle_protocol=protocol, _use_new_zipfile_serialization=False)
    for found in (check_archive(tmp_path / "a.pt"), check_legacy(tmp_path / "b.pt")):
        sizes = sorted(found.storages.values())
        assert sizes[-1] == 4 * 3 * 3 * 3 * 4 and 14 in sizes and "collections.OrderedDict" in found.names
        assert sum(sizes) == 14 + 4 * (108 + 4) * 3 + 4 * 4 * 8 + 8 + 4 * 4


def with_elements(path, old, new):
    """The same archive, its pickle declaring another number of elements for one storage."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    inside = next(name for name in members if name.endswith("data.pkl"))
    assert members[inside].count(old) == 1
    members[inside] = members[inside].replace(old, new)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def test_a_storage_larger_than_its_member_is_refused(tmp_path):
    path = tmp_path / "x.pt"
    torch.save({"w": torch.zeros(77)}, path)
    with_elements(path, b"KMtq", b"J" + struct.pack("<i", 2**30) + b"tq")
    with pytest.raises(InputRefused, match=r"declares 4,294,967,296 bytes for storage '0' and holds 308"):
        check_archive(path)


def test_a_storage_without_a_member_is_refused(tmp_path):
    path = tmp_path / "x.pt"
    torch.save({"w": torch.zeros(77)}, path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist() if not name.endswith("data/0")}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    with pytest.raises(InputRefused, match="holds 0"):
        check_archive(path)


def test_an_older_file_that_declares_more_than_it_is_long_is_refused(tmp_path):
    path = tmp_path / "x.pt"
    torch.save({"w": torch.zeros(77)}, path, _use_new_zipfile_serialization=False)
    data = path.read_bytes()
    assert data.count(b"KMN") == 1
    path.write_bytes(data.replace(b"KMN", b"J" + struct.pack("<i", 2**30) + b"N"))
    with pytest.raises(InputRefused, match="4,294,967,296 bytes of weights in a file of"):
        check_legacy(path)


def archive_of(path, pickled):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/data.pkl", pickled)
        archive.writestr("x/data/0", b"\0" * 8)
    return path


HEAD = b"\x80\x02"
TUPLE = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpu%bt"
HUGE = b"\x8a\x08" + (2**40).to_bytes(8, "little")


@pytest.mark.parametrize(
    "pickled",
    [HEAD + HUGE + b"q\x010" + (TUPLE % b"h\x01") + b"Q.",  # the number fetched from the memo
     HEAD + HUGE + b"K\x020q\x010" + (TUPLE % b"h\x01") + b"Q.",  # the memo taken when another value was on top
     HEAD + (TUPLE % (HUGE + b"K\x020")) + b"Q.",  # a small number pushed and popped inside the tuple
     HEAD + (TUPLE % HUGE) + b"q\x01" + (TUPLE % b"K\x02") + b"h\x010h\x01Q.",  # the tuple itself from the memo
     HEAD + (TUPLE % HUGE) + b"Q."],
)  # fmt: skip
def test_tricks_with_the_stack_do_not_hide_a_size(tmp_path, pickled):
    with pytest.raises(InputRefused):
        check_archive(archive_of(tmp_path / "x.pt", pickled))


@pytest.mark.parametrize("older", [False, True])
def test_a_string_that_declares_an_exabyte_allocates_nothing(tmp_path, older):
    pickled = HEAD + b"\x8d" + (2**60).to_bytes(8, "little") + b"abc."
    (tmp_path / "x.pt").write_bytes(pickled)
    with pytest.raises(InputRefused, match=r"isn't one of weights|cut off"):
        check_legacy(tmp_path / "x.pt") if older else check_archive(archive_of(tmp_path / "y.pt", pickled))


def test_byte_arrays_of_any_length_are_refused(tmp_path):
    # weights_only lets a pickle call bytearray(10**12)
    pickled = HEAD + b"c__builtin__\nbytearray\n" + HUGE + b"\x85R."
    with pytest.raises(InputRefused, match=r"__builtin__\.bytearray"):
        check_archive(archive_of(tmp_path / "x.pt", pickled))


class Runs:
    def __reduce__(self):
        return os.system, ("true",)


def test_what_a_pickle_would_call_is_named_and_not_called(tmp_path):
    with pytest.raises(InputRefused, match=rf"would run code when opened \({os.system.__module__}.system\)"):
        check_archive(archive_of(tmp_path / "x.pt", pickle.dumps(Runs(), protocol=2)))


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_counted_or_refused(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("damaged")
    buffer = io.BytesIO()
    torch.save({"w": torch.zeros(3)}, buffer, _use_new_zipfile_serialization=False)
    for content in (data, HEAD + data, buffer.getvalue()[:60] + data):
        (folder / "x").write_bytes(content)
        try:
            check_legacy(folder / "x")
        except InputRefused:
            continue
