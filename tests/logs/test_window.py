"""The lines that were written in a certain time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eximkit.logs.analysis import analyse_logs
from eximkit.logs.window import ANY_TIME, Window
from tests.logs.generator import Log, Options
from tests.logs.scenes import busy

if TYPE_CHECKING:
    from pathlib import Path

START = datetime(2026, 2, 28, 23)  # noqa: DTZ001 - as the log has it


def kept(window: Window, text: bytes, year: int | None = None) -> bytes:
    return b"".join(text[start:end] for start, end in window.runs(text, year))


STAMPS = {
    "file": "{:%F %T} ",
    "millisec": "{:%F %T}.123 +0100 [77] ",
    "syslog": "{:%b %e %T} mx exim[7]: {:%F %T} ",
    "syslog only": "{:%b %e %T} mx exim[7]: ",
    "padded hour": "{:%b %e %k:%M:%S} mx exim[7]: ",
    "rfc3339": "{:%FT%T}.123456+00:00 mx exim[7]: ",
    "piece": "{:%b %e %T} mx exim[7]: [1/2] {:%F %T} ",
}


@pytest.mark.parametrize("stamp", list(STAMPS.values()), ids=list(STAMPS))
@given(
    steps=st.lists(st.integers(-4000, 9000), max_size=12),
    since=st.integers(-9000, 90000),
    length=st.integers(0, 90000),
)
def test_lines_are_kept_by_their_time(
    stamp: str, steps: list[int], since: int, length: int
) -> None:
    begin = START + timedelta(seconds=since)
    end = begin + timedelta(seconds=length)
    time, text, wanted = START, b"", b""
    for step in steps:
        time += timedelta(seconds=step)
        line = stamp.format(time, time).encode() + b"1qAbCd-0001ab-Xy Completed\n"
        text += line
        wanted += line if begin <= time < end else b""
    assert kept(Window.between(begin, end), text, 2026) == wanted


def test_lines_without_a_time_go_with_those_before() -> None:
    text = (
        b"first\n2026-01-01 10:00:00 a\nx\n2026-01-02 10:00:00 b\n\0\n"
        b"2026-01-01 11:00:00 late\nlast"
    )
    second = Window("2026-01-02 00:00:00", "")
    assert kept(second, text) == b"2026-01-02 10:00:00 b\n\0\n"
    first = Window("", "2026-01-02 00:00:00")
    assert kept(first, text) == (
        b"first\n2026-01-01 10:00:00 a\nx\n2026-01-01 11:00:00 late\nlast"
    )


@given(st.binary(max_size=300))
def test_any_time_is_all(text: bytes) -> None:
    assert kept(ANY_TIME, text) == text
    early, late = Window("", "2026-01-01 00:00:00"), Window("2026-01-01 00:00:00", "")
    # Every line that has a time is in one of the two, those without in one or in both.
    assert len(kept(early, text)) + len(kept(late, text)) >= len(text)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_part_of_a_log(jobs: int, tmp_path: Path) -> None:
    log = Log(Options(), datetime(2026, 3, 1, 8))  # noqa: DTZ001
    busy(log, 3, 20)
    path = tmp_path / "mainlog"
    path.write_bytes(log.text)
    since, until = (datetime(2026, 3, day) for day in (2, 3))  # noqa: DTZ001
    report = analyse_logs([path], since=since, until=until, jobs=jobs)
    assert list(report.days) == ["2026-03-02"]
    day = log.truth()["per_day"]["2026-03-02"]
    assert report.messages.arrivals == day["arrivals"]
    assert dict(report.hosts["in"].top[0].forms)
