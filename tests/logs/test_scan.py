"""The fast path counts what the complete grammar says, however the log is divided."""

from __future__ import annotations

import random
import subprocess
import sys
from dataclasses import asdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eximkit.logs import scan as scanning
from eximkit.logs import shapes
from eximkit.logs.ledger import Ledger
from eximkit.logs.line import parse_line
from eximkit.logs.record import Kind
from eximkit.logs.scan import BY_HOST, BY_HOUR, BY_SESSION, TRAFFIC, Scanner, scan
from eximkit.logs.stretches import Selector
from eximkit.logs.summary import Summary
from eximkit.logs.tokens import Fold
from eximkit.logs.traffic_counts import TrafficCounts
from tests.conftest import without
from tests.logs.mutation import mutated
from tests.logs.scenes import samples

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

ALL = frozenset({BY_HOST, BY_HOUR, BY_SESSION, TRAFFIC})
LOGS = {name: log.text for name, log in samples().items()}
LINES = [line for text in LOGS.values() for line in text.split(b"\n")[:-1]]


def counted(summary: Summary) -> dict[str, Any]:
    """What lines say each by themselves, in a form that compares."""
    found = asdict(summary)
    del found["stretches"], found["octets"], found["lines"]
    if summary.traffic is not None:
        spans = summary.traffic.followed.spans.values()
        found["traffic"]["followed"] = [span.fragments for span in spans]
    found["received"] = {key: n for key, n in found["received"].items() if n}
    return found


def by_the_grammar(lines: Iterable[bytes], year: int | None = None) -> Summary:
    summary = Summary(traffic=(traffic := TrafficCounts()))
    fold = Fold(summary, year, by_host=True, by_session=True, by_hour=True)
    ledger = Ledger(traffic, year, 0)
    start = 0
    for line in lines:
        ledger.begin(start, start := start + len(line) + 1)
        # Nothing of a line is known to the ledger then but its text.
        # (One with a NUL octet is garbage, as an empty one is.)
        text = b"" if b"\0" in line else line
        _, records = ledger.take(shapes.UNKNOWN_DETAILS % text)
        for record in records:
            fold.record(record)
    ledger.finish()
    return summary


def differences(lines: Iterable[bytes]) -> list[bytes]:
    """The lines of which the two do not say the same."""
    return [
        line
        for line in lines
        if counted(scan(line + b"\n", wanted=ALL, year=2026))
        != counted(by_the_grammar([line], 2026))
    ]


def test_both_agree_on_the_samples() -> None:
    assert differences(LINES) == []


def test_both_agree_on_spoilt_lines() -> None:
    rng = random.Random(4)
    assert differences(mutated(rng, LINES) for _ in range(6000)) == []


def test_traffic_changes_nothing_else() -> None:
    rng = random.Random(8)
    lines = LINES + [mutated(rng, LINES) for _ in range(2000)]
    text = b"".join(line + b"\n" for line in lines)
    with_it, without_it = (scan(text, wanted=w) for w in (ALL, ALL - {TRAFFIC}))
    assert with_it.traffic is not None
    with_it.traffic = None
    assert with_it == without_it


def test_a_connection_may_have_any_name() -> None:
    head = b"2026-01-01 00:00:00 1qAbCd-000000001aB-1Xyz <= a@b.example H=x [192.0.2.1]"
    lines = [head + b" Ci=" + name + b" P=esmtp L* S=12" for name in (b"\xff", b"p12")]
    assert differences(lines) == []
    assert len(scan(b"\n".join(lines)).connections.members) == 2


def test_both_agree_on_real_logs(corpus: Path) -> None:
    logs = sorted((corpus / "exim-logs").glob("[0-9]*"))
    assert len(logs) > 300
    lines = {line for log in logs for line in log.read_bytes().split(b"\n")}
    known = [line.replace(b"S=sss", b"S=812") for line in sorted(lines)]
    assert differences(known) == []
    rng = random.Random(5)
    assert differences(mutated(rng, known) for _ in range(4000)) == []


@pytest.mark.parametrize(
    "options",
    [
        ("--ids", "mixed", "--ports", "--tls-resumption", "--dn", "0.5", "--sender"),
        ("--millisec", "--pid", "--timezone", "+0100", "--m8s", "0.5"),
        ("--syslog", "stamp", "--orphans", "0.1"),
        ("--syslog", "nostamp", "--no-times", "--ids", "old"),
    ],
    ids=lambda options: options[0] + options[1],
)
def test_both_agree_on_generated_logs(
    options: tuple[str, ...], corpus: Path, tmp_path: Path
) -> None:
    tool = corpus.parent / "tools" / "gen_mainlog.py"
    if not tool.is_file():
        without(f"no {tool}")
    log = tmp_path / "mainlog"
    common = ("--mb", "0.7", "--shapes", "3000", "--garbage", "0.01", "-o", str(log))
    subprocess.run([sys.executable, tool, *common, *options], check=True)
    lines = log.read_bytes().split(b"\n")
    assert differences(lines[:-1]) == []
    rng = random.Random(6)
    assert differences(mutated(rng, lines) for _ in range(1500)) == []


def test_usual_lines_are_not_left_to_the_grammar(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left: list[bytes] = []

    def noted(line: bytes, year: int | None) -> Any:
        left.append(line)
        return parse_line(line, year)

    monkeypatch.setattr("eximkit.logs.tokens.parse_line", noted)
    scan(LOGS["mainlog"])
    assert len(left) < 0.1 * LOGS["mainlog"].count(b"\n")


@given(st.sampled_from(sorted(LOGS)), st.data())
def test_summaries_add_up_however_the_log_is_divided(name: str, data: Any) -> None:
    text = LOGS[name]
    ends = [at + 1 for at, octet in enumerate(text) if octet == 10]
    cuts = sorted({0, len(text), *data.draw(st.lists(st.sampled_from(ends)))})
    parts = [
        scan(text[a:b], wanted=ALL, year=2026, offset=a) for a, b in pairwise(cuts)
    ]
    whole = Summary() + scan(text, wanted=ALL, year=2026)
    data.draw(st.randoms()).shuffle(parts)
    one_by_one = Summary()
    for part in parts:
        one_by_one.update(part)
    assert one_by_one == whole
    half = len(parts) // 2
    grouped = sum(parts[:half], Summary()) + sum(parts[half:], Summary())
    assert grouped == whole
    scanner = Scanner(wanted=ALL, year=2026)
    for a, b in pairwise(cuts):
        scanner.feed(text[a:b], a)
    assert Summary() + scanner.finish() == whole


@given(st.binary(max_size=300), st.integers(0, 3))
def test_any_octets_are_counted(octets: bytes, kind: int) -> None:
    text = (b"", b"2026-01-01 00:00:00 ", LINES[3] + b" ", LINES[5][:60])[kind] + octets
    summary = scan(text, wanted=ALL)
    lines = text.split(b"\n")
    assert summary.lines == len(lines) - (lines[-1] == b"")
    assert summary.octets == len(text)
    events = sum(summary.events.values()) + sum(summary.arrivals.values())
    entries = events + sum(summary.deliveries.values())
    assert entries + summary.garbage == summary.lines


def test_blocks_end_with_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "BLOCK", 100)
    text = LOGS["mainlog"][:-1]
    assert counted(scan(text, wanted=ALL)) == counted(by_the_grammar(text.split(b"\n")))


def test_tokens_are_added_up_before_they_are_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = scan(LOGS["ports"], wanted=ALL)
    monkeypatch.setattr(scanning, "BLOCK", 200)
    monkeypatch.setattr(scanning, "TOKEN_LIMIT", 3)
    assert scan(LOGS["ports"], wanted=ALL) == whole


def test_raw_keys_are_added_up_before_they_are_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Of every other line the fast path knows nothing.
    lines = LOGS["mainlog"].splitlines(keepends=True)
    lines[::2] = [line.replace(b" R=", b" (a@b.example) R=") for line in lines[::2]]
    text = b"".join(lines)
    whole = scan(text, wanted=ALL)
    monkeypatch.setattr("eximkit.logs.ledger.KEYS_LIMIT", 1)
    assert scan(text, wanted=ALL) == whole


def test_messages_too_many_to_follow_are_told_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("eximkit.logs.ledger.OPEN_LIMIT", 4)
    monkeypatch.setattr("eximkit.logs.followed.OPEN_LIMIT", 4)
    lines = LOGS["mainlog"].splitlines(keepends=True)
    arrivals = [line for line in lines if b" <= " in line]
    monkeypatch.setattr(scanning, "BLOCK", 100)
    counts = scan(b"".join(arrivals), wanted=ALL).traffic
    assert counts is not None
    kept = sum(len(span.fragments) for span in counts.followed.spans.values())
    assert kept <= 4
    assert kept + counts.followed.lost == len(arrivals)


def test_a_matcher_that_gives_up_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = scan(LOGS["damaged"] + LOGS["mainlog"], wanted=ALL)

    def limited(*args: Any, **kwargs: Any) -> bytes:
        return b"(*LIMIT_MATCH=1)" + shapes.pattern(*args, **kwargs)

    monkeypatch.setattr(scanning, "pattern", limited)
    compiled = scanning._compiled
    monkeypatch.setattr(
        scanning, "_compiled", lambda text: compiled(b"(*NO_JIT)" + text)
    )
    assert scan(LOGS["damaged"] + LOGS["mainlog"], wanted=ALL) == whole


@pytest.mark.parametrize(
    "octet", [b"x", b" ", b'"', b":", b"\\", b"(", b"[", b"<a@b>", b"\xff"]
)
def test_a_line_of_a_megabyte_is_one_line(octet: bytes) -> None:
    for head in (LINES[2][:44], LINES[2], b"2026-01-01 00:00:00 H=("):
        line = head + octet * (1_000_000 // len(octet))
        summary = scan(line + b"\n" + LINES[2] + b"\n", wanted=ALL)
        assert summary.lines == 2


def test_times_are_days_unless_hours_are_asked_for() -> None:
    assert {len(key.hour) for key in scan(LOGS["mainlog"]).arrivals} == {10}
    hours = scan(LOGS["mainlog"], wanted=frozenset({BY_HOUR})).arrivals
    assert {len(key.hour) for key in hours} == {13}


def test_the_selector_is_judged_between_starts_of_the_daemon() -> None:
    text = LOGS["switched-on"]
    stretches = list(scan(text, offset=7).stretches)
    assert [piece.evidence.selector for piece in stretches] == [
        Selector.OFF,
        Selector.ON,
    ]
    assert [piece.started for piece in stretches] == [True, True]
    assert (stretches[0].start, stretches[1].end) == (7, 7 + len(text))
    start = text[stretches[1].start - 7 :].partition(b"\n")[0]
    assert parse_line(start).kind is Kind.DAEMON_START


def test_a_client_cannot_say_that_the_daemon_started() -> None:
    text = LOGS["switched-on"]
    for words in (b"exim 4.98 daemon started: pid=1", b" daemon started: pid=1, -q30m"):
        hostile = b"2026-03-01 09:00:00 H=(" + words + b") [192.0.2.9] Warning: x\n"
        assert len(list(scan(hostile + text[: text.index(b"\n") + 1]).stretches)) == 2
        assert len(list(scan(text + 3 * hostile).stretches)) == 2


def test_logs_of_other_machines_are_stretches_of_their_own() -> None:
    def scanned(text: bytes, source: int, group: int) -> Summary:
        scanner = Scanner(source=source, group=group)
        scanner.feed(text, 0)
        return scanner.finish()

    first, rest = LOGS["mainlog"].partition(b"\n")[::2]
    assert scanned(first, 0, 0).lines == 1
    rotated = scanned(rest, 0, 0) + scanned(rest, 1, 0)
    assert len(list(rotated.stretches)) == 1
    apart = scanned(rest, 0, 0) + scanned(rest, 1, 1)
    assert len(list(apart.stretches)) == 2


def test_a_block_of_a_start_alone_can_be_counted_with_traffic() -> None:
    line = b"2026-03-04 01:05:06 exim 4.98 daemon started: pid=812, -q30m, listening\n"
    summary = scan(line, wanted=frozenset({TRAFFIC}))
    assert (summary.lines, summary.unparsed) == (1, 0)
