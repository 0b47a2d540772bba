"""Hours that give way to days and hours of the day: `eximkit.logs.hours`."""

from __future__ import annotations

import random
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from eximkit.logs import hours
from eximkit.logs.analysis import analyse, wanted
from eximkit.logs.chunks import CHUNK
from eximkit.logs.parallel import summarise
from eximkit.logs.ranges import RANGE
from eximkit.logs.scan import BY_HOUR, FEW_HOURS, scan
from eximkit.logs.sources import gather
from eximkit.logs.summary import Summary
from tests.logs.generator import Log, Options
from tests.logs.scenes import busy

if TYPE_CHECKING:
    from pathlib import Path

START = datetime(2026, 3, 1, 8)  # noqa: DTZ001 - as the log has it


def log(days: int, messages: int = 40) -> bytes:
    made = Log(Options(seed=days), START)
    busy(made, days, messages)
    return made.text


LONG = log(9)


def pieces(text: bytes, count: int) -> list[tuple[int, bytes]]:
    """Parts of whole lines, each with its offset."""
    lines = text.splitlines(keepends=True)
    size = max(1, len(lines) // count)
    found, offset = [], 0
    for start in range(0, len(lines), size):
        part = b"".join(lines[start : start + size])
        found.append((offset, part))
        offset += len(part)
    return found


def summary(text: bytes, wants: frozenset[str], offset: int = 0) -> Summary:
    return scan(text, wanted=wants, offset=offset)


def test_few_hours_stay() -> None:
    text = log(2)
    found = Summary() + summary(text, frozenset({FEW_HOURS}))
    exact = Summary() + summary(text, frozenset({BY_HOUR}))
    assert found.of_day is None
    assert found.arrivals == exact.arrivals
    assert analyse(found).hours == analyse(exact, by=("hour",)).groups["hour"]


def test_many_hours_give_way_and_nothing_is_lost() -> None:
    found = Summary() + summary(LONG, frozenset({FEW_HOURS}))
    daily, hourly = (
        analyse(Summary() + summary(LONG, wants), by=by)
        for wants, by in ((frozenset(), ()), (frozenset({BY_HOUR}), ("hour",)))
    )
    assert found.of_day is not None
    assert all(len(key.hour) == 10 for key in found.arrivals)
    report = analyse(found)
    assert report.hours == {}
    assert report.days == daily.days
    assert report.pipelining == daily.pipelining
    assert list(report.hours_of_day) == list(hourly.hours_of_day)
    for hour, tally in report.hours_of_day.items():
        other = hourly.hours_of_day[hour]
        assert (tally.arrivals, tally.octets) == (other.arrivals, other.octets)
        assert tally.deliveries == other.deliveries
        assert tally.inbound == other.inbound
        assert tally.outbound == other.outbound
        shares = tally.usage.inbound.shares()["early"]
        assert shares == other.usage.inbound.shares()["early"]
        assert tally.usage.outbound.shares() | {"used": None} == (
            other.usage.outbound.shares() | {"used": None}
        )


@pytest.mark.parametrize("count", [2, 5, 40])
def test_how_the_log_is_divided_makes_no_difference(count: int) -> None:
    wants = frozenset({FEW_HOURS})
    whole = Summary() + summary(LONG, wants)
    parts = [summary(part, wants, offset) for offset, part in pieces(LONG, count)]
    before = [part.arrivals.copy() for part in parts]
    random.Random(count).shuffle(parts)
    half = len(parts) // 2
    for found in (
        sum(parts, Summary()),
        sum(parts[:half], Summary()) + sum(parts[half:], Summary()),
        sum(parts[half:], Summary()) + sum(parts[:half], Summary()),
    ):
        assert found.arrivals == whole.arrivals
        assert found.deliveries == whole.deliveries
        assert found.received == whole.received
        assert found.events == whole.events
        assert found.of_day == whole.of_day
        assert analyse(found) == analyse(whole)
    assert len({key.hour for key in whole.arrivals}) < hours.FEW
    assert sum(map(sum, (part.values() for part in before))) == sum(
        whole.arrivals.values()
    ), "what is added stays as it was"


def test_hours_that_are_asked_for_stay_however_many() -> None:
    found = Summary() + summary(LONG, frozenset({FEW_HOURS, BY_HOUR}))
    assert found.of_day is None
    assert len({key.hour for key in found.arrivals}) > hours.FEW


def test_one_file_is_counted_piece_by_piece(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = log(9, 300)
    assert len(text) > 2 * CHUNK
    path = tmp_path / "mainlog"
    path.write_bytes(text)
    wants = wanted(("tls",), traffic=True) | {FEW_HOURS}
    found = []
    for size in (RANGE, 1):
        monkeypatch.setattr("eximkit.logs.counting.RANGE", size)
        with gather((str(path),)) as logs:
            found.append(summarise(logs.sources, jobs=1, wanted=wants).summary)
    assert analyse(found[0], by=("tls",)) == analyse(found[1], by=("tls",))
    assert found[0].lines == text.count(b"\n")
