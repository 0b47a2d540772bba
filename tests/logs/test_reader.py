from __future__ import annotations

import bz2
import gzip
import lzma
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eximkit.errors import InputError, MissingExtraError
from eximkit.logs import compression, sources
from eximkit.logs.chunks import Chunk, clear_of_pieces, whole_lines, with_years
from eximkit.logs.compression import Damaged, codec_of, unpacked
from eximkit.logs.ranges import parts
from eximkit.logs.reader import chunks
from eximkit.logs.samples import look_at, looks_like_mainlog
from eximkit.logs.sources import ReadProblem, gather
from eximkit.logs.years import year_steps
from tests.conftest import without

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

LINE = (
    b"2026-01-02 03:04:05 10HmaX-000000005vi-0000 <= a@b.example H=x [192.0.2.1] S=1\n"
)


def entry(day: int, n: int = 0) -> bytes:
    return b"2026-01-%02d 03:04:05 10HmaX-000000%03dvi-0000 Completed\n" % (day, n)


def split(text: bytes, sizes: Iterable[int]) -> Iterator[bytes]:
    begin = 0
    for size in sizes:
        yield text[begin : begin + size]
        begin += size
    yield text[begin:]


def read(source: sources.Source, *, problems: list[ReadProblem] | None = None) -> bytes:
    found = [] if problems is None else problems
    return b"".join(chunk.data for chunk in chunks(source, found))


def texts(paths: Iterable[str | Path], **options: Any) -> list[bytes]:
    with gather(paths, **options) as found:
        return [read(source) for source in found.sources]


# --- Chunks -------------------------------------------------------------------------


@given(
    st.lists(st.binary(max_size=30).map(lambda b: b.replace(b"x", b"\n"))),
    st.integers(1, 60),
)
def test_chunks_are_whole_lines_and_lose_nothing(
    blocks: list[bytes], size: int
) -> None:
    found = list(whole_lines(blocks, offset=7, size=size, limit=10_000))
    assert b"".join(chunk.data for chunk in found) == b"".join(blocks)
    assert all(chunk.data.endswith(b"\n") for chunk in found[:-1])
    offsets = [7, *(chunk.end for chunk in found)]
    assert [chunk.offset for chunk in found] == offsets[:-1]


@given(
    st.lists(st.integers(0, 60), max_size=12),
    st.lists(st.integers(0, 20), max_size=60),
    st.booleans(),
)
def test_a_line_is_too_long_however_it_was_read(
    lengths: list[int], sizes: list[int], ended: bool
) -> None:
    limit = 20
    text = b"".join(b"a" * length + b"\n" for length in lengths)
    if not ended:
        text += b"b" * 25
    blocks = [b for whole in split(text, sizes) for b in split(whole, [limit] * 40)]
    found = list(whole_lines(blocks, size=8, limit=limit))
    expected = [len(n) for n in text.splitlines(keepends=True) if len(n) > limit]
    assert [chunk.overlong for chunk in found if chunk.overlong] == expected
    kept = [n for n in text.splitlines(keepends=True) if len(n) <= limit]
    assert b"".join(chunk.data for chunk in found) == b"".join(kept)
    offsets = [0, *(chunk.end for chunk in found)]
    assert [chunk.offset for chunk in found] == offsets[:-1]
    assert offsets[-1] == len(text)


def test_memory_does_not_grow_with_a_line() -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(1000):
            yield b"\0" * (1 << 20)
        yield b"\n" + LINE

    assert list(whole_lines(endless())) == [
        Chunk(0, b"", 1000 * (1 << 20) + 1),
        Chunk(1000 * (1 << 20) + 1, LINE),
    ]


def piece(pid: int, number: int, count: int, mark: bytes = b"/") -> bytes:
    return b"Jan  2 03:04:05 mx exim[%d]: [%d%b%d] text\n" % (pid, number, mark, count)


def test_no_chunk_ends_within_a_split_entry() -> None:
    lines = [
        piece(1, 1, 1),
        piece(2, 1, 3),
        piece(3, 1, 2, b"\\"),
        piece(2, 2, 3),
        piece(3, 2, 2, b"\\"),
        piece(2, 3, 3),
        piece(4, 1, 2),
        piece(4, 2, 2),
    ]
    text = b"".join(lines)
    whole = {0, 1, 6, 8}
    for count in range(1, 9):
        cut = len(b"".join(lines[:count]))
        allowed = max(n for n in whole if n <= count)
        expected = len(b"".join(lines[:allowed])) or cut
        assert clear_of_pieces(text, cut) == expected, count


def test_a_piece_that_never_came_does_not_hold_up_the_log() -> None:
    text = piece(1, 1, 9) + b"Jan  2 03:04:05 mx exim[2]: 1 Completed\n" * 5000
    found = list(whole_lines([text, text], pieces=True, size=1000))
    assert b"".join(chunk.data for chunk in found) == text * 2
    assert len(found) == 2


def test_years_part_chunks() -> None:
    years = ((0, 2024), (30, 2025), (60, 2026))
    assert list(with_years([Chunk(10, b"a" * 10), Chunk(20, b"b" * 50)], years)) == [
        Chunk(10, b"a" * 10, 0, 2024),
        Chunk(20, b"b" * 10, 0, 2024),
        Chunk(30, b"b" * 30, 0, 2025),
        Chunk(60, b"b" * 10, 0, 2026),
    ]
    assert list(with_years([Chunk(40, b"", 30)], years)) == [Chunk(40, b"", 30, 2025)]
    assert list(with_years([Chunk(10, b"a")], ())) == [Chunk(10, b"a")]


# --- Years --------------------------------------------------------------------------


def syslog(month: str, day: int = 1) -> bytes:
    time = f"{month} {day:2} 03:04:05"
    return f"{time} mx exim[1]: 10HmaX-000000005vi-0000 Completed\n".encode()


def years_of(months: str, last: int, size: int = 1 << 20) -> list[int]:
    """The year of each line."""
    lines = [syslog(name[:3], int(name[3:] or 1)) for name in months.split()]
    steps = year_steps(whole_lines([b"".join(lines)], size=size))
    starts = [len(b"".join(lines[:n])) for n in range(len(lines))]
    years = steps.years(last)
    return [max((y for y in years if y[0] <= s), key=lambda y: y[0])[1] for s in starts]


@pytest.mark.parametrize("size", [1, 100, 1 << 20])
@pytest.mark.parametrize(
    ("months", "expected"),
    [
        ("Jan Jan Feb", [2026, 2026, 2026]),
        ("Nov Dec Jan Feb", [2025, 2025, 2026, 2026]),
        ("Dec Jan Dec31 Jan Dec31 Jan", [2025, 2026, 2025, 2026, 2025, 2026]),
        ("Feb Jan Feb", [2026, 2026, 2026]),
        ("Nov Feb Nov Mar", [2024, 2025, 2025, 2026]),
        ("Dec", [2026]),
        ("Dec Jan Feb Dec Jan", [2024, 2025, 2025, 2025, 2026]),
        ("Dec Jan Dec30 Jan", [2024, 2025, 2025, 2026]),
    ],
)
def test_the_year_goes_back_where_the_month_does(
    months: str, expected: list[int], size: int
) -> None:
    assert years_of(months, 2026, size) == expected


def test_other_lines_do_not_change_the_year() -> None:
    text = (
        b"\0\0\n"
        + syslog("Dec")
        + b"Jan is no time\n\nXyz 01 00:00:00 \n"
        + syslog("Jan")
    )
    steps = year_steps(whole_lines([text]))
    assert steps.years(2026) == ((0, 2025), (text.rindex(b"Jan"), 2026))


def test_the_last_entry_is_of_the_year_of_the_file(tmp_path: Path) -> None:
    log = tmp_path / "mainlog"
    log.write_bytes(syslog("Dec", 30) + syslog("Jan") + syslog("Dec", 30))
    for written, expected in (
        ("2020-12-31", (2019, 2020)),
        ("2021-01-01", (2019, 2020)),  # rotated after midnight
        ("2021-06-01", (2020, 2021)),
    ):
        subprocess.run(["touch", "-d", f"{written} 12:00", log], check=True)
        with gather([log]) as found:
            assert tuple(year for _, year in found.sources[0].years) == expected
    with gather([log], year=1999) as found:
        source = found.sources[0]
        assert [(c.year, c.data.count(b"\n")) for c in chunks(source, [])] == [
            (1998, 1),
            (1999, 2),
        ]
        assert source.look.first == "1998-12-30 03:04:05"


# --- What a file is -----------------------------------------------------------------

KINDS: dict[str, tuple[bytes, str, str]] = {
    "empty": (b"", "mainlog", ""),
    "nothing but NULs": (b"\0" * 100, "mainlog", ""),
    "a main log": (LINE, "anything", ""),
    "after a crash": (b"\0" * 1000 + b"\n" + LINE, "mainlog", ""),
    "free text": (b"2026-01-02 03:04:05 Start queue run: pid=7\n", "mainlog", ""),
    "pid, zone, millisec": (
        b"2026-01-02 03:04:05.678 +0100 [12] 10HmaX-0005vi-00 Completed\n", "x", "",
    ),
    "syslog": (b"Jan  2 03:04:05 mx exim[1]: 2026-01-02 03:04:05 hello\n", "x", ""),
    "syslog without a stamp": (syslog("Jan"), "x", ""),
    "rsyslog": (b"2026-01-02T03:04:05.678901+00:00 mx exim4: hello\n", "x", ""),
    "another program's": (b"Jan  2 03:04:05 mx sshd[1]: hello\n", "x", "no line of it"),
    "another stamp": (b"02/Jan/2026:03:04:05 +0000 GET / 200\n", "x", "no line of it"),
    "binary": (b"\x7fELF\0\0\0\0\0\0\2\1", "x", "binary"),
    "a reject log": (
        (
            b"2026-01-02 03:04:05 10HmaX-0005vi-00 H=x rejected after DATA\n"
            b"Envelope-from: <a@b>\nP Received: from x\n  Subject: <= x\n"
        ),
        "x", "reject log",
    ),
    "a reject log by its name": (
        b"2026-01-02 03:04:05 H=x [192.0.2.1] F=<a@b> rejected RCPT <c@d>: no\n",
        "/var/log/exim4/rejectlog.1", "reject log",
    ),
    "a main log in a folder of another name": (LINE, "/rejectlog/mainlog", ""),
    "a panic log": (b"2026-01-02 03:04:05 Cannot open x\n", "exim_paniclog", "panic"),
    "a message": (b"Received: from x\n  Subject: x\n", "x", "mail headers"),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_file_is(kind: str) -> None:
    sample, name, reason = KINDS[kind]
    wrong = looks_like_mainlog(sample, name)
    assert reason in wrong
    assert bool(wrong) == bool(reason)


def test_every_real_log_looks_like_one(corpus: Path) -> None:
    logs = [p for p in (corpus / "exim-logs").iterdir() if p.suffix != ".md"]
    assert len(logs) > 400
    wrong = {p.name: looks_like_mainlog(p.read_bytes()[: 1 << 16]) for p in logs}
    assert {name: reason for name, reason in wrong.items() if reason} == {}


@given(st.binary())
def test_any_sample_is_judged(sample: bytes) -> None:
    look = look_at(sample, "rejectlog")
    assert len(look.first) in {0, 19}


# --- Files --------------------------------------------------------------------------


def test_rotated_logs_are_read_in_the_order_of_time(tmp_path: Path) -> None:
    for number in range(12):
        name = "mainlog" if not number else f"mainlog.{number}"
        text = entry(28 - number)
        if number >= 2:
            (tmp_path / f"{name}.gz").write_bytes(gzip.compress(text))
        else:
            (tmp_path / name).write_bytes(text)
    paths = [str(path) for path in tmp_path.iterdir()]
    assert texts(paths) == [entry(day) for day in range(17, 29)]
    assert texts([f"{tmp_path}/mainlog*"]) == texts(paths)


def test_rotation_sets_stay_together(tmp_path: Path) -> None:
    for host in "ab":
        (tmp_path / host).mkdir()
        for n in (0, 1):
            (tmp_path / host / f"mainlog.{n}").write_bytes(entry(10 - n, ord(host)))
    with gather([f"{tmp_path}/b/*", f"{tmp_path}/a/*"]) as found:
        assert [s.path.removeprefix(str(tmp_path)) for s in found.sources] == [
            "/b/mainlog.1", "/b/mainlog.0", "/a/mainlog.1", "/a/mainlog.0",
        ]  # fmt: skip
        assert [s.group for s in found.sources] == [0, 0, 1, 1]
        assert [s.number for s in found.sources] == [0, 1, 2, 3]


def test_a_file_is_read_once(tmp_path: Path) -> None:
    log = tmp_path / "mainlog"
    log.write_bytes(LINE)
    link = tmp_path / "link"
    link.symlink_to(log)
    with gather([log, link, log]) as found:
        assert len(found.sources) == 1
        assert found.problems == [
            (str(link), f"the same file as {log}; read once", False),
            (str(log), "given twice; read once", False),
        ]


def test_what_cannot_be_read_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    (tmp_path / "mainlog").write_bytes(LINE)
    (tmp_path / "mainlog.Z").write_bytes(b"\x1f\x9d\x90abc")
    (tmp_path / "rejectlog").write_bytes(b"2026-01-02 03:04:05 H=x rejected RCPT <a>\n")
    names = ["mainlog", "mainlog.Z", "rejectlog", "missing", "*.none", "."]
    with gather([f"{tmp_path}/{name}" for name in names]) as found:
        assert [read(source) for source in found.sources] == [LINE]
        reasons = {p.path.rpartition("/")[2]: p.reason for p in found.problems}
        assert all(problem.lost for problem in found.problems)
    assert list(reasons) == names[1:]
    assert "uncompress" in reasons["mainlog.Z"]
    assert "reject log" in reasons["rejectlog"]
    assert reasons["missing"] == "No such file or directory"
    assert reasons["*.none"] == "no file matches"
    assert reasons["."].startswith("is a directory; name the logs in it, such as ")
    assert reasons["."].endswith("/mainlog*")


def test_nothing_to_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none: No such file"):
        gather([tmp_path / "none"])
    with pytest.raises(InputError, match=r"a: No such(.|\n)*b: No such"):
        gather([tmp_path / "a", tmp_path / "b"])
    with pytest.raises(InputError, match="no log was given"):
        gather([])


UNREADABLE = """
import os, sys
from eximkit.errors import InputError
from eximkit.logs.sources import gather
if os.geteuid() == 0:
    os.setgroups([])
    os.setuid(65534)
try:
    gather(["mainlog"])
except InputError as error:
    print(error)
"""


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "mainlog").touch(mode=0)
    run = subprocess.run(
        [sys.executable, "-c", UNREADABLE], cwd=tmp_path, capture_output=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        text=True, check=True,
    )  # fmt: skip
    assert run.stdout == "mainlog: Permission denied\n"


def test_a_path_that_is_nothing_is_shown_as_such() -> None:
    with pytest.raises(InputError, match=r"^'': No such file"):
        gather([""])


def test_a_device_that_never_ends_is_no_log() -> None:
    with pytest.raises(InputError, match="/dev/zero: a device, and no log"):
        gather(["/dev/zero"])
    assert texts([Path("/dev/null")]) == [b""]


def test_an_empty_log_is_a_log(tmp_path: Path) -> None:
    (tmp_path / "mainlog").touch()
    (tmp_path / "mainlog.gz").write_bytes(gzip.compress(b""))
    assert texts([tmp_path / "mainlog", tmp_path / "mainlog.gz"]) == [b"", b""]


def test_the_usual_places_are_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = (("A", f"{tmp_path}/a/mainlog*"), ("B", f"{tmp_path}/b/main.log*"))
    monkeypatch.setattr(sources, "USUAL_PLACES", places)
    with pytest.raises(InputError, match=f"tried {tmp_path}/a/mainlog"):
        sources.default_logs()
    (tmp_path / "b").mkdir()
    for name in ("main.log", "main.log-20260101.gz"):
        (tmp_path / "b" / name).touch()
    assert sources.default_logs() == [
        f"{tmp_path}/b/main.log", f"{tmp_path}/b/main.log-20260101.gz",
    ]  # fmt: skip


def test_many_files_are_not_all_held_open(tmp_path: Path) -> None:
    count = sources.KEPT_OPEN + 50
    for n in range(count):
        (tmp_path / f"mainlog.{n}").write_bytes(entry(1, n % 999))
    with gather(tmp_path.iterdir()) as found:
        assert sum(s.handle is not None for s in found.sources) == sources.KEPT_OPEN
        closed = next(s for s in found.sources if s.handle is None)
        other = tmp_path / "other"
        other.write_bytes(LINE)
        other.replace(closed.path)
        problems: list[ReadProblem] = []
        total = b"".join(read(s, problems=problems) for s in found.sources)
    assert total.count(b"\n") == count - 1
    assert problems == [(closed.path, "was replaced before it could be read", True)]


def test_a_log_that_grows_is_read_to_where_it_ended(tmp_path: Path) -> None:
    log = tmp_path / "mainlog"
    log.write_bytes(LINE + LINE[:30])
    with log.open("ab") as writer, gather([log]) as before:
        writer.write(LINE[30:] + LINE)
        writer.flush()
        with gather([log]) as after:
            assert read(before.sources[0]) == LINE + LINE[:30]
            assert read(after.sources[0]) == LINE * 3


def test_the_last_line_of_a_growing_log_is_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "mainlog"
    log.write_bytes(LINE + LINE[:30])
    real = os.fstat

    def fstat(handle: int) -> os.stat_result:
        status = real(handle)
        with log.open("ab") as writer:
            writer.write(LINE[30:] + LINE)
        return status

    with monkeypatch.context() as patch:
        patch.setattr(os, "fstat", fstat)
        found = gather([log])
    with found:
        assert read(found.sources[0]) == LINE * 2


def test_a_log_that_is_rotated_meanwhile_is_read(tmp_path: Path) -> None:
    log = tmp_path / "mainlog"
    log.write_bytes(LINE * 2)
    with gather([log]) as found:
        log.rename(tmp_path / "mainlog.1")
        log.write_bytes(entry(3))
        assert read(found.sources[0]) == LINE * 2


def test_a_log_that_becomes_shorter_is_named(tmp_path: Path) -> None:
    log = tmp_path / "mainlog"
    log.write_bytes(LINE * 10)
    problems: list[ReadProblem] = []
    with gather([log]) as found:
        os.truncate(log, len(LINE) * 4)
        assert read(found.sources[0], problems=problems) == LINE * 4
    ((path, reason, lost),) = problems
    assert path == str(log)
    assert reason.startswith("became shorter while it was read")
    assert lost


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_a_reading_that_is_given_up_closes_what_it_opened_and_no_more(
    tmp_path: Path,
) -> None:
    log = tmp_path / "mainlog"
    log.write_bytes(LINE * 10_000)
    for released in (False, True):
        with gather([log]) as found:
            if released:
                found.sources[0].release()
            before = open_files()
            reading = chunks(found.sources[0], [], size=1000)
            assert next(reading).data
        other = os.open(log, os.O_RDONLY)
        reading.close()  # type: ignore[attr-defined]
        os.fstat(other)
        os.close(other)
        assert open_files() == before - (not released)


# --- Pipes --------------------------------------------------------------------------


def through_pipe(data: bytes, monkeypatch: pytest.MonkeyPatch) -> bytes:
    out, into = os.pipe()

    def write() -> None:
        with os.fdopen(into, "wb") as stream:
            stream.write(data)

    writer = threading.Thread(target=write)
    writer.start()
    real = os.dup
    try:
        monkeypatch.setattr(os, "dup", lambda fd: real(out if fd == 0 else fd))
        with gather(["-"]) as found:
            assert len(found.sources) == 1
            return read(found.sources[0])
    finally:
        writer.join()
        os.close(out)


@pytest.mark.parametrize("count", [0, 1, 5000])
@pytest.mark.parametrize(
    "pack", [bytes, gzip.compress, lzma.compress], ids=["plain", "gzip", "xz"]
)
def test_a_pipe_is_read(
    pack: Callable[[bytes], bytes], count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert through_pipe(pack(LINE * count), monkeypatch) == LINE * count


def test_a_pipe_without_years_is_read_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    text = syslog("Dec") * 3000 + syslog("Jan") * 3000
    assert through_pipe(text, monkeypatch) == text


def test_standard_input_that_is_a_file_is_read_as_one(tmp_path: Path) -> None:
    log = tmp_path / "mainlog"
    log.write_bytes(LINE * 3)
    code = (
        "import os\n"
        "from eximkit.logs.sources import gather\n"
        f"os.lseek(0, {len(LINE)}, os.SEEK_SET)\n"
        "(source,) = gather(['-']).sources\n"
        "print(source.divisible, source.size)\n"
    )
    with log.open("rb") as stream:
        done = subprocess.run(
            [sys.executable, "-c", code], stdin=stream, capture_output=True, check=True
        )
    assert done.stdout.split() == [b"True", str(len(LINE) * 2).encode()]


def test_a_named_pipe_is_read(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(LINE * 3000,))
    writer.start()
    assert texts([path]) == [LINE * 3000]
    writer.join()


# --- Compression --------------------------------------------------------------------


def zstd(data: bytes) -> bytes:
    """As the zstd command does it."""
    try:
        done = subprocess.run(
            ["zstd", "-q", "-c"], input=data, capture_output=True, check=True
        )
    except FileNotFoundError:
        without("no zstd command")
    return done.stdout


def needs_zstd() -> None:
    try:
        compression._decoder("zstd")
    except MissingExtraError:
        without("no decoder for zstd: eximkit[fast]")


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstd,
}


def sized(data: bytes) -> Callable[[int], bytes]:
    place = 0

    def read_on(size: int) -> bytes:
        nonlocal place
        found = data[place : place + size]
        place += size
        return found

    return read_on


def given_before_damage(data: bytes, codec: str) -> tuple[bytes, str]:
    found = []
    try:
        for block in unpacked(sized(data), codec, lambda: sized(data)):
            assert len(block) <= compression.BLOCK + (1 << 18)
            found.append(block)
    except Damaged as error:
        return b"".join(found), str(error)
    return b"".join(found), ""


TEXT = b"".join(b"%d %s\n" % (n * n, LINE[n % 40 : -1]) for n in range(30_000))


@pytest.mark.parametrize("codec", PACKERS)
def test_compressed_text_comes_back(codec: str) -> None:
    if codec == "zstd":
        needs_zstd()
    packed = PACKERS[codec](TEXT)
    assert codec_of(packed) == codec
    assert given_before_damage(packed, codec) == (TEXT, "")
    twice = packed + PACKERS[codec](b"more\n") + PACKERS[codec](b"") + b"\0" * 512
    assert given_before_damage(twice, codec) == (TEXT + b"more\n", "")


@pytest.mark.parametrize("codec", PACKERS)
def test_what_stands_before_damage_is_read(codec: str) -> None:
    if codec == "zstd":
        needs_zstd()
    packed = PACKERS[codec](TEXT) + PACKERS[codec](TEXT)
    text, reason = given_before_damage(packed[:-9], codec)
    assert (TEXT * 2).startswith(text)
    assert len(text) >= len(TEXT)
    assert "ends in the middle" in reason
    text, reason = given_before_damage(packed + b"garbage", codec)
    assert (text, reason) == (
        TEXT * 2, "something else follows its compressed data",
    )  # fmt: skip
    place = len(packed) // 2 + 100
    hurt = (
        packed[:place]
        + bytes(b ^ 0xFF for b in packed[place : place + 64])
        + packed[place + 64 :]
    )
    text, reason = given_before_damage(hurt, codec)
    assert text[: len(TEXT)] == TEXT
    assert reason


@pytest.mark.parametrize("place", [30_000, 100_000, 150_000])
def test_all_text_before_a_damaged_octet_is_read(place: int) -> None:
    packed = gzip.compress(TEXT)
    assert len(packed) > place
    hurt = packed[:place] + b"\xff" * 2000 + packed[place + 2000 :]
    text, _ = given_before_damage(hurt, "gzip")
    # As much as a decoder makes of the octets before the damage alone.
    expected, _ = given_before_damage(packed[:place], "gzip")
    assert len(text) >= len(expected) > 0
    assert text[: len(expected)] == TEXT[: len(expected)]


@given(st.integers(0, 400), st.sampled_from(["gzip", "bzip2", "xz"]))
def test_compressed_files_may_be_cut_anywhere(cut: int, codec: str) -> None:
    packed = PACKERS[codec](LINE * 3)
    text, reason = given_before_damage(packed[:cut], codec)
    assert (LINE * 3).startswith(text)
    assert bool(reason) == (0 < cut < len(packed))


@given(st.binary(max_size=200), st.sampled_from(["gzip", "bzip2", "xz", "zstd"]))
def test_any_octets_may_follow_a_magic(rest: bytes, codec: str) -> None:
    if codec == "zstd":
        needs_zstd()
    magic = next(magic for magic, name in compression._MAGIC if name == codec)
    given_before_damage(magic + rest, codec)


def test_a_bomb_is_unpacked_in_blocks() -> None:
    packed = gzip.compress(b"\0" * (64 << 20))
    total = 0
    for block in unpacked(sized(packed), "gzip"):
        assert len(block) <= compression.BLOCK
        total += len(block)
    assert total == 64 << 20


def test_damage_is_a_problem_and_no_error(tmp_path: Path) -> None:
    log = tmp_path / "mainlog.gz"
    log.write_bytes(gzip.compress(LINE * 1000)[:-12])
    problems: list[ReadProblem] = []
    with gather([log]) as found:
        text = read(found.sources[0], problems=problems)
    assert (LINE * 1000).startswith(text)
    assert len(text) > len(LINE) * 500
    ((path, reason, lost),) = problems
    assert (path, lost) == (str(log), True)
    assert "ends in the middle of its compressed data; what stands before" in reason


def test_a_missing_decoder_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(compression, "import_module", missing)
    log = tmp_path / "mainlog.zst"
    log.write_bytes(b"\x28\xb5\x2f\xfd rest")
    with pytest.raises(MissingExtraError, match=r"pip install 'eximkit\[fast\]'"):
        gather([log])
    # The others need none.
    assert given_before_damage(gzip.compress(TEXT), "gzip") == (TEXT, "")


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"\x1f\x9d", "uncompress"),
        (b"PK\x03\x04", "unzip"),
        (b"\x04\x22\x4d\x18", "lz4"),
        (b"7z\xbc\xaf\x27\x1c", "7z x"),
    ],
)
def test_formats_that_are_not_read_are_named(head: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words):
        codec_of(head)


# --- Parts --------------------------------------------------------------------------


@pytest.mark.parametrize("ended", [True, False])
@pytest.mark.parametrize("size", [1 << 16, 200_000, 1 << 30])
def test_the_parts_of_a_log_are_all_of_it(
    tmp_path: Path, size: int, ended: bool
) -> None:
    lines = [entry(n % 28 + 1, n % 999) for n in range(20_000)]
    lines[7000] = b"x" * 500_000 + b"\n"
    text = b"".join(lines) + (b"" if ended else b"cut sho")
    log = tmp_path / "mainlog"
    log.write_bytes(text)
    with gather([log]) as found:
        spans = list(parts(found.sources, size))
        assert [s.begin for s in spans] == [0, *(s.end for s in spans[:-1])]
        assert spans[-1].end == len(text)
        assert all(text[s.begin - 1 : s.begin] in {b"", b"\n"} for s in spans)
        assert len(spans) == 1 or len(spans) > len(text) // size // 2 > 1
        pieces = [
            chunk
            for span in spans
            for chunk in chunks(found.sources[0], [], (span.begin, span.end))
        ]
    assert b"".join(chunk.data for chunk in pieces) == text
    assert all(text[c.offset :].startswith(c.data) for c in pieces)


def test_parts_do_not_cut_split_entries(tmp_path: Path) -> None:
    group = b"".join(piece(pid, n, 4) for n in range(1, 5) for pid in (7, 8, 9))
    text = group * 3000
    log = tmp_path / "mainlog"
    log.write_bytes(text)
    with gather([log], year=2026) as found:
        spans = list(parts(found.sources, 1 << 18))
        assert len(spans) > 3
        assert {span.begin % len(group) for span in spans} == {0}
