"""A bound on the time that an evaluation takes, whatever it does."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


_AGAIN = 1.0
"""Seconds until the next attempt: enough to clean up after a first that succeeded."""


class OutOfTime(BaseException):
    """The time is up. No `Exception`, which something on the way might catch."""


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raises OutOfTime in what is done within it once it takes longer than `seconds`;
    at its end at the latest, should that have gone on without the exception.

    By the alarm of the process, and so in its main thread only. What is called in the
    meantime must not block signals for long.
    """
    late = False

    def over(_signal: int, _frame: FrameType | None) -> None:
        nonlocal late
        late = True
        # The first may come where no exception gets through, in a callback.
        signal.setitimer(signal.ITIMER_REAL, _AGAIN)
        raise OutOfTime

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    except Exception:
        if not late:
            raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    if late:
        # What it came to is worth nothing: a callback lost the exception.
        raise OutOfTime
