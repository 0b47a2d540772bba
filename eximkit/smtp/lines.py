"""Octets as they arrive, cut into lines, within limits."""

from __future__ import annotations

from eximkit.errors import RemoteProtocolError


class TooLong(RemoteProtocolError):
    """A line is longer than its limit. It is skipped up to its end."""


class LineBuffer:
    """What has arrived and is not used yet.

    limit: the most octets of a line, its end included. A longer line is given up
    as soon as that is known and skipped up to its end, so that it costs no memory; one
    longer than 16 times the limit is the end of the dialogue (`hopeless`). octets: what
    there is, to be looked at.
    """

    __slots__ = ("_searched", "_skipped", "_skipping", "limit", "octets")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.octets = bytearray()
        self._searched = 0
        self._skipping = False
        self._skipped = 0

    def __len__(self) -> int:
        return len(self.octets)

    def __contains__(self, octets: bytes) -> bool:
        return octets in self.octets

    def startswith(self, octets: bytes) -> bool:
        return self.octets.startswith(octets)

    def peek(self, most: int) -> bytes:
        """Up to so many octets, which stay."""
        return bytes(self.octets[:most])

    def add(self, octets: bytes) -> None:
        self.octets += octets

    def clear(self) -> int:
        """Drop all of it; how many octets that were."""
        dropped = len(self.octets)
        self.octets.clear()
        self._searched = self._skipped = 0
        self._skipping = False
        return dropped

    def take(self, most: int) -> bytes:
        """Up to so many octets, as they are."""
        if most >= len(self.octets):
            octets = bytes(self.octets)
            self.octets.clear()
        else:
            octets = bytes(self.octets[:most])
            del self.octets[:most]
        self._searched = 0
        return octets

    def line(self) -> bytes | None:
        """The next line up to its LF, that included; None while it is not complete.

        Raises TooLong once for a line beyond the limit, when its end has come.
        """
        end = self.octets.find(b"\n", self._searched)
        if end < 0:
            if len(self.octets) > self.limit or self._skipping:
                # A CR may be the first half of the end.
                kept = self.octets[-1:] == b"\r"
                self._skipped += len(self.octets) - kept
                del self.octets[: len(self.octets) - kept]
                self._skipping = True
            self._searched = len(self.octets)
            return None
        octets = bytes(self.octets[: end + 1])
        del self.octets[: end + 1]
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
