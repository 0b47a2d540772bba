"""A log followed through its files, as it is written, rotated and cut short.

Each line is given out once, when its LF has come, whatever happens meanwhile:

* renamed: the old file is read to its end, then the new one. Running deliveries write
  to the old one for a while, so it is looked at for an hour more;
* copied and cut short (copytruncate): what was not read yet is in the copy, which is
  found by its text;
* gone: what is held open is read on until there is another;
* anything of that while nobody looked: the files that rotation has made are gone
  through, packed ones too, from the place where reading stood.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from eximkit.errors import InputError
from eximkit.logs.chunks import LINE_LIMIT, clear_of_pieces
from eximkit.logs.cursor import Cursor, Place, Print, identity_of
from eximkit.logs.generations import Generations
from eximkit.logs.samples import Look, look_at
from eximkit.logs.sources import ReadProblem, reason_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from eximkit.logs.generations import Generation

READ = 1 << 20
"""About how many octets are read at once."""
LATE = 3600
"""Seconds after its last line for which a file that was renamed is looked at."""
LATE_FILES = 4
QUIET = 2
"""Seconds after which the end of a line that rotation cut does not come any more."""


@dataclass(slots=True)
class TrailState:
    """Where reading of a log stands.

    places: the last one is where reading goes on; those before it are of files that may
    still be written to. octets: of text given out so far. year, month: of the last
    line, where lines carry no year. gaps: how often something may have been lost.
    """

    path: str
    places: list[Place] = field(default_factory=list)
    octets: int = 0
    year: int | None = None
    month: int = 0
    gaps: int = 0
    rotations: int = 0


@dataclass(frozen=True, slots=True)
class Lines:
    """Whole lines of a log, the next ones.

    offset: where they begin in all that was given out. data: the last line is without
    its LF where a file ended so. overlong: octets of one line that is beyond
    LINE_LIMIT; there is no data then. look: of the file. first: the cursor, if these
    are the first of a file.
    """

    offset: int
    data: bytes
    overlong: int
    look: Look
    cursor: Cursor


class _Changed(Exception):
    """A file is not what it was a moment ago."""


class Trail:
    """Reads a log on and on. `take` is given the lines."""

    def __init__(self, state: TrailState, take: Callable[[Lines], None]) -> None:
        self.path = state.path
        self.problems: list[ReadProblem] = []
        self._take = take
        self._state = state
        self._files = Generations(state.path)
        self._anchor = state.places[-1] if state.places else None
        """The place behind the last line of the latest file that had any."""
        self._cursor: Cursor | None = None
        self._anchored: Cursor | None = None
        """The cursor that the anchor is of, if the file is open."""
        self._late: list[Cursor] = []
        self._looks: dict[int, Look] = {}
        self._told_gap = False
        for place in state.places[:-1]:
            here = self._files.search(place).here
            if here is not None:
                self._late.append(here)

    @classmethod
    def begin(
        cls, path: str, take: Callable[[Lines], None], oldest: str | None = None
    ) -> Trail:
        """Follow a log from its beginning, or from that of a rotated file of it.

        Raises InputError where the log is no main log or cannot be read; one that is
        not there yet is waited for.
        """
        _look_first(path)
        trail = cls(TrailState(path), take)
        before = trail._files.newest_before(oldest or path)
        if before is not None:
            device, inode = before.identity
            trail._anchor = Place(
                device, inode, 0, Print.of(before.head), Print(),
                modified=before.modified, done=True,
            )  # fmt: skip
        return trail

    @property
    def state(self) -> TrailState:
        """Where it stands now."""
        late = [c.place for c in self._late if c is not self._anchored]
        place = self._anchored.place if self._anchored else self._anchor
        self._state.places = late if place is None else [*late, place]
        return self._state

    @property
    def unread(self) -> int:
        """Octets of the file at hand that are still to be read."""
        return self._cursor.unread if self._cursor else 0

    def close(self) -> None:
        """Let go of all files."""
        for cursor in (*self._late, self._cursor, self._anchored):
            if cursor is not None:
                cursor.close()

    def step(self) -> bool:
        """Read some more, if there is more; whether there was."""
        moved = self._read_late()
        try:
            return self._read_on() or moved
        except _Changed:
            self._lose()
            return True
        except OSError as error:
            self._tell(reason_of(error))
            self._lose()
            return moved

    def _read_on(self) -> bool:
        if self._cursor is None:
            self._cursor = self._found() if self._anchored is None else self._next()
            if self._cursor is None:
                return False
        cursor = self._cursor
        if self._drain(cursor):
            return True
        if cursor.fresh and not cursor.peek(1):
            # Cut short before anything of it was read, for it was not empty.
            self._lose()
            return False
        if self._is_live(cursor):
            return False
        if cursor.fresh:
            # All of it is a line that was cut.
            return self._is_quiet(cursor) and self._flush(cursor)
        after = self._next()
        if after is None:
            # It may have been let go of, to be found again elsewhere.
            return self._cursor is None
        self._leave(cursor)
        self._cursor = after
        return True

    def _found(self) -> Cursor | None:
        """The file in which the anchor is, or else what follows it."""
        found = self._files.search(self._anchor)
        if found.here is not None:
            self._anchored = found.here
            return found.here
        if not found.after:
            return None
        if not found.known:
            self._tell_gap()
        cursor = _opened(found.after[0])
        if cursor is not None and not found.known and self._anchor is not None:
            head = self._anchor.head
            if not cursor.codec and head.length and head.matches(found.after[0].head):
                # The same log, though not as it was: nothing of it is counted again.
                cursor.go_to_end()
                self._anchored = cursor
        return cursor

    def _next(self) -> Cursor | None:
        """What follows the file that was read last, and is still open."""
        held = self._anchored
        if held is None:
            return None
        following = self._files.following(held)
        this = following.this
        if following.after:
            return _opened(following.after[0])
        if this is not None and this.live and this.identity != held.identity:
            # The log was replaced by a copy of itself.
            self._anchor, self._anchored = held.place, None
            if held is self._cursor:
                self._cursor = None
            if held in self._late:
                self._late.remove(held)
            self._forget(held)
        return None

    def _drain(self, cursor: Cursor) -> bool:
        """Give out the next lines of a file, if there are any. Raises _Changed."""
        data, overlong, more = _lines(cursor)
        look = self._looks.get(id(cursor))
        if look is None and data:
            look = self._looks[id(cursor)] = look_at(cursor.sample(), self.path)
        if data and look is not None and look.syslog and not overlong:
            data = data[: clear_of_pieces(data, len(data))]
        if not cursor.intact(data or more):
            raise _Changed
        if not data and not more:
            return False
        if cursor.fresh and not cursor.codec:
            self._confirm(data or more)
        self._give(cursor, data, overlong, more)
        return True

    def _give(self, cursor: Cursor, data: bytes, overlong: int, more: bytes) -> None:
        """Take what was read as read. more: some of a line that is too long."""
        if data:
            look = self._looks.get(id(cursor)) or Look()
            lines = b"" if overlong else data
            self._take(Lines(self._state.octets, lines, overlong, look, cursor))
            self._state.octets += overlong or len(data)
            cursor.skipped = 0
        cursor.skipped += len(more)
        cursor.advance(data or more)
        self._told_gap = False
        if cursor is self._cursor:
            self._anchored = cursor

    def _confirm(self, read: bytes) -> None:
        """Make sure that a file's first lines follow the anchor, and nothing between.

        They have been read already: if the file was copied and cut short before that,
        the copy is there by now.
        """
        if self._anchored is not None:
            after = self._files.following(self._anchored).after
        else:
            after = self._files.search(self._anchor).after
        if not after or after[0].head[: len(read)] != read[: len(after[0].head)]:
            raise _Changed

    def _leave(self, cursor: Cursor) -> None:
        """Be done with a file, but for what is written to it late."""
        self._state.rotations += 1
        if cursor.damage:
            self._tell(f"{cursor.path}: {cursor.damage}; what stands before was read")
        self._late.append(cursor)

    def _read_late(self) -> bool:
        """Read what was written to files after they were renamed."""
        moved = False
        now = time.time_ns()
        for cursor in list(self._late):
            try:
                drained = self._drain(cursor)
                moved |= drained
                if not drained and self._is_quiet(cursor):
                    self._flush(cursor)
                over = (
                    now - cursor.modified > LATE * 10**9
                    or cursor.codec
                    or len(self._late) > LATE_FILES
                )
                if not over or cursor is self._anchored:
                    continue
            except (OSError, _Changed):
                if cursor is self._anchored:
                    self._anchor, self._anchored = cursor.place, None
            self._late.remove(cursor)
            self._forget(cursor)
        return moved

    def _is_quiet(self, cursor: Cursor) -> bool:
        """Whether the end of a line will not come any more."""
        return bool(cursor.codec) or time.time_ns() - cursor.modified > QUIET * 10**9

    def _flush(self, cursor: Cursor) -> bool:
        """Give out the last line of a file, which has no LF; whether there is one."""
        rest = cursor.peek(LINE_LIMIT)
        if not cursor.intact(rest):
            raise _Changed
        overlong = cursor.skipped + len(rest) if cursor.skipped else 0
        if rest:
            self._give(cursor, rest, overlong, b"")
        return bool(rest)

    def _lose(self) -> None:
        """Let go of the file at hand; its place is looked for again."""
        cursor, self._cursor = self._cursor, None
        if cursor is None:
            return
        if cursor is self._anchored:
            self._anchor, self._anchored = cursor.place, None
        self._forget(cursor)

    def _forget(self, cursor: Cursor) -> None:
        self._looks.pop(id(cursor), None)
        cursor.close()

    def _is_live(self, cursor: Cursor) -> bool:
        try:
            return identity_of(Path(self.path).stat()) == cursor.identity
        except OSError:
            return False

    def _tell_gap(self) -> None:
        if not self._told_gap:
            self._told_gap = True
            self._state.gaps += 1
            self._tell(
                "the file in which reading stood is not there any more; what was "
                "written to it since is not counted"
            )

    def _tell(self, reason: str) -> None:
        self.problems.append(ReadProblem(self.path, reason))


def _lines(cursor: Cursor) -> tuple[bytes, int, bytes]:
    """Whole lines; the length of a line beyond LINE_LIMIT that ends; some of one."""
    size = READ
    while True:
        text = cursor.peek(size)
        if cursor.skipped:
            end = text.find(b"\n") + 1
            return (text[:end], cursor.skipped + end, b"") if end else (b"", 0, text)
        if end := text.rfind(b"\n") + 1:
            return text[:end], 0, b""
        if len(text) < size:
            return b"", 0, b""
        if size >= LINE_LIMIT:
            return b"", 0, text
        size = min(4 * size, LINE_LIMIT)


def _opened(generation: Generation) -> Cursor | None:
    """A file that was found a moment ago; None where another has its name by now."""
    with suppress(OSError, InputError):
        cursor = Cursor(generation.path)
        if cursor.identity == generation.identity:
            return cursor
        cursor.close()
    return None


def _look_first(path: str) -> None:
    """Refuse what is no main log; one that is not there yet is none of these."""
    try:
        cursor = Cursor(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise InputError(f"{path}: {reason_of(error)}") from error
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    try:
        if cursor.codec:
            raise InputError(f"{path}: is compressed: nobody will write to it")
        if wrong := look_at(cursor.sample(), path).wrong:
            raise InputError(f"{path}: {wrong}")
    finally:
        cursor.close()
