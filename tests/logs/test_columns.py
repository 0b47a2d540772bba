"""The bulk reading of lines gives the columns that the complete grammar gives."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eximkit.logs.columns import entries, rewriting, shapes
from eximkit.logs.columns.entries import Reader
from eximkit.logs.line import parse_line
from tests.conftest import without
from tests.logs.mutation import mutated
from tests.logs.scenes import samples

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LOGS = {name: log.text for name, log in samples().items()}
LINES = [line for text in LOGS.values() for line in text.split(b"\n")[:-1]]
YEAR = 2026


def table_of(text: bytes, reader: Reader, year: int | None = None) -> pa.Table:
    (table,) = reader.entries(text, year)
    return table


def in_bulk(lines: Sequence[bytes], reader: Reader) -> list[dict[str, Any]]:
    table = table_of(b"\n".join(lines) + b"\n", reader, YEAR)
    rows: list[dict[str, Any]] = table.sort_by("line").to_pylist()
    return rows


def by_the_grammar(lines: Sequence[bytes]) -> list[dict[str, Any]]:
    records = [parse_line(line, YEAR) for line in lines]
    numbers = pa.array(range(len(lines)), pa.uint64())
    rows_of_all = entries._Rows(numbers, entries._of_records(records))
    table = entries._table([], rows_of_all, 1)
    rows: list[dict[str, Any]] = table.sort_by("line").to_pylist()
    return rows


def differences(lines: Sequence[bytes]) -> list[Any]:
    """The lines of which the two do not say the same, and what they say."""
    reader = Reader()
    found = []
    for start in range(0, len(lines), 500):
        lot = lines[start : start + 500]
        pairs = zip(in_bulk(lot, reader), by_the_grammar(lot), lot, strict=True)
        found += [
            (line, {n: (one[n], other[n]) for n in one if one[n] != other[n]})
            for one, other, line in pairs
            if one != other
        ]
    return found


def test_both_agree_on_the_samples() -> None:
    assert differences(LINES) == []


def test_both_agree_on_spoilt_lines() -> None:
    rng = random.Random(7)
    assert differences([mutated(rng, LINES) for _ in range(8000)]) == []


def test_both_agree_on_real_logs(corpus: Path) -> None:
    logs = sorted((corpus / "exim-logs").glob("[0-9]*"))
    assert len(logs) > 300
    lines = {line for log in logs for line in log.read_bytes().split(b"\n")}
    known = [line.replace(b"S=sss", b"S=812") for line in sorted(lines)]
    assert differences(known) == []
    rng = random.Random(8)
    assert differences([mutated(rng, known) for _ in range(6000)]) == []


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
    rng = random.Random(9)
    assert differences([mutated(rng, lines) for _ in range(2000)]) == []


HEAD = re.compile(
    rb"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(\.\d{3})?( [+-]\d{4})?( \[\d+\])?"
    rb"( [0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4})?(?= )"
)
PARTS = {
    2: (b"", b".000", b".917"),
    3: (b"", b" +0000", b" -0330"),
    4: (b"", b" [1]", b" [70123]", b" [1234567]", b" [12345678]"),
    5: (b" 1vb67m-000JyM-kk", b" 1vb67m-00000000JyM-kkkk"),
}
"""Other forms of what stands before a flag, by group."""
FIELDS = (
    b" H=(x) [192.0.2.9]:25", b" P=esmtpsa", b" X=TLS1.3:a:1*", b" CV=no", b" L.-",
    b" A=plain:a b:c@d.example", b" S=17", b" PRX=192.0.2.9", b" R=r", b" T=t",
    b' C="250 \\"ok\\" \xc3\xa4"', b" QT=1m2s", b" DT=0.25s", b" Future=1", b" K",
    b" id*=x@y.example", b' T="a \\344 \xe4 \xc3\xa4"', b" for a@b.example c@d.example",
    b' for a@b.example "c d"@e.example', b" for \xc3\xa4@b.example c\x0bd@e.example",
    b" <a b>", b" (a@b.example)", b" F=<>", b" F=<a@b.example>", b"\x1f", b"\0", b"\r",
)  # fmt: skip


@st.composite
def reshaped(draw: st.DrawFn) -> bytes:
    """A line with another head, and fields left out, doubled, moved and put in."""
    line = draw(st.sampled_from(LINES))
    head = HEAD.match(line)
    if head is None:
        return line
    parts = [head[1]]
    for group, others in PARTS.items():
        kept = head[group] or b""
        # A line without a message id is of another sort.
        may_differ = group < 5 or kept
        parts.append(draw(st.sampled_from((kept, *others))) if may_differ else kept)
    fields = re.split(rb"(?= )", line[head.end() :])
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(1, len(fields)))
        change = draw(st.sampled_from(("out", "double", "move", "in")))
        if change == "in":
            fields.insert(at, draw(st.sampled_from(FIELDS)))
        elif at < len(fields):
            field = fields[at] if change == "double" else fields.pop(at)
            if change != "out":
                fields.insert(draw(st.integers(1, len(fields))), field)
    return b"".join((*parts, *fields))


@given(st.lists(reshaped(), min_size=1, max_size=40))
def test_both_agree_whatever_fields_a_line_has(lines: list[bytes]) -> None:
    assert differences(lines) == []


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The lines that are left to the complete grammar."""
    lines: list[bytes] = []

    def noted(line: bytes, year: int | None) -> Any:
        lines.append(line)
        return parse_line(line, year)

    monkeypatch.setattr(entries, "parse_line", noted)
    return lines


def test_usual_lines_are_not_left_to_the_grammar(left: list[bytes]) -> None:
    for name in ("mainlog", "ports", "syslog"):
        left.clear()
        table_of(LOGS[name], Reader())
        assert len(left) < 0.1 * LOGS[name].count(b"\n")


def test_a_field_that_few_lines_have_is_left_to_the_grammar(left: list[bytes]) -> None:
    head = b"2026-03-01 10:00:00 1vb67m-000JyM-kk <= a@b.example H=[192.0.2.1] P=esmtp"
    usual, rare = head + b" S=1", head + b" PRDR S=2"
    reader = Reader()
    in_bulk([usual] * 300, reader)
    for lines, number in (
        ([usual] * 150 + [rare] + [usual] * 149, 1),
        ([usual, rare] * 150, 0),
        # From then on there is a cell for it.
        ([usual] * 150 + [rare] + [usual] * 149, 0),
    ):
        left.clear()
        assert in_bulk(lines, reader) == by_the_grammar(lines)
        assert left == [rare] * number


def test_lines_that_say_the_same_are_read_once(left: list[bytes]) -> None:
    lines = [b"", b"no such line", b"", *LINES[2:5], b"no such line", b""]
    assert in_bulk(lines, Reader()) == by_the_grammar(lines)
    assert left == [b"", b"no such line"]


def test_a_matcher_that_gives_up_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    text = LOGS["damaged"] + LOGS["mainlog"]
    whole = table_of(text, Reader())
    compiled = rewriting._compiled
    monkeypatch.setattr(
        rewriting,
        "_compiled",
        lambda pattern: compiled(b"(*LIMIT_MATCH=1)(*NO_JIT)" + pattern),
    )
    assert table_of(text, Reader()).equals(whole)


@pytest.mark.parametrize(
    "octet", [b"x", b" ", b'"', b":", b"\\", b"(", b"[", b"<a@b>", b"\xff", b"\x1f"]
)
def test_a_line_of_a_megabyte_is_one_row(octet: bytes) -> None:
    for head in (LINES[2][:44], LINES[2], b"2026-01-01 00:00:00 H=("):
        line = head + octet * (1_000_000 // len(octet))
        text = line + b"\n" + LINES[2] + b"\n"
        assert table_of(text, Reader()).num_rows == 2


def test_shapes_have_marks_of_their_own() -> None:
    of_message, others = shapes.shapes()
    both = {mark for mark in of_message if mark in others}
    assert all(of_message[mark] is others[mark] for mark in both)
    assert all(len(mark) == 1 for mark in (*of_message, *others))
