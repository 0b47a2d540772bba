"""Requests of `eximkit expand --jsonl`: whatever the lines, each has one answer."""

from __future__ import annotations

import io
import json

from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from eximkit.cli import main
from eximkit.cli.expand_jsonl import LINE_LIMIT, Malformed, Request, requests

LINES = st.binary(max_size=60).filter(lambda line: b"\n" not in line)
OCTETS = st.binary(max_size=40)


def as_text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def answers(stdin: bytes) -> list[dict[str, object]]:
    run = CliRunner().invoke(main, ["expand", "--jsonl"], input=stdin)
    assert run.exit_code in {0, 1}, run.output
    return [json.loads(line) for line in run.stdout_bytes.split(b"\n")[:-1]]


@given(st.lists(LINES, max_size=4))
def test_any_octets(lines: list[bytes]) -> None:
    rows = answers(b"\n".join(lines))
    assert len(rows) == sum(bool(line.strip()) for line in lines)
    for row in rows:
        assert row.keys() == {"ok", "output", "error", "kind"}


@given(st.lists(st.text(max_size=30).map(lambda text: {"expr": text}), max_size=4))
def test_any_strings(given_requests: list[dict[str, str]]) -> None:
    stdin = "".join(json.dumps(request) + "\n" for request in given_requests)
    rows = answers(stdin.encode())
    assert len(rows) == len(given_requests)
    for row in rows:
        assert (row["output"] is None) == (row["error"] is not None)
        assert (row["kind"] is None) is row["ok"]


@given(OCTETS.filter(lambda data: not set(data) & set(b"\0\\$")))
def test_octets_without_meaning_come_back(data: bytes) -> None:
    text = as_text(data)
    for line in (json.dumps({"expr": text}),
                 json.dumps({"expr": text}, ensure_ascii=False)):  # fmt: skip
        (row,) = answers(line.encode("utf-8", "surrogateescape") + b"\n")
        assert row["output"] == text


@given(OCTETS.filter(lambda data: b"\0" not in data))
def test_a_variable_may_hold_any_octets(data: bytes) -> None:
    text = as_text(data)
    request = {"expr": "<$domain>", "set": {"domain": text}}
    (row,) = answers(json.dumps(request).encode())
    assert row["output"] == f"<{text}>"


def test_lines_are_read_one_by_one() -> None:
    stream = io.BytesIO(b'{"expr": "a"}\n{"expr": "b"}\n')
    waiting = requests(stream)
    assert next(waiting) == Request("a")
    assert stream.tell() == 14
    assert next(waiting) == Request("b")
    assert next(waiting, None) is None


def test_what_json_cannot_hold_is_told_of_in_plain_words() -> None:
    digits = b'{"expr": %s}' % (b"9" * 5000)
    first, second = requests(io.BytesIO(digits + b"\n" + b"[" * 100_000))
    assert first == Malformed("line 1: not JSON: a number has too many digits")
    assert second == Malformed("line 2: not JSON: nested too deep")


def test_the_longest_line() -> None:
    long = b'{"expr": "%s"}' % (b"x" * (LINE_LIMIT - 13))
    assert len(long) == LINE_LIMIT - 1
    first, second, third = requests(io.BytesIO(long + b"\n" + long + b"  \n{}"))
    assert isinstance(first, Request)
    assert isinstance(second, Malformed)
    assert third == Malformed('line 3: an object with a string "expr" is expected')
