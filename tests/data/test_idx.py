"""The idx format: what is written is read back, and a file that is not whole or not idx is refused."""

from __future__ import annotations

import gzip
import lzma
import struct
import sys

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minivae.data import idx
from minivae.errors import DataError

SMALL = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


@given(
    hnp.arrays(
        st.sampled_from([np.uint8, np.int8, np.int16, np.int32, np.float32, np.float64]),
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
    )
)
@settings(deadline=None, max_examples=60)
def test_parse_undoes_encode(array):
    back = idx.parse(idx.encode(array))
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    assert back.tobytes() == array.tobytes()


def test_the_header_is_the_one_of_the_format():
    assert idx.encode(SMALL)[:16] == struct.pack(">IIII", 0x0803, 2, 3, 4)
    assert idx.encode(np.array([258], np.int16))[-2:] == b"\x01\x02"  # big-endian


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress])
def test_a_file_is_unpacked_by_its_content_whatever_its_name(tmp_path, pack):
    path = tmp_path / "some.name"
    path.write_bytes(pack(idx.encode(SMALL)))
    assert np.array_equal(idx.read(path), SMALL)


def test_an_array_that_was_read_can_be_written_to(tmp_path):
    (tmp_path / "a").write_bytes(idx.encode(SMALL))
    idx.read(tmp_path / "a")[0] = 1


@pytest.mark.parametrize("data", [b"", b"\0\0", b"<!DOCTYPE html>", b"\0\0\x07\x01\0\0\0\0", b"\0\x01\x08\x01\0\0\0\0"])
def test_a_wrong_magic_number_is_refused(data):
    with pytest.raises(DataError, match=r"page\.idx is not an idx file"):
        idx.parse(data, "page.idx")


@pytest.mark.parametrize("length", range(4, 40))
def test_every_truncation_is_noticed(length):
    with pytest.raises(DataError, match="cut off"):
        idx.parse(idx.encode(SMALL)[:length])


def test_bytes_after_the_end_are_noticed():
    with pytest.raises(DataError, match="41 bytes; expected 40"):
        idx.parse(idx.encode(SMALL) + b"x")


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
@pytest.mark.parametrize("damage", ["cut", "flip"])
def test_damaged_packed_data_are_refused_and_the_file_is_named(tmp_path, pack, damage):
    packed = bytearray(pack(np.random.default_rng(0).bytes(500)))
    if damage == "cut":
        packed = packed[:-12]
    else:
        packed[100] ^= 0xFF
    path = tmp_path / "images.gz"
    path.write_bytes(packed)
    with pytest.raises(DataError, match=r"images\.gz cannot be decompressed.*delete it"):
        idx.read(path)


def test_a_dtype_without_a_code_is_refused():
    with pytest.raises(DataError, match="int64"):
        idx.encode(np.zeros(3, np.int64))


def test_a_python_without_lzma_is_told_what_it_lacks(tmp_path, monkeypatch):
    path = tmp_path / "a.xz"
    path.write_bytes(lzma.compress(idx.encode(SMALL)))
    monkeypatch.setitem(sys.modules, "lzma", None)
    with pytest.raises(DataError, match=r"built without lzma.*liblzma"):
        idx.read(path)
