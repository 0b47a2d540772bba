"""The logs that somebody names: found, told apart, and put in the order of time."""

from __future__ import annotations

import errno
import glob
import os
import re
import stat
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

from eximkit.errors import InputError
from eximkit.logs.chunks import LINE_LIMIT, whole_lines
from eximkit.logs.compression import HEAD, READ, Damaged, codec_of, unpacked
from eximkit.logs.ranged import at_once, reader
from eximkit.logs.samples import SAMPLE, Look, look_at
from eximkit.logs.years import year_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

USUAL_PLACES = (
    ("Debian", "/var/log/exim4/mainlog*"),
    ("Red Hat", "/var/log/exim/main.log*"),
    ("FreeBSD", "/var/log/exim/mainlog*"),
    ("cPanel", "/var/log/exim_mainlog*"),
    ("Exim's own default", "/var/spool/exim/log/mainlog*"),
)
"""Where main logs are unless somebody moved them, with their rotated ones."""

KEPT_OPEN = 200
"""So many files are held open from the start: one that is rotated is still read."""

Paths = str | os.PathLike[str]

_READING = os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY
_ROTATION = re.compile(r"(?:[.-](?:\d+|gz|bz2|xz|lzma|zst|old))+$")


class ReadProblem(NamedTuple):
    """Something that the user should know of a file.

    lost: some or all of the file was not read. A note that is no loss has False.
    """

    path: str
    reason: str
    lost: bool = True


@dataclass(slots=True)
class Source:
    """One log to be read.

    number: in the order of time. path: as the user named it. codec: of compressed logs.
    begin, end: of the file's octets, those to be read. identity: device and inode.
    group: the same for logs of one rotation set. years: where in the text each year
    begins, none where lines carry theirs. handle: a descriptor, if it is held open.
    head: what was read of a pipe already; None for files. spooled: was a pipe, and is a
    file without a name now.
    """

    path: str
    codec: str
    begin: int
    end: int
    identity: tuple[int, int]
    look: Look
    number: int = 0
    group: int = 0
    years: tuple[tuple[int, int], ...] = ()
    handle: int | None = None
    head: bytes | None = None
    spooled: bool = False

    @property
    def size(self) -> int:
        """The octets on the disk, 0 for a pipe."""
        return self.end - self.begin

    @property
    def divisible(self) -> bool:
        """Whether parts of it can be read by themselves."""
        return not self.codec and self.head is None

    @property
    def reopenable(self) -> bool:
        """Whether its path leads to it again."""
        return self.path != "-" and self.head is None and not self.spooled

    def release(self) -> None:
        """Let go of the file."""
        if self.handle is not None:
            os.close(self.handle)
            self.handle = None


@dataclass(slots=True)
class Gathered:
    """The logs to be read, in the order of time, and what is to be said of them."""

    sources: list[Source] = field(default_factory=list)
    problems: list[ReadProblem] = field(default_factory=list)

    @property
    def octets(self) -> int:
        return sum(source.size for source in self.sources)

    def close(self) -> None:
        """Let go of all files."""
        for source in self.sources:
            source.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def default_logs() -> list[str]:
    """The main logs at the first of USUAL_PLACES that has any. Raises InputError."""
    for _system, pattern in USUAL_PLACES:
        if found := _matching(pattern):
            return found
    tried = ", ".join(pattern for _, pattern in USUAL_PLACES)
    folders = {Path(pattern).parent for _, pattern in USUAL_PLACES}
    closed = [str(p) for p in sorted(folders) if p.is_dir() and not _readable(p)]
    hint = f" ({', '.join(closed)}: {os.strerror(errno.EACCES)})" if closed else ""
    raise InputError(f"no main log at the usual places; tried {tried}{hint}")


def _matching(pattern: str) -> list[str]:
    found = glob.glob(pattern)  # noqa: PTH207 - the pattern may be absolute
    return sorted(path for path in found if not Path(path).is_dir())


def _readable(folder: Path) -> bool:
    return os.access(folder, os.R_OK | os.X_OK)


def named(paths: Paths | Iterable[Paths]) -> list[Paths]:
    """One path or several, as several."""
    return [paths] if isinstance(paths, str | os.PathLike) else list(paths)


def gather(paths: Iterable[Paths], year: int | None = None) -> Gathered:
    """The logs at these paths: files, patterns for files, `-` for standard input.

    year: of the last entries of logs that carry no year; by default, that in which the
    file was last written. What cannot be read is among the problems; raises InputError
    where that is everything, MissingExtraError.
    """
    found = Gathered()
    seen: dict[tuple[int, int], str] = {}
    try:
        for path in expanded(paths, found.problems):
            try:
                source = _source(path, seen, found.problems, year)
            except (InputError, OSError, ValueError) as error:
                found.problems.append(ReadProblem(path, reason_of(error)))
                continue
            if source is not None:
                found.sources.append(source)
                if len(found.sources) > KEPT_OPEN and source.reopenable:
                    source.release()
    except BaseException:
        found.close()
        raise
    put_in_order(found)
    return found


def put_in_order(found: Gathered) -> None:
    """Number the logs in the order of time, those of one rotation set together.

    Raises InputError where there is none.
    """
    if not found.sources:
        lost = [
            f"{path or repr(path)}: {reason}"
            for path, reason, lost in found.problems
            if lost
        ]
        raise InputError("\n".join(lost) or "no log was given")
    groups: dict[str, int] = {}
    for source in found.sources:
        name = rotation_set(source.path)
        source.group = groups.setdefault(name, len(groups))
    found.sources.sort(key=lambda source: (source.group, source.look.first))
    for number, source in enumerate(found.sources):
        source.number = number


def rotation_set(path: str) -> str:
    """The name that a log and those it was rotated to have in common."""
    return _ROTATION.sub("", path)


def reason_of(error: Exception) -> str:
    """What an error says, without the path."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error)


def expanded(paths: Iterable[Paths], problems: list[ReadProblem]) -> Iterator[str]:
    """The paths, patterns among them replaced by the files that match."""
    for path in map(str, paths):
        if path == "-" or os.path.lexists(path) or not glob.has_magic(path):
            yield path
        elif names := _matching(path):
            yield from names
        else:
            problems.append(ReadProblem(path, "no file matches"))


def _source(
    path: str,
    seen: dict[tuple[int, int], str],
    problems: list[ReadProblem],
    year: int | None,
) -> Source | None:
    """The log at a path, held open; None for one that is there already."""
    handle = os.dup(0) if path == "-" else os.open(path, _READING)
    try:
        source = recognised(path, handle, seen, problems, year)
    except BaseException:
        os.close(handle)
        raise
    if source is None:
        os.close(handle)
    return source


def recognised(
    path: str,
    handle: int,
    seen: dict[tuple[int, int], str],
    problems: list[ReadProblem],
    year: int | None,
    fetch: Callable[[], None] = lambda: None,
) -> Source | None:
    """The log that an open file is; None for one that was seen already.

    fetch: is called before all of it is read. Raises InputError, OSError.
    """
    source = _opened(path, handle, seen, problems)
    if source is not None and source.look.yearless:
        fetch()
        source = _with_years(source, handle, year)
    return source


def _opened(
    path: str,
    handle: int,
    seen: dict[tuple[int, int], str],
    problems: list[ReadProblem],
) -> Source | None:
    status = os.fstat(handle)
    identity = status.st_dev, status.st_ino
    if stat.S_ISDIR(status.st_mode):
        raise InputError(_directory(path))
    if identity in seen:
        again = "the same file" if seen[identity] != path else "given twice"
        reason = f"{again} as {seen[identity]}" if again != "given twice" else again
        problems.append(ReadProblem(path, f"{reason}; read once", lost=False))
        return None
    seen[identity] = path
    if not stat.S_ISREG(status.st_mode):
        source = _pipe(path, handle, identity)
        if stat.S_ISCHR(status.st_mode) and not (source.head or b"x").strip(b"\0"):
            raise InputError("a device, and no log")
        return _checked(source)
    begin = os.lseek(handle, 0, os.SEEK_CUR) if path == "-" else 0
    codec = codec_of(os.pread(handle, HEAD, begin))
    end = max(begin, status.st_size)
    if not codec:
        end = _end_of_line(handle, begin, end)
    source = Source(path, codec, begin, end, identity, Look(), handle=handle)
    source.look = _look(source, path, handle)
    return _checked(source)


def _checked(source: Source) -> Source:
    if source.look.wrong:
        raise InputError(source.look.wrong)
    return source


def _directory(path: str) -> str:
    logs = _matching(f"{glob.escape(path)}/*main*log*")
    example = logs[0] if logs else str(Path(path, "mainlog"))
    return f"is a directory; name the logs in it, such as {example}*"


def _pipe(path: str, handle: int, identity: tuple[int, int]) -> Source:
    """A log that can be read but once."""
    head = b""
    while len(head) < SAMPLE and (data := os.read(handle, SAMPLE - len(head))):
        head += data
    codec = codec_of(head)
    source = Source(path, codec, 0, 0, identity, Look(), handle=handle, head=head)
    sample = head
    if codec:
        sample = _beginning(unpacked(at_once(head), codec))
    source.look = look_at(sample, path)
    return source


def _look(source: Source, path: str, handle: int) -> Look:
    begin, end = source.begin, source.end
    if source.codec:
        return look_at(_beginning(unpacked(reader(handle, begin, end), source.codec)),
                       path)  # fmt: skip
    look = look_at(os.pread(handle, min(SAMPLE, end - begin), begin), path)
    # A crash or a full disk may have left octets of nothing at the beginning.
    places = ((begin + end) // 2, max(begin, end - SAMPLE))
    for place in places if look.wrong and end - begin > SAMPLE else ():
        other = look_at(os.pread(handle, SAMPLE, place), path)
        if not other.wrong and other.first:
            return other
    return look


def _beginning(blocks: Iterator[bytes]) -> bytes:
    """The first SAMPLE octets of text, or what there is of them."""
    sample = b""
    # Damage is told of when the log is read.
    with suppress(Damaged):
        for block in blocks:
            sample += block[: SAMPLE - len(sample)]
            if len(sample) >= SAMPLE:
                break
    return sample


def _end_of_line(handle: int, begin: int, size: int) -> int:
    """Where the line ends that the log ended in when its size was asked for."""
    if size <= begin or os.pread(handle, 1, size - 1) == b"\n":
        return size
    end = size
    while end < size + LINE_LIMIT and (more := os.pread(handle, READ, end)):
        found = more.find(b"\n")
        if found >= 0:
            return end + found + 1
        end += len(more)
    return end


def _with_years(source: Source, handle: int, year: int | None) -> Source:
    """The source with the year of each part of it; a pipe is put into a file first."""
    if source.head is not None:
        source = _spooled(source, handle, source.head)
    steps = year_steps(whole_lines(stored_text(source, handle)))
    last = year
    if last is None:
        written = time.localtime(os.fstat(handle).st_mtime)
        # The last entry of a year may reach the file in the next one.
        last = written.tm_year - (steps.last == 12 and written.tm_mon == 1)
    years = steps.years(last)
    first = f"{years[0][1]:04}{source.look.first[4:]}"
    return replace(source, years=years, look=replace(source.look, first=first))


def _spooled(source: Source, handle: int, head: bytes) -> Source:
    with tempfile.TemporaryFile() as spool:
        spool.write(head)
        while data := os.read(handle, READ):
            spool.write(data)
        spool.flush()
        end = spool.tell()
        # The source's descriptor is the file's from now on.
        os.dup2(spool.fileno(), handle, inheritable=False)
    return replace(source, head=None, begin=0, end=end, spooled=True)


def stored_text(source: Source, handle: int) -> Iterator[bytes]:
    """The text of a file in blocks; damage ends it."""
    read = reader(handle, source.begin, source.end)
    if source.codec:
        with suppress(Damaged):
            yield from unpacked(read, source.codec)
        return
    while block := read(1 << 20):
        yield block
