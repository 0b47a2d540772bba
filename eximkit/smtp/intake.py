"""A message on its way in, by DATA or by chunks, and what is refused of it."""

from __future__ import annotations

from eximkit.smtp.data import ChunkReader, DotReader, has_bare_ends


class Intake:
    """The content of one message. limit: the most octets that are kept, 0 for any.

    size: octets so far, those beyond the limit too. too_large: there are such. bare: a
    CR or an LF stood alone.
    """

    __slots__ = ("_cr", "_limit", "bare", "size", "too_large")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._cr = False
        self.size = 0
        self.too_large = False
        self.bare = False

    def kept(self, octets: bytes, reader: DotReader | ChunkReader) -> bytes:
        """What there is to keep of octets that `reader` has given."""
        self.size += len(octets)
        self.too_large = 0 < self._limit < self.size
        if isinstance(reader, DotReader):
            self.bare = reader.bare
        elif octets and not self.bare:
            # Chunks are cut anywhere: a CR waits for the octet that follows it.
            seam = b"\r" * self._cr + octets
            self._cr = seam.endswith(b"\r")
            self.bare = has_bare_ends(seam[:-1] if self._cr else seam)
        return b"" if self.too_large else octets

    def end(self) -> None:
        """The message is complete: a CR that nothing followed stood alone."""
        self.bare = self.bare or self._cr
