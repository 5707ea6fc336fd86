"""The bytes of a file as UTF-8 text, or the reason why they are none."""

from __future__ import annotations

from pathlib import Path

from cosim.config.csv_format import CsvFormat
from cosim.core.errors import InputError, Problem
from cosim.csv_files.unpack import UnpackError, unpack

_NO_TEXT = {
    b"\x1f\x8b": ("is compressed (gzip)", "gzip"),
    b"BZh": ("is compressed (bzip2)", "bz2"),
    b"\xfd7zXZ": ("is compressed (xz)", "xz"),
    b"\x28\xb5\x2f\xfd": ("is compressed (zstd)", "zstd"),
    b"7z\xbc\xaf": ("is compressed (7z)", ""),
    b"PK\x03\x04": ("is a ZIP archive or a spreadsheet (XLSX, ODS)", "zip"),
    b"\xd0\xcf\x11\xe0": ("is a spreadsheet (XLS)", ""),
    b"PAR1": ("is a Parquet file", ""),
    b"%PDF": ("is a PDF", ""),
}
"""How a file begins that is no text: what it is, and which `compression` reads it."""
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_SHOWN_BYTES = 5


def read_text(file: Path, shown_as: str, limit: int, config: CsvFormat) -> bytes:
    """The whole file as UTF-8 with `\\n` at the ends of its lines, without a byte order mark.

    Parameters
    ----------
    file : Path
        The file.
    shown_as : str
        Its name in messages.
    limit : int
        The largest size, bytes; of a compressed file packed and unpacked.
    config : CsvFormat
        How it is compressed and encoded.

    Raises
    ------
    InputError
        If it is missing, too large, compressed or encoded otherwise, or no text.
    """
    if not file.is_file():
        raise _refused(shown_as, "no such file", "Paths are relative to the scenario's folder.")
    try:
        with file.open("rb") as stream:
            raw = stream.read(limit + 1)
    except OSError as error:
        raise _refused(
            shown_as, f"cannot be read: {error.strerror or error}", "Check its permissions."
        ) from None
    if len(raw) > limit:
        size_mb, limit_mb = file.stat().st_size / 1e6, limit / 1e6
        message = f"{size_mb:.0f} MB is larger than the limit of {limit_mb:.0f} MB"
        raise _refused(shown_as, message, "Cut it to the period of the run, or thin it out.")
    if config.compression is not None:
        raw = _unpacked(raw, shown_as, limit, config.compression)
    for magic, (what, compression) in _NO_TEXT.items():
        if raw.startswith(magic):
            remedy = "Unpack or export it as CSV."
            if compression and config.compression is None:
                remedy = f"Set `compression: {compression}`, or unpack or export it as CSV."
            raise _refused(shown_as, f"this file {what}, not CSV text", remedy)
    if raw[:500].lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        raise _refused(shown_as, "this is a web page or XML, not CSV text", "Download the CSV file itself.")
    text = _as_utf8(raw, shown_as, config.encoding).removeprefix(b"\xef\xbb\xbf")
    text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in text else text
    if b"\0" in text:
        raise InputError(_nul_bytes(text, shown_as))
    return text


def _unpacked(raw: bytes, shown_as: str, limit: int, compression: str) -> bytes:
    try:
        held = unpack(raw, compression, limit + 1)
    except UnpackError as error:
        raise _refused(shown_as, error.message, error.remedy) from None
    if len(held) > limit:
        message = f"unpacked it is larger than the limit of {limit / 1e6:.0f} MB"
        raise _refused(shown_as, message, "Cut it to the period of the run, or thin it out.")
    return held


def _as_utf8(raw: bytes, shown_as: str, encoding: str) -> bytes:
    if encoding != "utf-8":
        try:
            return raw.decode(encoding).encode("utf-8")
        except UnicodeError as error:
            what = f"this is not {encoding} text: {error.reason if hasattr(error, 'reason') else error}"
            raise _refused(shown_as, what, "Leave `encoding` out, or name the right one.") from None
    if raw.startswith(_UTF16) or _alternates_with_nul(raw):
        remedy = "Save it as UTF-8 (in Excel: CSV UTF-8), or set `encoding: utf-16`."
        raise _refused(shown_as, "the file is encoded as UTF-16, and UTF-8 is read", remedy)
    try:
        if not raw.isascii():
            raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line, byte = raw.count(b"\n", 0, error.start) + 1, raw[error.start]
        what = (
            f"the file is not encoded as UTF-8 (byte 0x{byte:02X}), but probably as Windows-1252 or Latin-1"
        )
        remedy = "Save it as UTF-8 (in Excel: CSV UTF-8), or set `encoding: windows-1252`."
        raise InputError([Problem(what, remedy, file=shown_as, line=line)]) from None
    return raw


def _alternates_with_nul(raw: bytes) -> bool:
    """Whether this is UTF-16 without a byte order mark: every other byte of ASCII text is then 0."""
    sample = raw[:2000]
    return len(sample) >= 8 and max(sample[::2].count(0), sample[1::2].count(0)) > 0.4 * len(sample)


def _nul_bytes(text: bytes, shown_as: str) -> list[Problem]:
    lines: list[int] = []
    at, counted, line = text.find(b"\0"), 0, 1
    while at >= 0 and len(lines) < _SHOWN_BYTES:
        line, counted = line + text.count(b"\n", counted, at), at
        lines.append(line)
        end = text.find(b"\n", at)
        at = text.find(b"\0", end) if end >= 0 else -1
    message = "there is a NUL byte in the text: the file is damaged"
    return [
        Problem(message, "Write the file again, or correct the line.", file=shown_as, line=n) for n in lines
    ]


def _refused(shown_as: str, message: str, remedy: str) -> InputError:
    return InputError([Problem(message, remedy, file=shown_as)])
