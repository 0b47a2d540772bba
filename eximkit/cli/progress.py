"""How far a reading has come, for a person who waits."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

_PATIENCE = 1.0
"""Seconds before a bar appears."""
_PAUSE = 0.1
_WIDTH = 30


class Progress:
    """A bar on standard error, if that is a terminal and it takes more than a second.

    Called with the octets done and all there are; wiped out when the block ends.
    """

    def __init__(self, *, wanted: bool = True) -> None:
        stream = sys.stderr
        self._wanted = wanted and stream is not None and stream.isatty()
        self._started = time.monotonic()
        self._next = self._started + _PATIENCE
        self._shown = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._shown:
            sys.stderr.write(f"\r{' ' * self._shown}\r")
            sys.stderr.flush()

    def __call__(self, done: int, total: int) -> None:
        """Show that `done` of `total` octets have been read."""
        if not self._wanted:
            return
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _PAUSE
        self._show(done, total, now - self._started)

    def _show(self, done: int, total: int, seconds: float) -> None:
        share = min(1.0, done / total) if total else 0.0
        bar = ("#" * round(share * _WIDTH)).ljust(_WIDTH, ".")
        left = seconds / share - seconds if share > 0 else 0.0
        text = f"[{bar}] {share:4.0%} {done / 1e6:,.0f} MB"
        text += f", {left:,.0f} s left" if share > 0 else ""
        sys.stderr.write("\r" + text.ljust(self._shown))
        sys.stderr.flush()
        self._shown = max(self._shown, len(text))
