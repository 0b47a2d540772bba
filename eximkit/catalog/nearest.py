"""Did you mean: the known name that is nearest to one that is not known."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# Longer names than Exim has; a longer one is no slip of the finger.
_LONGEST = 64


def suggest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate with the fewest slips to `name`, None where all are too far.

    A slip is a letter too many, too few, another one, or two exchanged. One third of
    the letters may be wrong, three at most; letter case counts for nothing. Of equally
    near ones the first by the alphabet wins. The work is bounded: a name of more than
    64 letters has no suggestion.
    """
    if not name or len(name) > _LONGEST:
        return None
    return _nearest(name, tuple(candidates))


# A configuration is read again for each fix that is judged, with the same slips in it.
@lru_cache(maxsize=512)
def _nearest(name: str, candidates: tuple[str, ...]) -> str | None:
    wanted = name.lower()
    most = min(3, max(1, len(wanted) // 3))
    letters = _letters(wanted)
    best: tuple[int, str] | None = None
    for candidate in candidates:
        if abs(len(candidate) - len(wanted)) > most or candidate == name:
            continue
        if (letters ^ _letters(candidate.lower())).bit_count() > 2 * most:
            continue  # One slip changes two letters at most; most names end here.
        slips = _distance(wanted, candidate.lower(), most)
        if slips <= most and (best is None or (slips, candidate) < best):
            best = (slips, candidate)
            most = slips
    return best[1] if best else None


@lru_cache(maxsize=4096)
def _letters(name: str) -> int:
    """The characters that occur in a name, a bit for each (some share one)."""
    bits = 0
    for letter in name:
        bits |= 1 << (ord(letter) & 63)
    return bits


def _distance(one: str, other: str, most: int) -> int:
    """Slips between two texts (optimal string alignment), most + 1 if above `most`."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        above, row = row, [i]
        for j, against in enumerate(other, 1):
            cost = above[j - 1] + (letter != against)
            cost = min(cost, above[j] + 1, row[j - 1] + 1)
            if (
                i > 1
                and j > 1
                and letter == other[j - 2]
                and one[i - 2] == against
                and before[j - 2] + 1 < cost
            ):
                cost = before[j - 2] + 1
            row.append(cost)
        if min(row) > most:
            return most + 1
        before = above
    return row[-1]
