"""A page on a terminal that is drawn anew in place, and how a run of that kind ends."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

# ECMA-48, and the alternate screen of xterm, which all terminals of today know.
_OTHER, _BACK = "\x1b[?1049h", "\x1b[?1049l"
_HIDE, _SHOW = "\x1b[?25l", "\x1b[?25h"
_HOME, _REST_OF_LINE, _REST = "\x1b[H", "\x1b[K", "\x1b[J"


def can_draw() -> bool:
    """Whether standard output is a terminal that can be drawn on."""
    terminal = sys.stdout is not None and sys.stdout.isatty()
    return terminal and os.environ.get("TERM", "dumb") != "dumb"


class Screen:
    """The terminal's other screen; what was on it before is there again afterwards."""

    def __init__(self) -> None:
        self._shown = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    @staticmethod
    def size() -> tuple[int, int]:
        """Columns and lines, as they are now."""
        try:
            found = os.get_terminal_size(sys.stdout.fileno())
        except OSError:
            found = shutil.get_terminal_size()
        return max(1, found.columns or 80), max(1, found.lines or 24)

    def draw(self, lines: Sequence[str]) -> None:
        """Show a page in place of the last one, in one write, so that nothing flickers.

        lines: no longer than the terminal is wide, no more than it has.
        """
        page = f"{_REST_OF_LINE}\r\n".join(lines)
        begin = "" if self._shown else _OTHER + _HIDE
        self._shown = True
        sys.stdout.write(f"{begin}{_HOME}{page}{_REST_OF_LINE}{_REST}")
        sys.stdout.flush()

    def leave(self) -> None:
        """Give the terminal back as it was."""
        if self._shown:
            self._shown = False
            sys.stdout.write(_SHOW + _BACK)
            sys.stdout.flush()


class Ending:
    """Waits, until somebody says that it is enough: an interrupt or a signal to end.

    The work at hand is then brought to its end before the process goes.
    """

    _SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        self.interrupted = False
        """Whether it was an interrupt from the keyboard."""
        self._event = threading.Event()
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        for number in self._SIGNALS:
            self._before[number] = signal.signal(number, self._end)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def __bool__(self) -> bool:
        return self._event.is_set()

    def wait(self, seconds: float) -> None:
        """Wait so long, or until the end is asked for."""
        self._event.wait(max(0.0, seconds))

    def _end(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGINT and self._event.is_set():
            # Twice: it takes too long for somebody.
            raise KeyboardInterrupt
        self.interrupted |= number == signal.SIGINT
        self._event.set()
