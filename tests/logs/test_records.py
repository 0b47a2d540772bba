from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from eximkit.errors import InputError
from eximkit.logs.record import Kind
from eximkit.logs.records import iter_records

if TYPE_CHECKING:
    from pathlib import Path

    from eximkit.logs.sources import ReadProblem

MESSAGE = "10HmaX-000000005vi-0000"
COMPLETED = f"{MESSAGE} Completed\n"


def test_logs_are_read_in_the_order_of_time(tmp_path: Path) -> None:
    (tmp_path / "mainlog").write_text(f"2026-01-02 03:04:05 {COMPLETED}\n")
    old = f"2026-01-01 03:04:05 {MESSAGE} <= a@b.example P=local S=12\r\n".encode()
    (tmp_path / "mainlog.1.gz").write_bytes(gzip.compress(old))
    records = list(iter_records(f"{tmp_path}/mainlog*"))
    assert [record.kind for record in records] == [
        Kind.ARRIVAL, Kind.COMPLETED, Kind.GARBAGE,
    ]  # fmt: skip
    assert list(iter_records([tmp_path / "mainlog"])) == records[1:]
    assert list(iter_records(tmp_path / "mainlog")) == records[1:]


def test_split_entries_are_one_and_have_a_year(tmp_path: Path) -> None:
    log = tmp_path / "mail.log"
    head = "{} 03:04:05 mx exim[1]: "
    december, january = head.format("Dec 31"), head.format("Jan  1")
    log.write_text(
        f"{december}[1/2] {MESSAGE} <= a@b.exam\n{december}[2/2] ple P=local S=12\n"
        f"{january}{COMPLETED}"
    )
    first, second = iter_records(log, year=2020)
    assert (first.kind, second.kind) == (Kind.ARRIVAL, Kind.COMPLETED)
    assert b"b.example P=local" in first.raw
    assert (first.stamp[:4], second.stamp[:4]) == ("2019", "2020")


def test_lines_that_are_too_long_are_garbage(tmp_path: Path) -> None:
    log = tmp_path / "mainlog"
    log.write_bytes(b"2026-01-02 03:04:05 x\n" + b"y" * (17 << 20) + b"\n")
    assert [record.kind for record in iter_records(log)][1:] == [Kind.GARBAGE]


def test_what_is_lost_is_told(tmp_path: Path) -> None:
    log = tmp_path / "mainlog.gz"
    text = f"2026-01-02 03:04:05 {COMPLETED}".encode()
    log.write_bytes(gzip.compress(text)[:-4])
    problems: list[ReadProblem] = []
    assert len(list(iter_records(log, problems=problems))) == 1
    assert [path for path, _, _ in problems] == [str(log)]
    records = iter_records(log)
    assert next(records).kind is Kind.COMPLETED
    with pytest.raises(InputError, match="ends in the middle"):
        next(records)
