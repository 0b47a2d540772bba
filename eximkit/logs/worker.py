"""A process that counts parts of logs for another one (`parallel.py`)."""

from __future__ import annotations

import os
import select
import socket
from typing import TYPE_CHECKING

from eximkit.errors import SettingsError
from eximkit.logs import channel
from eximkit.logs.counting import Outcome, count

if TYPE_CHECKING:
    from eximkit.logs.ranges import Part
    from eximkit.logs.sources import Source
    from eximkit.logs.window import Window

_TELL = 1 << 22
"""After how many octets a process says that it has read them."""


def main(handle: int) -> None:
    """Count what comes over this socket until there is no more, then say what it was.

    Ends at once, and says nothing, when the other process is gone.
    """
    link = socket.socket(fileno=handle)
    try:
        _work(link)
    except (EOFError, OSError):
        os._exit(1)
    except SettingsError as error:
        channel.send(link, error)
    except Exception as error:  # noqa: BLE001 - told to those who can report it
        channel.send(link, f"{type(error).__name__}: {error}{_where(error)}")
    # Nothing is left to tidy up; taking large tables apart would take time.
    os._exit(0)


def _work(link: socket.socket) -> None:
    outcome = Outcome()
    wanted, window = _terms(channel.receive(link))

    untold = 0

    def progress(octets: int) -> None:
        nonlocal untold
        untold += octets
        if untold < _TELL:
            return
        # While there is work, nothing comes but the end.
        if select.select([link], [], [], 0)[0]:
            raise EOFError
        channel.send(link, untold)
        untold = 0

    while True:
        task, file = channel.receive_with_file(link)
        if task is None:
            channel.send(link, outcome)
            return
        source, part = _task(task)
        source.handle = file
        count(outcome, source, part, wanted, window, progress)
        if file is not None:
            os.close(file)
        channel.send(link, untold)
        untold = 0
        channel.send(link, None)


def _task(message: object) -> tuple[Source, Part]:
    return message  # type: ignore[return-value]


def _terms(message: object) -> tuple[frozenset[str], Window]:
    return message  # type: ignore[return-value]


def _where(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    file = trace.tb_frame.f_code.co_filename.rpartition("/")[2]
    return f" ({file}, line {trace.tb_lineno})"
