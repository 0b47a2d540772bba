"""Releases of Exim, in their order."""

from __future__ import annotations

from dataclasses import dataclass

from eximkit.errors import SettingsError


@dataclass(frozen=True, slots=True, order=True)
class Release:
    """A release, ordered by its numbers: 4.96 < 4.96.1 < 4.100."""

    numbers: tuple[int, ...]

    def __str__(self) -> str:
        return ".".join(map(str, self.numbers))

    @classmethod
    def parse(cls, text: str) -> Release:
        """A release that need not be a known one; ValueError for other than numbers."""
        return cls(tuple(map(int, text.split("."))))


# Oldest first. Security fixes came out as point releases of the newest minor.
_KNOWN = (
    "4.92", "4.92.1", "4.92.2", "4.92.3", "4.93", "4.94", "4.94.1", "4.94.2", "4.95",
    "4.96", "4.96.1", "4.96.2", "4.97", "4.97.1", "4.98", "4.98.1", "4.98.2", "4.99",
    "4.99.1", "4.99.2", "4.99.3", "4.99.4", "4.100", "4.100.1",
)  # fmt: skip
RELEASES = tuple(map(Release.parse, _KNOWN))
NEWEST = RELEASES[-1]
_BY_NAME = {str(known): known for known in RELEASES}


def release(text: str) -> Release:
    """The known release of that name; SettingsError, which names them, for another."""
    found = _BY_NAME.get(text.strip())
    if found is None:
        known = ", ".join(_BY_NAME)
        raise SettingsError(f"unknown Exim release {text[:40]!r}; known are {known}")
    return found
