"""Whole messages: all lines of each, in order, as they are in the log.

As exigrep does it. Where the log can be read twice and few lines match, the messages
are found first, and then their lines; otherwise the lines of all messages are kept
until these end. Both give the same.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from itertools import accumulate, compress, count
from typing import TYPE_CHECKING, Any, NamedTuple

from eximkit.errors import SettingsError
from eximkit.logs.stories import (
    Lines,
    content,
    ends_message,
    id_at,
    in_pieces,
    lines_of,
    mentioned,
    put_together,
    time_of,
)
from eximkit.logs.syntax import MESSAGE_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from eximkit.logs.chunks import Chunk
    from eximkit.logs.patterns import Pattern

    Read = Callable[[], Iterable[Chunk]]

ID_LIMIT = 500_000
"""If there are more messages than this, looking for their lines is no use."""
MANY = 2_000
"""Nor is it where one line or more matches in so many octets."""
FEW = 400
"""So many ids are looked for all at once; with more, each line's id is looked at."""
HELD_LIMIT = 1 << 27
"""About how many octets of unfinished messages are kept."""

_OVERHEAD = 400
_COMPLETED = (b" Completed\n", b" Completed\r\n", b" Completed QT=")
_RECENT = 100_000


class Story(NamedTuple):
    """The lines of one message, or one line that belongs to none.

    id: b"" for such a line. text: the lines. ended: the message is done with.
    """

    id: bytes
    text: bytes
    ended: bool


class _Selected(NamedTuple):
    """Some lines of a chunk, the ids of their messages, and whether each matches."""

    lines: list[bytes]
    ids: list[bytes]
    hits: list[bool]


def rendered(story: Story) -> bytes:
    """A story as exigrep prints it, an empty line after it."""
    head = b"" if story.ended else b"+++ %b has not completed +++\n" % story.id
    end = b"\n" if story.text.endswith(b"\n") else b"\n\n"
    return head + story.text + end


def check(ids: Iterable[str]) -> None:
    """Raises SettingsError for what is no id."""
    for text in ids:
        if not re.fullmatch(MESSAGE_ID, text.encode("utf-8", "replace")):
            raise SettingsError(
                f"not a message id: {text!r}; "
                "ids are like 1qAbCd-0001ab-Xy or 1qAbCd-000000001ab-Xy12"
            )


def show(read: Read, ids: Sequence[str]) -> Iterator[Story]:
    """The messages of these ids, in the order asked for; those not found are left out.

    Raises SettingsError for what is no id.
    """
    check(ids)
    wanted = {text.encode(): list[bytes]() for text in ids}
    finder = _Finder(wanted, None)
    for chunk in read():
        lines, messages, _ = finder(chunk)
        for line, message in zip(lines, messages, strict=True):
            wanted[message].append(line)
    for message, lines in wanted.items():
        if lines:
            yield Story(message, b"".join(lines), any(map(ends_message, lines)))


def grep(
    read: Read,
    pattern: Pattern,
    *,
    invert: bool = False,
    related: bool = False,
    longer: int | None = None,
    once: bool = False,
) -> Iterator[Story]:
    """The messages in which a line matches, and other lines that match, in order.

    A message has the place of the line that ends it; those that do not end come last.
    read: gives the log, once or more often. invert: the messages in which none matches.
    related: those that mention one found before, too. longer: only messages that took
    more seconds than this, if they ended. once: the log can be read only once.
    """
    ids = None if once or invert else _ids(read(), pattern)
    if ids is not None:
        if not ids:
            return
        ids.discard(b"")
        if related:
            ids = _with_related(read, ids)
    select = _all(pattern) if ids is None else _Finder(ids, pattern)
    for story in _stories(map(select, read()), invert=invert, related=related):
        if longer is None or not story.id or not story.ended or _took(story) > longer:
            yield story


def _stories(
    selected: Iterable[_Selected], *, invert: bool, related: bool
) -> Iterator[Story]:
    kept: defaultdict[bytes, list[bytes]] = defaultdict(list)
    known = _Known()
    hits = known.hits
    held = 0
    for lines, messages, matches in selected:
        for line, message, matching in zip(lines, messages, matches, strict=True):
            if not message:
                if matching is not invert:
                    yield Story(b"", line, True)
                continue
            kept[message].append(line)
            if matching or (related and known.any_of(mentioned(line))):
                hits.add(message)
            # Most lines are judged without being taken apart.
            if line.startswith(_COMPLETED, line.find(message) + len(message)) or (
                (b"rejected" in line or b"timeout" in line) and ends_message(line)
            ):
                text = b"".join(kept.pop(message))
                held -= len(text)
                if known.ended(message) is not invert:
                    yield Story(message, text, True)
        held += sum(map(len, lines))
        while kept and held + _OVERHEAD * len(kept) > HELD_LIMIT:
            oldest = next(iter(kept))
            held -= sum(map(len, kept.pop(oldest)))
            known.ended(oldest)
    for message, rest in kept.items():
        if known.ended(message) is not invert:
            yield Story(message, b"".join(rest), False)


class _Known:
    """The messages of which a line matched.

    hits: those that have not ended. Of those that have, the last ones are known, too: a
    process may still log something about a message that is completed.
    """

    def __init__(self) -> None:
        self.hits: set[bytes] = set()
        self._recent: dict[bytes, None] = {}

    def ended(self, message: bytes) -> bool:
        """Whether a line of this message matched, which ends now."""
        if message not in self.hits:
            return message in self._recent
        self.hits.remove(message)
        self._recent[message] = None
        if len(self._recent) > 2 * _RECENT:
            self._recent = dict.fromkeys([*self._recent][_RECENT:])
        return True

    def any_of(self, messages: Iterable[bytes]) -> bool:
        """Whether a line of one of these messages matched."""
        return any(m in self.hits or m in self._recent for m in messages)


def _all(pattern: Pattern) -> Callable[[Chunk], _Selected]:
    def select(chunk: Chunk) -> _Selected:
        lines, messages = _lines_of(chunk)
        return _Selected(lines, messages, _hits(chunk, lines, pattern))

    return select


class _Finder:
    """Finds the lines of some messages, and other lines that match."""

    def __init__(self, ids: Iterable[bytes], pattern: Pattern | None) -> None:
        import pcre2  # type: ignore[import-untyped]

        self._ids = frozenset(ids)
        self._pattern = pattern
        self._any: Any = None
        if len(self._ids) <= FEW:
            self._any = pcre2.compile(b"|".join(sorted(self._ids)) or b"(?!)")

    def __call__(self, chunk: Chunk) -> _Selected:
        if self._any is None or _split(chunk):
            return self._by_line(chunk)
        return self._by_id(chunk.data)

    def _by_line(self, chunk: Chunk) -> _Selected:
        lines, messages = _lines_of(chunk)
        ids = self._ids
        numbers = [n for n, message in enumerate(messages) if message in ids]
        hits: set[int] = set()
        if self._pattern is not None:
            hits.update(_matching(chunk, lines, self._pattern))
            numbers += [n for n in hits if not messages[n]]
            numbers.sort()
        return _Selected(
            [lines[n] for n in numbers],
            [messages[n] for n in numbers],
            [n in hits for n in numbers],
        )

    def _by_id(self, text: bytes) -> _Selected:
        begins: dict[int, bytes] = {}
        for found in self._any.finditer(text):
            line = text.rfind(b"\n", 0, found.start()) + 1
            message = id_at(text, line)
            if message in self._ids:
                begins[line] = message
        hits: set[int] = set()
        if self._pattern is not None:
            hits = set(self._pattern.lines(text))
            begins |= {line: b"" for line in hits if not id_at(text, line)}
        order = sorted(begins)
        ends = [text.find(b"\n", begin) + 1 or len(text) for begin in order]
        return _Selected(
            [text[begin:end] for begin, end in zip(order, ends, strict=True)],
            [begins[begin] for begin in order],
            [begin in hits for begin in order],
        )


def _ids(chunks: Iterable[Chunk], pattern: Pattern) -> set[bytes] | None:
    """The messages in which a line matches, b"" for lines of none.

    None for so many that this is no use.
    """
    ids: set[bytes] = set()
    matching = octets = 0
    for chunk in chunks:
        text = chunk.data
        if _split(chunk):
            lines, messages = _lines_of(chunk)
            found = list(compress(messages, _hits(chunk, lines, pattern)))
        else:
            found = [id_at(text, line) for line in pattern.lines(text)]
        ids.update(found)
        matching += len(found)
        octets += len(text)
        if matching * MANY > octets or len(ids) > ID_LIMIT:
            return None
    return ids


def _with_related(read: Read, ids: set[bytes]) -> set[bytes] | None:
    """These messages and those that mention one of them, and so on."""
    before = 0
    while before < len(ids) <= ID_LIMIT:
        before = len(ids)
        for chunk in read():
            for line, message in zip(*_lines_of(chunk), strict=True):
                if message and not ids.isdisjoint(mentioned(line)):
                    ids.add(message)
    return ids if len(ids) <= ID_LIMIT else None


def _split(chunk: Chunk) -> bool:
    return chunk.pieces and in_pieces(chunk.data)


def _lines_of(chunk: Chunk) -> Lines:
    lines = lines_of(chunk.data)
    return put_together(lines) if _split(chunk) else lines


def _hits(chunk: Chunk, lines: list[bytes], pattern: Pattern) -> list[bool]:
    """For each line of a chunk whether it matches."""
    if _split(chunk):
        return [pattern.matches(content(line)) for line in lines]
    return pattern.hits(lines, chunk.data)


def _matching(chunk: Chunk, lines: list[bytes], pattern: Pattern) -> Iterable[int]:
    """The numbers of those of all lines of a chunk that match; best if they are few."""
    if _split(chunk):
        return compress(count(), _hits(chunk, lines, pattern))
    found = pattern.lines(chunk.data)
    begins = list(accumulate(map(len, lines), initial=0)) if found else []
    return [bisect_left(begins, begin) for begin in found]


def _took(story: Story) -> float:
    """Seconds between the first and the last line; 0 where that is not known."""
    lines = story.text.rstrip(b"\n").split(b"\n")
    first, last = time_of(lines[0]), time_of(lines[-1])
    if first is None or last is None or (first.tzinfo is None) != (last.tzinfo is None):
        return 0
    return (last - first).total_seconds()
