"""Message ids as Exim makes them: a time, a process, and a part of the second.

Exim specification, section 3.4. No two are the same, in one process or in several.
"""

from __future__ import annotations

import os
import threading
import time

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


_PAIRS = [first + second for first in DIGITS for second in DIGITS]


def base62(number: int, digits: int) -> str:
    """A number in so many digits of base 62, the lowest of it where it has more."""
    found = ""
    for _ in range(digits // 2):
        number, last = divmod(number, len(_PAIRS))
        found = _PAIRS[last] + found
    return DIGITS[number % len(DIGITS)] + found if digits % 2 else found


class MessageIds:
    """Makes ids. long: of the form of 4.97 and later.

    parts: into how many a second is divided; where a process makes more ids than that
    in a second, they run ahead of the clock.
    """

    def __init__(self, long: bool = False) -> None:
        self._digits = (11, 4) if long else (6, 2)
        self._parts = 1_000_000 if long else len(DIGITS) ** 2
        self._last = 0
        self._made = (-1, -1, "")
        self._lock = threading.Lock()

    def next(self) -> str:
        """An id that this process has not made before."""
        now = time.time_ns() * self._parts // 1_000_000_000
        with self._lock:
            last = self._last = now if now > self._last else self._last + 1
        seconds, part = divmod(last, self._parts)
        of_process, of_part = self._digits
        process = os.getpid()
        second, by, head = self._made
        if (second, by) != (seconds, process):
            head = f"{base62(seconds, 6)}-{base62(process, of_process)}-"
            self._made = (seconds, process, head)
        return head + base62(part, of_part)


_OLD, _NEW = MessageIds(), MessageIds(long=True)


def message_id(long: bool = False) -> str:
    """A new message id: `1vOxyz-0001aB-2c`, or the 23 characters of 4.97 and later."""
    return (_NEW if long else _OLD).next()
