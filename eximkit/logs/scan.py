"""The fast path: log text to its counts.

Most lines of a main log have one of few shapes. One regular expression describes these
strictly, and one substitution over a whole block turns each such line into short tokens
that say what it counts as; tokens are then counted in bulk. A line of any other shape
comes through as it is, and the complete grammar (`line.py`) decides. The two must agree
on every line.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache, partial
from typing import TYPE_CHECKING

from eximkit.logs.chunks import CHUNK
from eximkit.logs.ledger import Ledger
from eximkit.logs.line import parse_line
from eximkit.logs.pattern_counts import PatternCounter
from eximkit.logs.possessive import compiled
from eximkit.logs.record import Kind
from eximkit.logs.shapes import (
    CONNECTION_SIGN,
    CONNECTIONS,
    OCTETS,
    OCTETS_BY_HOST,
    OCTETS_BY_SESSION,
    TOKENS,
    UNKNOWN,
    UNKNOWN_DETAILS,
    Stamped,
    pattern,
    with_details,
)
from eximkit.logs.stretches import Piece
from eximkit.logs.summary import Summary
from eximkit.logs.syntax import DATE, ISO_TIME, SYSLOG_SOURCE, SYSLOG_TIME
from eximkit.logs.tokens import Fold
from eximkit.logs.traffic_counts import TrafficCounts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pcre2 import Pattern  # type: ignore[import-untyped]

BY_HOST = "octets by host"
BY_SESSION = "octets by session"
BY_HOUR = "hours"
FEW_HOURS = "hours while they are few"
TRAFFIC = "traffic"
"""In `wanted`, for each costs time: octets are counted for each sending address, too;
they are told apart by protocol and TLS version; times by the hour, not by the day
alone; by the hour where the log has few, else by the day and, apart from it, by the
hour of the day; and all that eximstats tells is counted, and lines that match the
patterns of further members, `pattern NAME=REGEX`."""

BLOCK = CHUNK
"""How much text is turned into tokens at a time, in octets: what a cache holds."""
TOKEN_LIMIT = 100_000
"""How many different tokens are kept before they are added up."""

_LINE_WITH_NUL = compiled(rb"^[^\n\0]*+\0.*+", re.MULTILINE)
_DAEMON_STARTED = b" daemon started: pid="
_BEGINNINGS = (
    (compiled(DATE + rb" \d"), Stamped.FILE),
    (compiled(SYSLOG_TIME + SYSLOG_SOURCE + DATE + rb" \d"), Stamped.SYSLOG),
    (compiled(ISO_TIME + SYSLOG_SOURCE + DATE + rb" \d"), Stamped.SYSLOG),
    (compiled(SYSLOG_TIME), Stamped.SYSLOG_ONLY),
    (compiled(ISO_TIME), Stamped.ISO_SYSLOG_ONLY),
)  # fmt: skip


def scan(
    chunk: bytes,
    *,
    wanted: frozenset[str] = frozenset(),
    year: int | None = None,
    source: int = 0,
    offset: int = 0,
) -> Summary:
    """What a chunk of whole lines says.

    wanted: what is counted only where it is asked for: BY_HOST, BY_SESSION, BY_HOUR,
    TRAFFIC. year: of lines that carry none. source, offset: which log the chunk is of,
    and where in its text it begins: what neighbouring lines say together needs them.
    """
    scanner = Scanner(wanted=wanted, year=year, source=source)
    scanner.feed(chunk, offset)
    return scanner.finish()


class Scanner:
    """What the chunks of one log say together; cheaper than a `scan` of each."""

    def __init__(
        self,
        *,
        wanted: frozenset[str] = frozenset(),
        year: int | None = None,
        source: int = 0,
        group: int = 0,
    ) -> None:
        few = FEW_HOURS in wanted and BY_HOUR not in wanted
        self._hours = BY_HOUR in wanted or few
        by_host = BY_HOST in wanted
        by_session = BY_SESSION in wanted
        self._template = TOKENS + (OCTETS_BY_SESSION if by_session else OCTETS)
        if by_host:
            self._template += OCTETS_BY_HOST
        self._source = source
        self._group = group
        self._ledger: Ledger | None = None
        counts: TrafficCounts | None = None
        if TRAFFIC in wanted:
            counts = TrafficCounts()
            self._ledger = Ledger(counts, year, source)
            self._patterns = PatternCounter(wanted, counts)
        self._summary = Summary(few_hours=few, traffic=counts)
        self._new_fold = partial(
            Fold, year=year, by_host=by_host, by_session=by_session, by_hour=self._hours
        )
        self._fold = self._new_fold(self._summary)
        self._tokens: Counter[bytes] = Counter()
        self._piece: tuple[int, int, bool] | None = None

    def feed(self, chunk: bytes, offset: int) -> None:
        """Take in whole lines that begin at `offset`; the last may lack its LF."""
        self._summary.octets += len(chunk)
        for start, end in _blocks(chunk):
            block = chunk[start:end]
            if self._ledger is not None:
                self._ledger.begin(offset + start, offset + end)
                self._patterns.take(block)
            text, lines = self._reduced(block)
            # A daemon's start is of no known shape: the line is there as it was.
            if b"?" in text and _DAEMON_STARTED in text:
                for first, last, started in _pieces(block):
                    begin = offset + start + first
                    self._continue(begin, begin + last - first, started=started)
                    self._take(*self._reduced(block[first:last]))
            else:
                self._continue(offset + start, offset + end, started=False)
                self._take(text, lines)

    @property
    def octets(self) -> int:
        """How much was fed since the last `part`."""
        return self._summary.octets

    def part(self) -> Summary:
        """The counts since the last time, but for those of TRAFFIC: `finish` has all
        of these, for they are made of what many lines have in common.
        """
        self._end_piece()
        done = self._summary
        self._summary = Summary(few_hours=done.few_hours, traffic=done.traffic)
        self._fold = self._new_fold(self._summary)
        done.traffic = None
        return done

    def finish(self) -> Summary:
        """The counts of all that was fed and is of no `part`."""
        self._end_piece()
        if self._ledger is not None:
            self._ledger.finish()
        return self._summary

    def _continue(self, start: int, end: int, *, started: bool) -> None:
        """Go on with the piece at hand, or begin another."""
        piece = self._piece
        if piece is not None and not started and piece[1] == start:
            self._piece = piece[0], end, piece[2]
        else:
            self._end_piece()
            self._piece = start, end, started

    def _end_piece(self) -> None:
        self._fold_tokens()
        if self._piece is not None:
            start, end, started = self._piece
            evidence = self._fold.evidence()
            self._summary.stretches.add(
                Piece(self._source, start, end, started, evidence, self._group)
            )
            self._piece = None

    def _fold_tokens(self) -> None:
        self._fold.take(self._tokens)
        self._tokens = Counter()

    def _take(self, text: bytes, lines: int) -> None:
        """Count tokens, each with an LF behind it."""
        self._summary.lines += lines
        if self._ledger is not None:
            text, records = self._ledger.take(text)
            for record in records:
                self._fold.record(record)
        tokens = text.split(b"\n")
        tokens.pop()
        self._tokens.update(tokens)
        if len(self._tokens) > TOKEN_LIMIT:
            self._fold_tokens()

    def _reduced(self, block: bytes) -> tuple[bytes, int]:
        """The tokens of a block, and how many lines it has."""
        from pcre2 import LibraryError

        if not block.endswith(b"\n"):
            block += b"\n"
        template = self._template
        if _compiled(CONNECTION_SIGN).search(block):
            template += CONNECTIONS
        details = self._ledger is not None
        if details:
            template = _with_details(template)
            if b"\0" in block:
                # Details have this octet between them; a line with it is garbage, as
                # an empty one is.
                block = _LINE_WITH_NUL.sub(b"", block)
        expression = _compiled(
            pattern(_stamped(block), hours=self._hours, details=details)
        )
        try:
            reduced: tuple[bytes, int] = expression.subn(template, block)
        except LibraryError:
            # A limit of the matcher. Nothing is lost: the complete grammar takes all.
            lines = block.split(b"\n")[:-1]
            unknown = UNKNOWN_DETAILS if details else UNKNOWN
            return b"".join(unknown % line for line in lines), len(lines)
        return reduced


def _pieces(chunk: bytes) -> Iterator[tuple[int, int, bool]]:
    """Where the chunk is parted: before each line that tells of a daemon's start.

    Each piece has a start, an end, and whether it begins with such a line.
    """
    begin, started = 0, False
    found = chunk.find(_DAEMON_STARTED)
    while found >= 0:
        line = chunk.rfind(b"\n", begin, found) + 1 or begin
        end = chunk.find(b"\n", found)
        end = len(chunk) if end < 0 else end
        # The words may be those of a client.
        if parse_line(chunk[line:end]).kind is Kind.DAEMON_START:
            if line > begin:
                yield begin, line, started
            begin, started = line, True
        found = chunk.find(_DAEMON_STARTED, end)
    if begin < len(chunk):
        yield begin, len(chunk), started


def _blocks(chunk: bytes) -> Iterator[tuple[int, int]]:
    """Where the chunk is parted into blocks of whole lines."""
    start = 0
    while start < len(chunk):
        stop = len(chunk)
        if stop - start > 2 * BLOCK:
            stop = chunk.rfind(b"\n", start, start + BLOCK) + 1
            stop = stop or chunk.find(b"\n", start + BLOCK) + 1 or len(chunk)
        yield start, stop
        start = stop


def _stamped(block: bytes) -> Stamped:
    """How most lines of a block probably begin: judged by the first that begins so.

    A wrong guess costs time alone.
    """
    start = 0
    for _ in range(20):
        for beginning, stamped in _BEGINNINGS:
            if beginning.match(block, start):
                return stamped
        start = block.find(b"\n", start) + 1
        if not start:
            break
    return Stamped.FILE


_with_details = cache(with_details)


@cache
def _compiled(expression: bytes) -> Pattern:
    import pcre2

    try:
        return pcre2.compile(expression)
    except pcre2.LibraryError:
        # Not every processor has a just-in-time compiler for it.
        return pcre2.compile(expression, jit=False)
