"""Compressed logs: which format a file is in, and its text in blocks.

A file is known by its first octets, not by its name. What stands before damage in a
file is given all the same.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from eximkit.errors import EximkitError, InputError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BLOCK = 1 << 20
"""The most octets of text that are unpacked at once."""
READ = 1 << 16
"""How many octets of a compressed file are read at once."""
HEAD = 8
"""So many octets say what a file is."""

_MEMORY_LIMIT = 1 << 28
"""What unpacking xz may take; `xz -9` asks for a quarter of it."""

_MAGIC = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"\x5d\0\0", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    *((bytes((n, 0x2A, 0x4D, 0x18)), "zstd") for n in range(0x50, 0x60)),
)
_FOREIGN = (
    (b"\x1f\x9d", "packed by compress; unpack it with `uncompress` or `gzip -d`"),
    (b"\x1f\xa0", "packed by compress; unpack it with `uncompress` or `gzip -d`"),
    (b"\x04\x22\x4d\x18", "an lz4 file; unpack it with `lz4 -d`"),
    (b"PK\x03\x04", "a zip archive; unpack it with `unzip`"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it with `7z x`"),
)


class Damaged(EximkitError):
    """A compressed file ends too early, or is not what its format demands."""


class Decoder(Protocol):
    """Unpacks one member of a file; bz2.BZ2Decompressor is one."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


def codec_of(head: bytes) -> str:
    """The format of a file that begins like this; "" for text.

    Raises InputError for formats that are known and not read.
    """
    for magic, what in _FOREIGN:
        if head.startswith(magic):
            raise InputError(what)
    return next((name for magic, name in _MAGIC if head.startswith(magic)), "")


def unpacked(
    read: Callable[[int], bytes],
    codec: str,
    again: Callable[[], Callable[[int], bytes]] | None = None,
) -> Iterator[bytes]:
    """The text of a compressed file, in blocks of at most BLOCK octets.

    read: the next octets of the file, so many unless it ends; b"" at its end. again:
    reads the file from its beginning; with it, the text is given up to the very octet
    that is wrong. Raises Damaged after the last of the text, MissingExtraError.
    """
    given = reads = 0

    def counted(size: int) -> bytes:
        nonlocal reads
        reads += 1
        return read(size)

    try:
        for block in _members(counted, codec):
            given += len(block)
            yield block
    except Damaged:
        if again is None:
            raise
        # A decoder that fails keeps to itself what it made of its last input. Fed with
        # that octet by octet it gives all but what the bad octet would have been.
        for block in _members(_slower(again(), reads - 1), codec):
            if given < len(block):
                yield block[given:]
            given = max(0, given - len(block))


def _slower(read: Callable[[int], bytes], reads: int) -> Callable[[int], bytes]:
    """Reads as before so many times, then single octets."""
    left = reads

    def next_octets(size: int) -> bytes:
        nonlocal left
        left -= 1
        return read(size if left >= 0 else 1)

    return next_octets


def _members(read: Callable[[int], bytes], codec: str) -> Iterator[bytes]:
    """The text of all members of a file, one after the other."""
    make, failures = _decoder(codec)
    data = read(READ)
    while data:
        member = make()
        ended = False
        try:
            while not member.eof:
                if member.needs_input and not data:
                    data = read(READ)
                    ended = not data
                block = member.decompress(data, BLOCK)
                data = b""
                if block:
                    yield block
                elif ended and not member.eof:
                    raise Damaged("ends in the middle of its compressed data")
        except failures as error:
            raise Damaged(f"its compressed data is damaged ({error})") from None
        data = _after(member.unused_data, read)
        if data and not _is(data, codec):
            raise Damaged("something else follows its compressed data")


def _is(head: bytes, codec: str) -> bool:
    return any(head.startswith(magic) for magic, name in _MAGIC if name == codec)


def _after(data: bytes, read: Callable[[int], bytes]) -> bytes:
    """What follows a member, without the zeros that tapes and xz pad files with."""
    while len(data := data.lstrip(b"\0")) < HEAD and (more := read(READ)):
        data += more
    return data


class _Gzip:
    """zlib's decoder, with the manners of the others."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        return not self._zlib.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)


class _Zstandard:
    """zstandard's decoder, with the manners of the others.

    It cannot be told how much to give: it is fed so little that even 32,000 octets of
    text for one octet, the most there is, are bounded.
    """

    _FEED = 1 << 10

    def __init__(self, decoder: Any) -> None:  # noqa: ANN401 - an optional package
        self._decoder = decoder
        self._waiting = b""

    @property
    def eof(self) -> bool:
        return bool(self._decoder.eof)

    @property
    def needs_input(self) -> bool:
        return not self._waiting

    @property
    def unused_data(self) -> bytes:
        return bytes(self._decoder.unused_data) + self._waiting

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        waiting = memoryview(self._waiting + data)
        parts: list[bytes] = []
        found = start = 0
        while start < len(waiting) and not self.eof and not 0 <= max_length <= found:
            parts.append(self._decoder.decompress(waiting[start : start + self._FEED]))
            found += len(parts[-1])
            start += self._FEED
        self._waiting = bytes(waiting[start:])
        return b"".join(parts)


def _decoder(codec: str) -> tuple[Callable[[], Decoder], tuple[type[Exception], ...]]:
    """What makes decoders of a format, and what these raise where the data is bad."""
    if codec == "gzip":
        return _gzip_decoder()
    if codec == "bzip2":
        return bz2.BZ2Decompressor, (OSError, ValueError, EOFError)
    if codec == "xz":
        return (
            lambda: lzma.LZMADecompressor(memlimit=_MEMORY_LIMIT),
            (lzma.LZMAError, EOFError),
        )
    return _zstd_decoder()


def _gzip_decoder() -> tuple[Callable[[], Decoder], tuple[type[Exception], ...]]:
    try:
        igzip_lib: Any = import_module("isal.igzip_lib")
    except ImportError:
        return _Gzip, (zlib.error,)
    flag = igzip_lib.DECOMP_GZIP
    return lambda: igzip_lib.IgzipDecompressor(flag=flag), (igzip_lib.IsalError,)


def _zstd_decoder() -> tuple[Callable[[], Decoder], tuple[type[Exception], ...]]:
    # Python's own (from 3.14 on) is the same library.
    with suppress(ImportError):
        zstd: Any = import_module("compression.zstd")
        return zstd.ZstdDecompressor, (zstd.ZstdError,)
    try:
        zstandard: Any = import_module("zstandard")
    except ImportError:
        raise MissingExtraError(
            "zstd files are read with the `fast` extra: pip install 'eximkit[fast]'"
        ) from None
    whole = zstandard.ZstdDecompressor()
    return lambda: _Zstandard(whole.decompressobj()), (zstandard.ZstdError,)
