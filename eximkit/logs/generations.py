"""The files that a log has been: itself, and what rotation has made of it.

They stand beside it: `mainlog.1`, `mainlog.02.gz`, `mainlog-20261231.xz`. Rotation may
go on while one looks, so names are looked at until they stand still.
"""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from eximkit.errors import InputError, MissingExtraError
from eximkit.logs.compression import HEAD, codec_of
from eximkit.logs.cursor import PRINT, Cursor, beginning, identity_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from eximkit.logs.cursor import Place

_ENDING = re.compile(r"\.(?:gz|bz2|xz|lzma|zst)$")
_SUFFIX = re.compile(r"(?:[.-](\d{1,5})|([.-]\d{4}[\d_.:T+-]*)|(\.old)|)$")
_LOOKS = 5
"""So often names are read again before one takes them as they are."""
_READING = os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK

UNCOUNTED = -1

Identity = tuple[int, int]


class Generation(NamedTuple):
    """A file of a log. head: the first PRINT octets of its text. live: the log itself.

    name: without what tells of compression. number: of those that are counted,
    UNCOUNTED for those with a date. size: in octets on the disk. modified: when it was
    last written, in nanoseconds.
    """

    path: str
    name: str
    number: int
    live: bool
    identity: Identity
    size: int
    modified: int
    codec: str
    head: bytes

    def is_same(self, other: Generation) -> bool:
        """Whether both are one file of the log, such as one and its copy."""
        length = min(len(self.head), len(other.head))
        # Less than a line may be what many begin with.
        return (
            self.identity == other.identity
            or (self.name == other.name and not self.live)
            or (
                b"\n" in self.head[:length]
                and self.head[:length] == other.head[:length]
            )
        )


@dataclass(slots=True)
class Found:
    """What was found of a place.

    here: a cursor that stands there; the caller closes it. known: whether the place was
    found at all. after: the files that follow, each once, in the order of time.
    """

    here: Cursor | None = None
    known: bool = False
    after: list[Generation] = field(default_factory=list)


class Following(NamedTuple):
    """this: a file that is held open, as it can be reached now, if it can be. after:
    the files that follow, each once, in the order of time.
    """

    this: Generation | None
    after: list[Generation]


class Generations:
    """The files of the log at a path, looked at again and again.

    refused: why files that seem to be of the log cannot be read, by their paths.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.refused: dict[str, str] = {}
        self.missing: MissingExtraError | None = None
        self._heads: dict[tuple[Identity, int, int], tuple[str, bytes]] = {}

    def all(self) -> list[Generation]:
        """Those with something in them, the oldest first, the log itself last."""
        found: list[Generation] = []
        names = dict(self._names())
        for _ in range(_LOOKS):
            found = [each for name in names if (each := self._looked_at(name))]
            before, names = names, dict(self._names())
            if names == before:
                break
        unique = {each.identity: each for each in found}
        known = {(e.identity, e.size, e.modified) for e in unique.values()}
        self._heads = {key: head for key, head in self._heads.items() if key in known}
        return _in_order(unique.values())

    def newest_before(self, path: str) -> Generation | None:
        """The file that comes before that at a path, the log itself unless given."""
        every = self.all()
        real = os.path.realpath(path)
        this = next((e for e in every if os.path.realpath(e.path) == real), None)
        before = [e for e in every if not e.live]
        if this is not None:
            before = [e for e in every[: every.index(this)] if not e.is_same(this)]
        return before[-1] if before else None

    def search(self, place: Place | None) -> Found:
        """Where a place is, and what follows it; before all where it is None.

        What follows a place that is nowhere is what was written since. Raises
        MissingExtraError where that is compressed in a way that needs one.
        """
        every = self.all()
        if place is None:
            return Found(known=True, after=_each_once(every))
        # Whoever has the inode first; a log before the copy that is made of it.
        likely = sorted(every, key=lambda e: (e.identity != place.identity, not e.live))
        for each in likely:
            here = _standing_at(each, place)
            if here is not None:
                after = _after(each, every)
                if place.done:
                    here.close()
                    return Found(None, True, after)
                return Found(here, True, after)
        if self.missing is not None:
            raise self.missing
        return Found(after=_since(place, every))

    def following(self, cursor: Cursor) -> Following:
        """What a file that is held open is by now, and what follows it."""
        every = self.all()
        place = cursor.place
        likely = sorted(every, key=lambda e: (e.identity != place.identity, not e.live))
        for each in likely:
            if place.head.matches(each.head):
                return Following(each, _after(each, every))
        return Following(None, _since(place, every))

    def _names(self) -> Iterator[tuple[str, Identity]]:
        """The paths that there are now, and what each leads to."""
        for place in dict.fromkeys((self.path, os.path.realpath(self.path))):
            folder, base = os.path.split(place)
            with suppress(OSError), os.scandir(folder or os.curdir) as entries:
                for entry in sorted(entries, key=lambda e: e.name):
                    if _suffix(entry.name, base) is None:
                        continue
                    with suppress(OSError):
                        status = entry.stat()
                        if stat.S_ISREG(status.st_mode):
                            yield entry.path, identity_of(status)

    def _looked_at(self, path: str) -> Generation | None:
        base = Path(self.path).name
        name = Path(path).name
        if _suffix(name, base) is None:
            base = Path(os.path.realpath(self.path)).name
        suffix = _suffix(name, base)
        try:
            handle = os.open(path, _READING)
        except FileNotFoundError:
            return None
        except OSError as error:
            self.refused[path] = error.strerror or str(error)
            return None
        try:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode) or not status.st_size:
                return None
            codec, head = self._head(handle, status)
        except MissingExtraError as error:
            self.missing = error
            return None
        except (OSError, InputError) as error:
            self.refused[path] = str(error)
            return None
        finally:
            os.close(handle)
        self.refused.pop(path, None)
        if not head:
            # An empty log, compressed.
            return None
        stem = _ENDING.sub("", name)
        return Generation(
            path, name if stem == base else stem, -1 if suffix is None else suffix,
            name == base, identity_of(status),
            status.st_size, status.st_mtime_ns, codec, head,
        )  # fmt: skip

    def _head(self, handle: int, status: os.stat_result) -> tuple[str, bytes]:
        key = identity_of(status), status.st_size, status.st_mtime_ns
        known = self._heads.get(key)
        if known is None:
            codec = codec_of(os.pread(handle, HEAD, 0))
            head = (
                beginning(handle, codec, PRINT) if codec else os.pread(handle, PRINT, 0)
            )
            known = self._heads[key] = codec, head
        return known


def is_rotated(path: str, live: str) -> bool:
    """Whether a path is called as what rotation makes of the log at another."""
    folder, name = os.path.split(path)
    other, base = os.path.split(live)
    return folder == other and name != base and _suffix(name, base) is not None


def _suffix(name: str, base: str) -> int | None:
    """The number of a file of a log, UNCOUNTED for one with a date; None for others."""
    if not name.startswith(base):
        return None
    found = _SUFFIX.match(_ENDING.sub("", name[len(base) :]))
    if found is None:
        return None
    if found[3]:
        return 0
    return int(found[1]) if found[1] else UNCOUNTED


def _in_order(every: Iterable[Generation]) -> list[Generation]:
    """By their numbers where all have one, else by when they were last written."""
    each = list(every)
    if all(e.live or e.number != UNCOUNTED for e in each):
        return sorted(each, key=lambda e: (e.live, -e.number))
    return sorted(each, key=lambda e: (e.live, e.modified, e.name))


def _after(each: Generation, every: list[Generation]) -> list[Generation]:
    after = every[every.index(each) + 1 :]
    return _each_once(other for other in after if not other.is_same(each))


def _since(place: Place, every: Iterable[Generation]) -> list[Generation]:
    """What was written after a place was left; the log itself may be as old."""
    return _each_once(
        e
        for e in every
        if e.modified > place.modified or (e.live and e.modified == place.modified)
    )


def _each_once(every: Iterable[Generation]) -> list[Generation]:
    """Without those that are the same as another, the packed one of them first."""
    kept: list[Generation] = []
    for each in every:
        same = next((n for n, other in enumerate(kept) if each.is_same(other)), None)
        if same is None:
            kept.append(each)
        elif each.live or (kept[same].codec and not each.codec):
            kept[same] = each
    return kept


def _standing_at(each: Generation, place: Place) -> Cursor | None:
    """A cursor at a place, if it is one of this file."""
    if not place.head.matches(each.head):
        return None
    with suppress(OSError, InputError):
        cursor = Cursor(each.path)
        if cursor.identity == each.identity and (place.done or cursor.go_to(place)):
            return cursor
        cursor.close()
    return None
