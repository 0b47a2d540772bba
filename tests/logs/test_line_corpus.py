"""Real logs: Exim's own expected ones, and logs written by the generator of truths."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from eximkit.logs.line import FLAGS, parse_line
from eximkit.logs.record import Direction, Kind, LogRecord
from tests.conftest import without
from tests.logs.reference_counts import count

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

# What Exim's test suite writes in the place of what varies, see its README.
PLACEHOLDERS = tuple(
    (re.compile(pattern), text)
    for pattern, text in (
        (rb"\bS=sss\b", b"S=123"),
        (rb"\(sss\)", b"(123)"),
        (rb"\bp(\d{4})\b", rb"\1"),
        (rb"\bpid=p+\b", b"pid=1234"),
        (rb"\bq+(?:\.q+)?s\b", b"1s"),
        (rb"\bexim x\.yz\b", b"exim 4.96"),
        (rb"\bip4\.ip4\.ip4\.ip4\b", b"192.0.2.4"),
        (rb"\bip6(?::ip6)+\b", b"2001:db8::4"),
        (rb"\bV4NET\.", b"224."),
        (rb"\bV6NET:", b"2001:db8:"),
        (rb"\bPORT_[A-Z]\d?\b", b"1225"),
        (rb"\bpppp?p?\b", b"1224"),
        (rb"\bdefer \((?:dd|EEE)\)", b"defer (111)"),
    )
)
FEW = 0.25
"""ACLs of the test suite write a lot of their own into the log."""


@pytest.fixture(scope="module")
def lines(corpus: Path) -> list[bytes]:
    folder = corpus / "exim-logs"
    if not folder.is_dir():
        without(f"no logs at {folder}")
    text = b"".join(
        path.read_bytes() for path in sorted(folder.iterdir()) if path.name.isdigit()
    )
    for pattern, value in PLACEHOLDERS:
        text = pattern.sub(value, text)
    return text.removesuffix(b"\n").split(b"\n")


def forms(records: Iterable[LogRecord]) -> dict[str, Counter[str]]:
    """As in `reference_counts`."""
    flags = {kind: flag.strip() for flag, kind in FLAGS.items()}
    flags[Kind.COMPLETED] = "Completed"
    found: dict[str, Counter[str]] = {
        "flags": Counter(),
        "in": Counter(),
        "out": Counter(),
    }
    for record in records:
        if record.kind in flags:
            found["flags"][flags[record.kind]] += 1
        if record.direction is not None:
            found[record.direction][record.form or "none"] += 1
    return found


def test_the_counts_are_those_of_a_plain_count(lines: list[bytes]) -> None:
    found = forms(map(parse_line, lines))
    assert found == count(lines)
    assert min(found["in"]["L*"], found["in"]["L."], found["out"]["L*"]) > 0


def test_every_flagged_line_is_understood(lines: list[bytes]) -> None:
    flagged = re.compile(
        rb"\d{4}-.{15,24} \S+-\S+-\S+ (?:[<=>*(-][=>*]|Completed)(?: |$)"
    )
    kinds = {*FLAGS.values(), Kind.COMPLETED}
    wrong = [
        line
        for line in lines
        if flagged.match(line) and parse_line(line).kind not in kinds
    ]
    assert wrong == []


def test_no_field_of_a_flagged_line_is_left_over(lines: list[bytes]) -> None:
    """Each ` TAG=` of a session is some attribute's."""
    tags = {
        "A": "authenticator", "C": "confirmation", "CV": "verified",
        "Ci": "connection_id", "DKIM": "dkim", "DMARC": "dmarc", "DN": "dn",
        "DT": "delivery_time", "F": "sender", "H": "host_name ip", "I": "interface",
        "M8S": "eight_bit", "P": "protocol return_path", "PRX": "proxy",
        "PS": "protocol_detail", "Q": "queue", "QT": "queue_time",
        "R": "router reference", "RT": "receive_time", "S": "size", "SNI": "sni",
        "SPF": "spf", "ST": "shadow", "T": "transport subject_raw", "U": "ident",
        "X": "tls", "id": "header_id", "id*": "header_id",
    }  # fmt: skip
    events = {*FLAGS.values()} - {Kind.FAILURE, Kind.DEFERRAL}
    seen: Counter[str] = Counter()
    for line in lines:
        record = parse_line(line)
        if record.kind in events:
            for tag in re.findall(
                r" ([A-Za-z0-9*]+)=", re.sub(r'".*?"', "", line.decode())
            ):
                names = tags[tag].split()
                values = [getattr(record, name) for name in names]
                null = f" {tag}=<>" in line.decode()
                assert null or set(values) - {"", None}, (tag, line)
                seen[tag] += 1
    assert len(seen) > 20


def test_garbage_is_what_has_no_stamp(lines: list[bytes]) -> None:
    for line in lines:
        stamped = re.match(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", line) is not None
        assert (parse_line(line).kind is Kind.GARBAGE) is not stamped, line


def test_what_is_not_understood_was_written_by_acls(lines: list[bytes]) -> None:
    records = [parse_line(line) for line in lines]
    unparsed = [record for record in records if record.kind is Kind.UNPARSED]
    assert len(unparsed) < FEW * len(records)
    # Exim's own words about clients, of which none may be among them.
    own = re.compile(
        rb" (?:rejected|refused|dropped|SMTP (?:connection|call|protocol|syntax)"
        rb"|no MAIL|TLS error|queue run|daemon started|authenticator failed for) "
    )
    assert [
        r.raw for r in unparsed if own.search(r.raw[:120]) and b"Test: " not in r.raw
    ] == []


COMBINATIONS = (
    "",
    "--ids old --pid --garbage .01",
    "--ids mixed --millisec --timezone +0100 --ports --sender --m8s .5 --orphans .1",
    "--syslog stamp --millisec --pid --tls-resumption --dn 1 --subject 1",
    "--syslog nostamp --no-times --garbage .05 --pipelining classic",
    "--pipelining off --no-recipients --tls 0 --dn .5 --rejects .6",
    "--early 1 --ports --pid --timezone -0330 --tls-resumption --garbage .05",
)


@pytest.mark.parametrize("options", COMBINATIONS)
def test_a_generated_log_is_counted_alike(
    options: str, corpus: Path, tmp_path: Path
) -> None:
    tool = corpus.parent / "tools" / "gen_mainlog.py"
    if not tool.is_file():
        without(f"no generator at {tool}")
    log = tmp_path / "mainlog"
    subprocess.run(
        [sys.executable, tool, "--mb", "1", "-o", log, *options.split()],
        check=True,
        capture_output=True,
    )
    lines = log.read_bytes().removesuffix(b"\n").split(b"\n")
    records = [parse_line(line, 2026) for line in lines]
    assert forms(records) == count(lines)
    assert Kind.UNPARSED not in {record.kind for record in records}
    assert all(
        record.direction is not Direction.OUT or record.remote for record in records
    )
