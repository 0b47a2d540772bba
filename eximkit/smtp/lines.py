"""Octets as they arrive, cut into lines, within limits."""

from __future__ import annotations

from eximkit.errors import RemoteProtocolError


class TooLong(RemoteProtocolError):
    """A line is longer than its limit. It is skipped up to its end."""


class LineBuffer:
    """What has arrived and is not used yet.

    limit: the most octets of a line, its end included. A longer line is given up
    as soon as that is known and skipped up to its end, so that it costs no memory; one
    longer than 16 times the limit is the end of the dialogue (`hopeless`).
    """

    __slots__ = ("_data", "_searched", "_skipped", "_skipping", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._data = bytearray()
        self._searched = 0
        self._skipping = False
        self._skipped = 0

    def __len__(self) -> int:
        return len(self._data)

    def __contains__(self, octets: bytes) -> bool:
        return octets in self._data

    def startswith(self, octets: bytes) -> bool:
        return self._data.startswith(octets)

    def peek(self, most: int) -> bytes:
        """Up to so many octets, which stay."""
        return bytes(self._data[:most])

    def add(self, octets: bytes) -> None:
        self._data += octets

    def clear(self) -> int:
        """Drop all of it; how many octets that were."""
        dropped = len(self._data)
        self._data.clear()
        self._searched = self._skipped = 0
        self._skipping = False
        return dropped

    def take(self, most: int) -> bytes:
        """Up to so many octets, as they are."""
        if most >= len(self._data):
            octets = bytes(self._data)
            self._data.clear()
        else:
            octets = bytes(self._data[:most])
            del self._data[:most]
        self._searched = 0
        return octets

    def line(self) -> bytes | None:
        """The next line up to its LF, that included; None while it is not complete.

        Raises TooLong once for a line beyond the limit, when its end has come.
        """
        end = self._data.find(b"\n", self._searched)
        if end < 0:
            if len(self._data) > self.limit or self._skipping:
                # A CR may be the first half of the end.
                kept = self._data[-1:] == b"\r"
                self._skipped += len(self._data) - kept
                del self._data[: len(self._data) - kept]
                self._skipping = True
            self._searched = len(self._data)
            return None
        octets = bytes(self._data[: end + 1])
        del self._data[: end + 1]
        self._searched = 0
        if self._skipping or len(octets) > self.limit:
            self._skipping = False
            self._skipped = 0
            raise TooLong(f"a line of more than {self.limit} octets")
        return octets

    @property
    def skipping(self) -> bool:
        """Within a line that is too long already."""
        return self._skipping

    @property
    def hopeless(self) -> bool:
        """So much has been skipped that the end is not worth waiting for."""
        return self._skipped > 16 * self.limit
