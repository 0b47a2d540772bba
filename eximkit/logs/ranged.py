"""Ways to read some of what is stored: each gives the next octets, b"" at the end."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def reader(handle: int, begin: int, end: int) -> Callable[[int], bytes]:
    """What reads [begin, end) of a file, without moving its descriptor."""
    place = begin

    def read(size: int) -> bytes:
        nonlocal place
        data = os.pread(handle, min(size, end - place), place)
        place += len(data)
        return data

    return read


def at_once(head: bytes) -> Callable[[int], bytes]:
    """What gives all there is when it is asked first."""
    parts: Sequence[bytes] = (head, b"")
    left = iter(parts)
    return lambda _size: next(left)
