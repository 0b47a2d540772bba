"""Constant databases (Exim specification, section 9.3; cr.yp.to/cdb/cdb.txt).

256 pairs of position and number of slots begin the file, one for each value of the last
octet of a key's hash; a slot is a hash and the position of a record; a record is the
lengths of key and data, and both. All numbers have 32 bits, the last octet first.
"""

from __future__ import annotations

import stat
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eximkit.expansion.lookups.files import located, refusal
from eximkit.expansion.lookups.table import Deferred, Table, cannot_use
from eximkit.expansion.world import FileFailed

if TYPE_CHECKING:
    from eximkit.expansion.lookups.kind import Kind
    from eximkit.expansion.lookups.table import Context

HEADER = 256 * 8
_PAIR = struct.Struct("<II")


def hashed(key: bytes) -> int:
    """The hash of a key, a number of 32 bits."""
    value = 5381
    for octet in key:
        value = (value * 33 & 0xFFFFFFFF) ^ octet
    return value


@dataclass(frozen=True, slots=True)
class Cdb(Table):
    """A database in memory."""

    path: str
    octets: bytes

    def find(self, key: str) -> str | None:
        """The data of the first record with this key. Raises Deferred."""
        wanted = key.encode("latin-1")
        value = hashed(wanted)
        start, slots = self._pair(value % 256 * 8)
        if not slots:
            return None
        if start + slots * 8 > len(self.octets):
            raise self._corrupt()
        first = value // 256 % slots
        # No more slots are looked at than the file can hold.
        for number in range(slots):
            slot = start + (first + number) % slots * 8
            found, at = self._pair(slot)
            if not at:
                return None
            if found == value:
                data = self._record(at, wanted)
                if data is not None:
                    return data.decode("latin-1")
        return None

    def _record(self, at: int, wanted: bytes) -> bytes | None:
        """The data of the record at a position, if it has this key."""
        key_length, length = self._pair(at)
        key, data = at + 8, at + 8 + key_length
        if key_length != len(wanted):
            return None
        if data + length > len(self.octets):
            raise self._corrupt()
        if self.octets[key:data] != wanted:
            return None
        return self.octets[data : data + length]

    def _pair(self, at: int) -> tuple[int, int]:
        try:
            first, second = _PAIR.unpack_from(self.octets, at)
        except struct.error:
            raise self._corrupt() from None
        return first, second

    def _corrupt(self) -> Deferred:
        return Deferred(f"cdb: corrupt cdb file {self.path} (too short)")


def open_cdb(context: Context, path: str, _kind: Kind) -> Cdb:
    """Raises ExpansionFailed (file), NotAllowed."""
    try:
        place = located(context, path)
        mode = context.world.status(place).mode
        text = "" if stat.S_ISDIR(mode) else context.world.read(place)
    except FileFailed as failed:
        raise refusal(failed, f"failed to open {path} for cdb lookup") from failed
    if stat.S_ISDIR(mode):
        raise cannot_use(
            f"failed to open cannot read header from {path} for cdb lookup: "
            "Is a directory"
        )
    if len(text) < HEADER:
        raise cannot_use(f"failed to open {path} too short for cdb lookup: Success")
    return Cdb(path, text.encode("latin-1"))
