"""Where a report goes, and whether it may have colours."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from typing import TYPE_CHECKING, TextIO

from eximkit.errors import InputError
from eximkit.report.style import Style

if TYPE_CHECKING:
    from collections.abc import Iterable

_NARROWEST, _WIDEST = 40, 120


def style(output: str | None, stream: TextIO | None = None) -> Style:
    """How to write for people: coloured and as wide as the terminal, if it is one.

    output: the file that `--output` names, if any; stream: standard output, unless it
    is another. NO_COLOR switches colours off, and so does a terminal called `dumb`.
    """
    if output is not None or not is_terminal(stream or sys.stdout):
        return Style()
    width = shutil.get_terminal_size().columns
    dull = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    return Style(min(max(width, _NARROWEST), _WIDEST), not dull)


def is_terminal(stream: TextIO | None) -> bool:
    """Whether there is a stream, and somebody looks at it."""
    # A process that is started with it closed has none.
    return stream is not None and stream.isatty()


def emit(
    chunks: Iterable[str | bytes],
    output: str | None,
    *,
    dialogue: bool = False,
    mode: int | None = None,
) -> None:
    """Write text to a file, at once and whole, or to standard output as it comes.

    Octets that are not UTF-8 (surrogate escapes) go out as they came in. dialogue: each
    chunk is waited for. mode: of the file, whatever it was. Raises InputError where
    that cannot be written.
    """
    written = map(_octets, chunks)
    if output is not None and output != "-":
        from eximkit.files import write_atomically

        write_atomically(output, written, mode)
        return
    if sys.stdout is None:
        raise InputError(f"standard output: {os.strerror(errno.EBADF)}")
    stream = sys.stdout.buffer
    try:
        if dialogue:
            for chunk in written:
                stream.write(chunk)
                stream.flush()
        else:
            stream.writelines(written)
            stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        forget_output()
        raise InputError(f"standard output: {error.strerror}") from error


def _octets(chunk: str | bytes) -> bytes:
    if isinstance(chunk, bytes):
        return chunk
    return chunk.encode("utf-8", "surrogateescape")


def forget_output() -> None:
    """Let what is still to be written go nowhere.

    Otherwise the interpreter tries it once more when it ends, and complains.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
