"""Octets as they arrive, cut into lines, within limits."""

from __future__ import annotations

from eximkit.errors import RemoteProtocolError


class TooLong(RemoteProtocolError):
    """A line is longer than its limit. It is skipped up to its end."""


class LineBuffer:
    """What has arrived and is not used yet.

    limit: the most octets of a line, its end included. A longer line is given up
    as soon as that is known and skipped up to its end, so that it costs no memory; one
    longer than 16 times the limit is the end of the dialogue (`hopeless`). unused: what
    the next line is in, b"" where there is nothing more.
    """

    # What is used is passed over and not cut off: a read that is one line, or all
    # content, is never copied, and a read that is many lines not once for each.
    __slots__ = ("_at", "_searched", "_skipped", "limit", "skipping", "unused")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.skipping = False
        """Within a line that is too long already."""
        self.unused = b""
        self._at = 0
        self._searched = 0
        self._skipped = 0

    def __len__(self) -> int:
        return len(self.unused) - self._at

    def __contains__(self, octets: bytes) -> bool:
        return self.unused.find(octets, self._at) >= 0

    def startswith(self, octets: bytes) -> bool:
        return self.unused.startswith(octets, self._at)

    def peek(self, most: int) -> bytes:
        """Up to so many octets, which stay."""
        return self.unused[self._at : self._at + most]

    def add(self, octets: bytes) -> None:
        if not self.unused:
            self.unused = octets
            return
        self.unused = self.unused[self._at :] + octets
        self._searched -= self._at
        self._at = 0

    def clear(self) -> int:
        """Drop all of it; how many octets that were."""
        dropped = len(self)
        self._use(len(self.unused))
        self._skipped = 0
        self.skipping = False
        return dropped

    def take(self, most: int) -> bytes:
        """Up to so many octets, as they are."""
        octets = self.unused[self._at : self._at + most]
        self._use(self._at + len(octets))
        return octets

    def line(self) -> bytes | None:
        """The next line up to its LF, that included; None while it is not complete.

        Raises TooLong once for a line beyond the limit, when its end has come.
        """
        octets, at = self.unused, self._at
        end = octets.find(b"\n", self._searched) + 1
        if not end:
            if octets:
                self._unended()
            return None
        if end == len(octets):
            self.unused = b""
            self._at = self._searched = 0
        else:
            self._at = self._searched = end
        if self.skipping or end - at > self.limit:
            self.skipping = False
            self._skipped = 0
            raise TooLong(f"a line of more than {self.limit} octets")
        return octets[at:end]

    def _unended(self) -> None:
        """There is a line without its end: it is remembered, or skipped."""
        if self.skipping or len(self) > self.limit:
            self.skipping = True
            # A CR may be the first half of the end.
            kept = self.unused.endswith(b"\r")
            self._skipped += len(self) - kept
            self._use(len(self.unused) - kept)
        # So little waits for long that what it was read with must not wait with it.
        self.unused = self.unused[self._at :]
        self._at = 0
        self._searched = len(self.unused)

    def _use(self, end: int) -> None:
        """What is in front of this place is used."""
        if end == len(self.unused):
            self.unused, end = b"", 0
        self._at = self._searched = end

    @property
    def hopeless(self) -> bool:
        """So much has been skipped that the end is not worth waiting for."""
        return self._skipped > 16 * self.limit
