from __future__ import annotations

import gzip
import json
import os
import random
import shutil
import time
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest

from eximkit.errors import InputError
from eximkit.logs import ageing, trail
from eximkit.logs.ageing import age
from eximkit.logs.analysis import analyse
from eximkit.logs.follow import Follower, FollowState
from eximkit.logs.parallel import summarise
from eximkit.logs.saved import as_data, from_data
from eximkit.logs.scan import BY_HOUR, TRAFFIC, scan
from eximkit.logs.sources import gather
from tests.logs.generator import Log, Options
from tests.logs.rotating import RotatedLog
from tests.logs.scenes import busy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from eximkit.logs.summary import Summary


def some_lines(seed: int = 1, **options: Any) -> Iterator[bytes]:
    """Lines of a log without an end."""
    log = Log(Options(seed=seed, **options), datetime(2026, 3, 1, 1, 5))  # noqa: DTZ001
    while True:
        log.text = b""
        log.daemon_start()
        busy(log, 1, 40)
        yield from log.text.splitlines(keepends=True)


def comparable(summary: Summary) -> tuple[dict[str, Any], list[Any]]:
    """What does not depend on how the log was cut into files and pieces."""
    data: dict[str, Any] = {
        name: getattr(summary, name)
        for name in summary.__dataclass_fields__
        if name not in {"stretches", "traffic"}
    }
    data["traffic"] = analyse(summary).traffic
    stretches = [(p.started, p.evidence) for p in summary.stretches]
    return data, stretches


def one_pass(paths: Iterable[Path], *wanted: str) -> Summary:
    with gather(list(paths)) as found:
        return summarise(found.sources, jobs=1, wanted=frozenset(wanted)).summary


def follower(path: Path, oldest: Path | None = None, *wanted: str) -> Follower:
    start = None if oldest is None else str(oldest)
    return Follower.begin([(str(path), start)], wanted=frozenset(wanted))


def read(found: Follower) -> Follower:
    while found.step():
        pass
    return found


def saved(found: Follower) -> FollowState:
    """The state as it would be read again."""
    return from_data(FollowState, json.loads(json.dumps(as_data(found.state()))))


def killed(found: Follower, state: FollowState) -> Follower:
    """Another follower, that knows only what was saved."""
    found.close()
    return Follower.resume(from_data(FollowState, as_data(state)))


def settle(log: RotatedLog) -> None:
    """As if all was written a while ago, so that no line is waited for."""
    for path in log.files():
        then = path.stat().st_mtime - 60
        os.utime(path, (then, then))


@pytest.mark.parametrize("seed", range(12))
def test_whatever_happens_each_line_is_counted_once(tmp_path: Path, seed: int) -> None:
    """Rotations of each kind, kills, half lines and late ones, in any order."""
    choose = random.Random(seed)
    log = RotatedLog(tmp_path / "mainlog", some_lines(seed))
    log.write(choose.randrange(3))
    wanted = (TRAFFIC, BY_HOUR) if seed % 2 else ()
    found = follower(log.path, None, *wanted)
    state = saved(found)
    for _ in range(150):
        action = choose.choice(
            ["write"] * 6 + ["step"] * 6 + ["save"] * 2
            + ["half", "rename", "late", "copy", "compress", "kill", "read"]
        )  # fmt: skip
        if action == "write":
            log.write(choose.randrange(1, 30))
        elif action == "half":
            log.write_half()
        elif action == "rename":
            log.rename()
        elif action == "late":
            log.rename(late=choose.randrange(1, 4))
        elif action == "copy":
            log.copy_and_truncate()
        elif action == "compress":
            log.compress(choose.randrange(2, 5))
        elif action == "step":
            found.step()
        elif action == "read":
            read(found)
        elif action == "save":
            state = saved(found)
        else:
            found = killed(found, state)
    log.close()
    settle(log)
    found = read(killed(read(found), saved(found)))
    whole = one_pass(log.files(), *wanted)
    assert found.problems == []
    assert whole.lines == log.written
    assert whole.garbage == 0
    assert comparable(found.summary())[0] == comparable(whole)[0]
    found.close()


class Place:
    """A folder with a log in it, and a follower that has read it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "mainlog"
        self.lines = some_lines()
        self.stream = self.path.open("ab", buffering=0)
        self.write(50)
        self.follower = follower(self.path)
        self.read()

    def write(self, number: int) -> bytes:
        data = b"".join(next(self.lines) for _ in range(number))
        self.stream.write(data)
        return data

    def reopen(self) -> None:
        self.stream.close()
        self.stream = self.path.open("ab", buffering=0)

    def read(self) -> int:
        return read(self.follower).summary().lines

    def resumed(self) -> int:
        self.follower = killed(self.follower, saved(self.follower))
        return self.read()

    @property
    def told(self) -> str:
        return " ".join(p.reason for p in self.follower.problems)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.stream.close()
    made.follower.close()


def test_a_line_is_counted_when_its_end_has_come(place: Place) -> None:
    line = next(place.lines)
    place.stream.write(line[:-1])
    assert place.read() == 50
    assert place.resumed() == 50
    place.stream.write(b"\n")
    assert place.read() == 51


def test_a_log_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "mainlog"
    found = follower(path)
    assert not found.step()
    path.write_bytes(b"".join(islice(some_lines(), 7)))
    assert read(found).summary().lines == 7
    found.close()


def test_a_log_that_goes_and_comes_back_is_read_on(place: Place) -> None:
    away = place.path.with_name("elsewhere")
    place.path.rename(away)
    place.write(3)
    assert place.read() == 53
    away.rename(place.path)
    place.write(4)
    assert place.read() == 57
    assert place.resumed() == 57


def test_a_log_that_is_replaced_by_its_copy_is_not_read_again(place: Place) -> None:
    """As editors and restored backups do."""
    copy = place.path.with_name("copy")
    shutil.copyfile(place.path, copy)
    copy.replace(place.path)
    place.reopen()
    place.write(5)
    assert place.read() == 55
    assert place.told == ""


def test_a_log_that_is_deleted_is_followed_by_the_next(place: Place) -> None:
    place.write(2)
    place.path.unlink()
    place.reopen()
    place.write(6)
    assert place.read() == 58


def test_a_log_that_grew_beyond_its_size_after_a_cut_is_another(place: Place) -> None:
    """The size says nothing then: what stands there does."""
    size = place.path.stat().st_size
    shutil.copyfile(place.path, place.path.with_name("mainlog.1"))
    os.truncate(place.path, 0)
    written = 0
    while place.path.stat().st_size <= size:
        place.write(1)
        written += 1
    assert place.read() == 50 + written
    assert place.told == ""


def test_a_cut_without_a_copy_is_told(place: Place) -> None:
    os.truncate(place.path, 0)
    assert place.read() == 50
    place.write(8)
    assert place.read() == 58
    assert "not there any more" in place.told
    assert place.follower.gaps == 1
    assert place.resumed() == 58
    assert place.follower.gaps == 1


def test_a_log_that_was_written_over_is_not_counted_again(place: Place) -> None:
    """The same beginning, but another end: somebody took lines out."""
    text = place.path.read_bytes().splitlines(keepends=True)
    place.path.write_bytes(b"".join(text[:40]))
    assert place.read() == 50
    place.reopen()
    place.write(3)
    assert place.read() == 53
    assert "not there any more" in place.told


def test_what_is_written_late_to_a_renamed_file_is_counted(place: Place) -> None:
    place.path.rename(place.path.with_name("mainlog.1"))
    old = place.stream
    place.stream = place.path.open("ab", buffering=0)
    place.write(5)
    assert place.read() == 55
    old.write(next(place.lines))
    assert place.read() == 56
    old.write(next(place.lines))
    assert place.resumed() == 57
    old.close()


def test_a_rotated_file_is_let_go_after_a_while(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.path.rename(place.path.with_name("mainlog.1"))
    place.reopen()
    place.write(5)
    monkeypatch.setattr(trail, "LATE", -1)
    assert place.read() == 55
    assert len(place.follower.state().trails[0].places) == 1


def test_many_rotations_between_two_looks_are_all_read(place: Place) -> None:
    log = place.path
    for number in range(5, 0, -1):
        place.write(10)
        place.reopen()
        log.rename(log.with_name(f"mainlog.{number}"))
        place.reopen()
    for number in (3, 4, 5):
        old = log.with_name(f"mainlog.{number}")
        status = old.stat()
        packed = log.with_name(f"mainlog.{number}.gz")
        packed.write_bytes(gzip.compress(old.read_bytes()))
        os.utime(packed, ns=(status.st_atime_ns, status.st_mtime_ns))
        old.unlink()
    place.write(1)
    assert place.resumed() == 101
    assert place.told == ""


def test_dated_files_are_read_in_the_order_of_time(place: Place) -> None:
    log = place.path
    then = time.time() - 100
    for day in range(3):
        place.write(10)
        log.rename(log.with_name(f"mainlog-2026030{day + 1}"))
        os.utime(log.with_name(f"mainlog-2026030{day + 1}"), (then + day, then + day))
        place.reopen()
    place.write(1)
    assert place.read() == 81
    assert place.follower.rotations == 3


def test_files_that_only_begin_with_the_name_are_not_of_the_log(place: Place) -> None:
    for name in (
        "mainlog.bak",
        "mainlog.swp",
        "mainlog2",
        "mainlog.1.orig",
        "xmainlog",
    ):
        place.path.with_name(name).write_bytes(b"".join(islice(some_lines(3), 9)))
    place.path.with_name("mainlog.7").mkdir()
    place.path.rename(place.path.with_name("mainlog.1"))
    place.reopen()
    place.write(2)
    assert place.read() == 52


def test_rotated_files_that_were_there_before_are_not_read(tmp_path: Path) -> None:
    log = RotatedLog(tmp_path / "mainlog", some_lines())
    for _ in range(3):
        log.write(10)
        log.rename()
    log.write(4)
    found = read(follower(log.path))
    assert found.summary().lines == 4
    found = read(killed(found, saved(found)))
    log.write(1)
    log.close()
    assert read(found).summary().lines == 5
    found.close()


@pytest.mark.parametrize("live", [0, 4])
def test_a_rotated_file_that_is_named_is_where_it_begins(
    tmp_path: Path, live: int
) -> None:
    log = RotatedLog(tmp_path / "mainlog", some_lines())
    for _ in range(4):
        log.write(10)
        log.rename()
        log.compress(3)
    log.write(live)
    log.close()
    found = read(follower(log.path, log.files()[1]))
    assert found.summary().lines == 30 + live
    found.close()


def test_a_state_before_the_first_line_leads_to_all_of_them(tmp_path: Path) -> None:
    log = RotatedLog(tmp_path / "mainlog", some_lines())
    found = follower(log.path)
    state = saved(found)
    for _ in range(3):
        log.write(10)
        log.rename()
        log.compress(2)
    log.close()
    found = read(killed(found, state))
    assert found.summary().lines == 30
    found.close()


def test_the_end_of_a_file_that_was_cut_is_a_line(place: Place) -> None:
    line = next(place.lines)
    place.stream.write(line[:30])
    old = place.path.with_name("mainlog.1")
    place.path.rename(old)
    place.reopen()
    place.stream.write(line[30:])
    place.write(1)
    then = time.time() - 60
    os.utime(old, (then, then))
    assert place.read() == 53
    one, other = place.follower.summary(), one_pass([old, place.path])
    assert comparable(one)[0] == comparable(other)[0]


def test_a_damaged_file_is_read_as_far_as_it_goes(place: Place) -> None:
    place.write(100)
    text = place.path.read_bytes()
    packed = gzip.compress(text)
    place.path.with_name("mainlog.1.gz").write_bytes(packed[: len(packed) - 400])
    place.path.unlink()
    place.reopen()
    place.write(2)
    assert 52 < place.resumed() < 152
    assert "in the middle of its compressed data" in place.told


def test_a_line_without_an_end_does_not_take_the_memory(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trail, "LINE_LIMIT", 1 << 12)
    monkeypatch.setattr(trail, "READ", 1 << 10)
    place.stream.write(b"x" * 10_000)
    assert place.read() == 50
    assert place.resumed() == 50
    place.stream.write(b"x" * 7 + b"\n")
    place.write(1)
    summary = read(place.follower).summary()
    assert (summary.lines, summary.garbage) == (52, 1)
    assert summary.octets == place.path.stat().st_size


@pytest.mark.parametrize("log_format", ["stamp", "nostamp", "rfc3339"])
def test_syslog_is_followed_over_the_turn_of_a_year(
    tmp_path: Path, log_format: str
) -> None:
    log = Log(Options(syslog=log_format), datetime(2024, 12, 30, 1, 5))  # noqa: DTZ001
    busy(log, 4, 30)
    lines = log.text.splitlines(keepends=True)
    path = tmp_path / "mainlog"
    path.write_bytes(b"".join(lines[:60]))
    then = datetime(2024, 12, 30, 23).timestamp()  # noqa: DTZ001
    os.utime(path, (then, then))
    found = read(follower(path))
    with path.open("ab") as stream:
        stream.writelines(lines[60:300])
    found = read(killed(found, saved(found)))
    with path.open("ab") as stream:
        stream.writelines(lines[300:])
    last = datetime(2025, 1, 2, 23).timestamp()  # noqa: DTZ001
    os.utime(path, (last, last))
    summary = read(found).summary()
    assert comparable(summary)[0] == comparable(one_pass([path]))[0]
    assert {key.hour[:4] for key in summary.arrivals} == {"2024", "2025"}
    found.close()


def test_several_logs_are_counted_together(tmp_path: Path) -> None:
    logs = [RotatedLog(tmp_path / n, some_lines(k)) for k, n in enumerate("ab")]
    found = Follower.begin([(str(log.path), None) for log in logs])
    for log in logs:
        log.write(30)
        found.step()
        log.rename()
        log.write(5)
        log.close()
    settle(logs[0])
    settle(logs[1])
    found = read(killed(found, saved(found)))
    files = [path for log in logs for path in log.files()]
    assert comparable(found.summary()) == comparable(one_pass(files))
    found.close()


def test_what_is_new_is_told_apart(place: Place) -> None:
    state = saved(place.follower)
    place.follower.close()
    place.follower = Follower.resume(state, apart=True)
    place.write(6)
    read(place.follower)
    assert place.follower.new().lines == 6
    assert place.follower.summary().lines == 56


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", ""),
        (b"Just some text\nof no log\n" * 20, "not a main log"),
        (gzip.compress(b"2026-03-01 01:05:00 x\n"), "is compressed"),
    ],
)
def test_what_is_no_log_is_refused_at_once(
    tmp_path: Path, text: bytes, told: str
) -> None:
    path = tmp_path / "mainlog"
    path.write_bytes(text)
    if not told:
        follower(path).close()
        return
    with pytest.raises(InputError, match=told):
        follower(path)


@pytest.mark.parametrize("kind", ["directory", "fifo"])
def test_what_is_no_file_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "mainlog"
    if kind == "fifo":
        os.mkfifo(path)
    else:
        path.mkdir()
    with pytest.raises(InputError, match="no file that can be followed"):
        follower(path)


def test_days_long_past_are_put_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ageing, "KEPT_DAYS", 10)
    monkeypatch.setattr(ageing, "SLACK", 2)
    monkeypatch.setattr(ageing, "STRETCHES", 5)
    log = Log(Options(), datetime(2026, 3, 1, 1, 5))  # noqa: DTZ001
    for _ in range(40):
        log.daemon_start()
        busy(log, 1, 20)
    whole, aged = (scan(log.text, wanted=frozenset({BY_HOUR})) for _ in range(2))
    age(aged)
    days = {key.hour[:10] for key in aged.arrivals}
    assert {day for day in days if len(day) == 7} == {"2026-03"}
    assert len(days) == 11
    assert len(aged.stretches.pieces) <= 5
    for table in ("arrivals", "received", "deliveries", "events"):
        assert sum(getattr(aged, table).values()) == (
            sum(getattr(whole, table).values())
        )
        assert len(getattr(aged, table)) < len(getattr(whole, table))
    before = as_data(aged)
    age(aged)
    assert as_data(aged) == before
