"""Compressed files: the bytes that they hold, never more of them than asked for."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Callable
from io import BytesIO

_XZ_MEMORY = 256_000_000
_ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)
_MEMBER = b"PK\x01\x02"
"""What begins the entry of a member in a ZIP archive's table of contents."""


class UnpackError(Exception):
    """Why a file cannot be unpacked, as the end of a sentence, and what to do."""

    def __init__(self, message: str, remedy: str) -> None:
        self.message, self.remedy = message, remedy
        super().__init__(message, remedy)


def unpack(raw: bytes, compression: str, limit: int) -> bytes:
    """The first `limit` bytes of what a compressed file holds.

    Parameters
    ----------
    raw : bytes
        The file.
    compression : {"gzip", "bz2", "xz", "zip", "zstd"}
        How it is compressed; a ZIP archive holds one file.
    limit : int
        No more bytes than these are made of it.

    Raises
    ------
    UnpackError
        If it is compressed otherwise, or damaged, or an archive of another number of files.
    """
    try:
        return _READERS[compression](raw, limit) if raw else b""
    except (OSError, EOFError, ValueError, NotImplementedError, zlib.error, lzma.LZMAError) as error:
        cause = " ".join(str(error).split()) or "it ends too early"
    except zipfile.BadZipFile as error:
        cause = str(error)
    remedy = "Leave `compression` out, name the right one, or copy the file again."
    raise UnpackError(f"this is not a {compression} file, or it is damaged ({cause})", remedy)


def _gzip(raw: bytes, limit: int) -> bytes:
    with gzip.GzipFile(fileobj=BytesIO(raw)) as stream:
        return stream.read(limit)


def _bz2(raw: bytes, limit: int) -> bytes:
    with bz2.BZ2File(BytesIO(raw)) as stream:
        return stream.read(limit)


def _xz(raw: bytes, limit: int) -> bytes:
    parts: list[bytes] = []
    while raw and limit > 0:
        # The file says how much memory its reader needs, which may be gigabytes.
        stream = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
        part = stream.decompress(raw, limit)
        while not stream.eof and not stream.needs_input and len(part) < limit:
            part += stream.decompress(b"", limit - len(part))
        parts.append(part)
        limit -= len(part)
        if not stream.eof and limit > 0:
            raise EOFError
        raw = stream.unused_data.lstrip(b"\0")
    return b"".join(parts)


def _zip(raw: bytes, limit: int) -> bytes:
    if raw.count(_MEMBER) > 1000:
        raise UnpackError("the archive holds more than one file", "Pack the CSV file alone.")
    with zipfile.ZipFile(BytesIO(raw)) as archive:
        files = [member for member in archive.infolist() if not member.is_dir()]
        if len(files) != 1:
            message = f"the archive holds {len(files)} files, but only one is read"
            raise UnpackError(message, "Pack the CSV file alone, or export a spreadsheet as CSV.")
        if files[0].flag_bits & 1:
            raise UnpackError("the archive is encrypted", "Pack it without a password.")
        if files[0].compress_type not in _ZIP_METHODS:
            raise UnpackError("the archive is packed in an unusual way", "Pack it as usual (deflate).")
        with archive.open(files[0]) as stream:
            return stream.read(limit)


def _zstd(raw: bytes, limit: int) -> bytes:
    import pyarrow as pa

    with pa.CompressedInputStream(pa.BufferReader(raw), "zstd") as stream:
        held: bytes = stream.read(limit)
        return held


_READERS: dict[str, Callable[[bytes, int], bytes]] = {
    "gzip": _gzip,
    "bz2": _bz2,
    "xz": _xz,
    "zip": _zip,
    "zstd": _zstd,
}
