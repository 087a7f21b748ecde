"""The idx format of MNIST: a big-endian header, then the raw numbers. Plain, gzipped, or xz-compressed.

    bytes 0-1   zero
    byte  2     the dtype: 8 uint8, 9 int8, 11 int16, 12 int32, 13 float32, 14 float64
    byte  3     the number of axes
    then        the length of each axis, 4 bytes each; then the data, last axis fastest

Source: Y. LeCun, C. Cortes and C. Burges, "The MNIST database of handwritten digits" (1998).
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from minivae.backend import Array
from minivae.errors import DataError

DTYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
_GZIP, _XZ = b"\x1f\x8b", b"\xfd7zXZ\x00"


def read(path: Path | str) -> Array:
    """The array in an idx file, in the machine's byte order.

    Raises:
        DataError: the file cannot be decompressed, is no idx file, or is shorter or longer than its header says.
    """
    return parse(decompressed(path), str(path))


def decompressed(path: Path | str) -> bytes:
    """The bytes of a file, unpacked if they start like a gzip or an xz file (the name does not matter).

    Raises:
        DataError: the packed data are damaged or end too early.
    """
    data = Path(path).read_bytes()
    try:
        if data.startswith(_GZIP):
            return gzip.decompress(data)
        if data.startswith(_XZ):
            return _unpack_xz(data)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise DataError(
            f"{path} cannot be decompressed ({error}); it is damaged or was cut off. Expected a whole file: "
            "delete it and fetch it again."
        ) from error
    return data


def _unpack_xz(data: bytes) -> bytes:
    try:
        import lzma  # some builds of Python come without it
    except ImportError as error:
        raise DataError(
            "this Python was built without lzma, which unpacks the embedded images. Install liblzma "
            "(Debian: liblzma-dev) and build Python again, or use another Python."
        ) from error
    try:
        return lzma.decompress(data)
    except lzma.LZMAError as error:
        raise ValueError(error) from error


def parse(data: bytes, name: str = "these bytes") -> Array:
    """The array in the bytes of an idx file; `name` is for the error messages.

    Raises:
        DataError: wrong magic number, or another length than the header says.
    """
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in DTYPES:
        raise DataError(
            f"{name} is not an idx file: it starts with {data[:4].hex(' ') or 'nothing'}. Expected 00 00, a dtype "
            "code (08 for bytes), and the number of axes. Is it a web page, or another format?"
        )
    dtype, ndim = np.dtype(DTYPES[data[2]]), data[3]
    start = 4 + 4 * ndim
    if len(data) < start:
        raise DataError(f"{name} ends inside its header: {len(data)} bytes, expected at least {start}. It was cut off.")
    shape = struct.unpack(f">{ndim}I", data[4:start])
    expected = start + math.prod(shape) * dtype.itemsize
    if len(data) != expected:
        what = "was cut off" if len(data) < expected else "has bytes after its end"
        raise DataError(
            f"{name} has {len(data):,} bytes; expected {expected:,}, which is what its header says "
            f"(shape {shape}, {dtype.newbyteorder('=')}). The file {what}: fetch it again."
        )
    return np.frombuffer(data, dtype, offset=start).astype(dtype.newbyteorder("=")).reshape(shape)


def encode(array: Array) -> bytes:
    """The array as the bytes of an idx file: `parse(encode(a))` is `a`.

    Raises:
        DataError: a dtype that the format has no code for.
    """
    codes = {np.dtype(dtype).newbyteorder("="): code for code, dtype in DTYPES.items()}
    code = codes.get(array.dtype.newbyteorder("="))
    if code is None:
        raise DataError(f"idx has no code for dtype {array.dtype}; expected one of {sorted(map(str, codes))}")
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    return header + array.astype(DTYPES[code]).tobytes()
