"""Every form of line: what it is taken for, and all that it says."""

from __future__ import annotations

import pickle
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eximkit.logs.line import FLAGS, parse_line
from eximkit.logs.matching import LONGEST
from eximkit.logs.record import Direction, Kind, LogRecord, Piece

CASES = tomllib.loads(
    (Path(__file__).parent.parent / "cases" / "loglines.toml").read_text()
)["line"]
HEAD = "2026-01-02 03:04:05 10HmaX-000000005vi-0000"
OF_HEAD = {
    "raw", "stamp", "milliseconds", "zone", "process", "syslog_host", "piece",
    "message_id",
}  # fmt: skip
LINES = [
    (HEAD + line[1:] if line.startswith("@") else line).encode()
    for line in (case["line"] for case in CASES)
]


def said(record: LogRecord) -> dict[str, Any]:
    """The attributes that a line has."""
    absent = LogRecord._field_defaults
    return {
        name: value
        for name, value in record._asdict().items()
        if name not in absent or value != absent[name]
    }


def expected(case: dict[str, Any]) -> dict[str, Any]:
    found = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in case.items()
        if name != "line"
    }
    if "piece" in found:
        found["piece"] = Piece(*found["piece"])
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["line"])
def test_a_line_says_just_this(case: dict[str, Any]) -> None:
    line = LINES[CASES.index(case)]
    record = parse_line(line, 2025)
    found = said(record)
    wanted = expected(case)
    for name in OF_HEAD - wanted.keys():
        found.pop(name, None)
    assert found == wanted
    assert record.raw == line


def test_every_sort_of_line_has_a_case() -> None:
    assert {case["kind"] for case in CASES} == set(Kind)


def test_every_attribute_has_a_case() -> None:
    named = {name for case in CASES for name in case} - {"line"}
    assert named == set(LogRecord._fields) - {"raw"}


@pytest.mark.parametrize("line", LINES, ids=bytes.decode)
def test_a_carriage_return_before_the_line_end_is_tolerated(line: bytes) -> None:
    record = parse_line(line + b"\r", 2025)
    assert record.raw == line + b"\r"
    assert record[1:] == parse_line(line, 2025)[1:]


@pytest.mark.parametrize("line", LINES, ids=bytes.decode)
def test_a_cut_line_is_the_same_event_or_none(line: bytes) -> None:
    """Not another event: what is left of it never says more than it did."""
    whole = parse_line(line, 2025)
    if whole.kind in {Kind.GARBAGE, Kind.UNPARSED}:
        return
    events = set(FLAGS.values())
    for end in range(len(line)):
        kind = parse_line(line[:end], 2025).kind
        assert kind not in events or kind is whole.kind, line[:end]


def test_no_octet_is_lost_where_text_is_not_utf_8() -> None:
    line = (
        HEAD.encode()
        + b' <= \xe9@x H=(\xff) [192.0.2.1] P=smtp S=1 T="caf\xe9 \xc3\xa9"'
    )
    record = parse_line(line)
    assert record.sender == "\udce9@x"
    assert record.helo == "\udcff"
    assert record.subject == "caf\udce9 é"


def test_escapes_of_a_subject_are_undone() -> None:
    record = parse_line(
        rf'{HEAD} <= a@b U=a P=local S=1 T="\"a\" \\ \303\251\344 \n\t\007 \y"'.encode()
    )
    assert record.subject == '"a" \\ é\udce4 \n\t\a y'


def test_without_a_year_the_stamp_has_none() -> None:
    line = b"Feb 29 03:04:05 mx1 exim[1]: 10HmaX-000000005vi-0000 Completed"
    assert parse_line(line).stamp == "0000-02-29 03:04:05"
    assert parse_line(line, 2024).stamp == "2024-02-29 03:04:05"


def test_octets_of_zero_make_garbage() -> None:
    for line in LINES[::7]:
        record = parse_line(line[:30] + b"\0" + line[30:])
        assert record == LogRecord(record.raw, Kind.GARBAGE)


@pytest.mark.parametrize(
    ("text", "direction"),
    [
        ("<= a@b H=x [192.0.2.1] P=smtp S=1", Direction.IN),
        ("(= a@b H=x [192.0.2.1] P=smtp S=1", Direction.IN),
        ("<= a@b U=a P=local-esmtp L- S=1", None),
        ("=> a@b R=r T=t H=x [192.0.2.1]", Direction.OUT),
        (">> a@b R=r T=t H=x [192.0.2.1]", Direction.OUT),
        ("-> a@b R=r T=t H=x", None),
        ("** a@b R=r T=t H=x [192.0.2.1]: no", None),
        ("Completed", None),
    ],
)
def test_the_direction_of_an_event(text: str, direction: Direction | None) -> None:
    assert parse_line(f"{HEAD} {text}".encode()).direction is direction


@pytest.mark.parametrize(
    ("tls", "version"),
    [
        ("TLS1.3:TLS_AES_256_GCM_SHA384:256", "TLS1.3"),
        ("TLSv1.3:TLS_AES_256_GCM_SHA384:256*", "TLS1.3"),
        ("TLS1.2:ECDHE_SECP256R1__RSA_SHA256__AES_128_GCM:128", "TLS1.2"),
        ("TLSv1:RC4-SHA:128", "TLS1"),
        ("TLS1.0:RSA_AES_256_CBC_SHA1:32", "TLS1"),
        ("TLSv1.1:AES256-SHA:256", "TLS1.1"),
        ("SSLv3:DES-CBC3-SHA:168", "SSL3"),
        ("SSL3.0:RSA_ARCFOUR_SHA1:16", "SSL3"),
        ("UNKNOWN:AES256-SHA:256", "unknown"),
        ("TLS_proto_and_cipher", "unknown"),
    ],
)
def test_versions_of_tls_are_spelt_one_way(tls: str, version: str) -> None:
    record = parse_line(f"{HEAD} <= a@b H=x [192.0.2.1] P=esmtps X={tls} S=1".encode())
    assert (record.tls, record.tls_version) == (tls, version)
    assert record.tls_resumed is tls.endswith("*")
    assert parse_line(f"{HEAD} <= a@b U=a P=local S=1".encode()).tls_version == ""


def test_records_go_to_other_processes() -> None:
    for line in LINES:
        record = parse_line(line, 2025)
        assert pickle.loads(pickle.dumps(record)) == record  # noqa: S301


@given(st.binary())
def test_no_octets_whatever_raise(line: bytes) -> None:
    assert parse_line(line).raw == line


_WORDS = [
    word for line in LINES for word in (b" ", *line.replace(b" ", b" \n").split(b"\n"))
]


@given(st.lists(st.sampled_from(_WORDS), max_size=60), st.sampled_from(sorted(FLAGS)))
def test_no_words_of_logs_whatever_raise(words: list[bytes], flag: str) -> None:
    for line in (b"".join(words), f"{HEAD} {flag}".encode() + b"".join(words)):
        assert parse_line(line).raw == line


_HARD = {
    "blanks": b" " * 1_000_000,
    "digits": b"1" * 1_000_000,
    "quotes": b'"' * 1_000_000,
    "backslashes": b"\\" * 1_000_000,
    "addresses": b"a@b " * 250_000,
    "parentheses": b"(" * 1_000_000,
    "ends of HELOs": b" (x) [192.0.2.1]" * 70_000,
    "hosts": b"H=(x) [192.0.2.1] P=smtp S=1 " * 35_000,
    "names": b' DN="a" A=b:c S=1' * 60_000,
    "sizes": b"S=1 " * 250_000,
    "subjects": b' T="' * 250_000,
    "originals": b' <"a"@b>' * 120_000,
    "brackets": b" <" * 500_000,
    "routes": b" <a@b> R=r T=t: " * 60_000,
    "deferrals": b" defer (1): " * 80_000,
    "stamps": b"2026-01-02 03:04:05 " * 50_000,
    "times": b" DT=1s" * 160_000,
    "rejections": b"H=(x) [192.0.2.1] rejected RCPT <a>: " * 27_000,
    "colons": b":" * 1_000_000,
}
_BEFORE = ["", *(f"{HEAD} {flag}" for flag in FLAGS), f"{HEAD} ", f"{HEAD[:20]}"]
_BEGUN = [
    "",
    "a@b H=(x",
    "a@b H=x [192.0.2.1] P=esmtp ",
    "a@b R=r T=t H=x [192.0.2.1] ",
    "H=(x",
    "SMTP connection from (x",
    'SMTP syntax error in "',
]


@pytest.mark.parametrize("text", _HARD.values(), ids=_HARD)
def test_a_line_of_a_megabyte_takes_no_long_time(text: bytes) -> None:
    slow = []
    for before in _BEFORE:
        for begun in _BEGUN:
            for size in (LONGEST - 1000, 1_000_000):
                line = f"{before}{begun}".encode() + text[:size]
                start = time.process_time()
                record = parse_line(line)
                took = time.process_time() - start
                assert record.raw == line
                if took > 1:
                    slow.append((before, begun, size, round(took, 1)))
    assert slow == []


def test_a_long_line_is_an_event_like_others() -> None:
    recipients = " ".join(f"r{n}@x.example" for n in range(70_000))
    text = f"{HEAD} <= a@b H=x [192.0.2.1] P=esmtp L* S=1 for {recipients}"
    record = parse_line(text.encode())
    assert (record.kind, record.form, len(record.recipients)) == (
        Kind.ARRIVAL, "L*", 70_000,
    )  # fmt: skip
