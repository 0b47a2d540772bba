"""`eximkit logs --follow` and `--state`: what is shown, kept, and refused."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import random
import re
import resource
import signal
import struct
import subprocess
import sys
import termios
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from eximkit.cli import main
from eximkit.logs import generations
from tests.cli.following import COMMAND, ENVIRONMENT, PATIENCE, Running, text
from tests.conftest import without
from tests.logs.rotating import RotatedLog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LOG, STATE = Path("mainlog"), Path("state")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def logs(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["logs", *arguments])


def document(*arguments: str, exit_code: int = 0) -> dict[str, Any]:
    run = logs("--format", "json", *arguments)
    assert run.exit_code == exit_code, run.output
    data: dict[str, Any] = json.loads(run.stdout)
    return data


def counts(data: dict[str, Any]) -> dict[str, Any]:
    """What does not tell which files were read."""
    log = {k: n for k, n in data["log"].items() if k not in {"files", "paths"}}
    return {**data, "log": log}


def append(lines: list[bytes]) -> None:
    with LOG.open("ab") as stream:
        stream.writelines(lines)


# --state without --follow: what is new since the last time.


def test_each_run_counts_what_is_new() -> None:
    lines = text()
    LOG.write_bytes(b"".join(lines[:50]))
    assert document("--state", "state", "mainlog")["log"]["lines"] == 50
    append(lines[50:80])
    assert document("--state", "state", "--new", "mainlog")["log"]["lines"] == 30
    assert document("--state", "state", "--new", "mainlog")["log"]["lines"] == 0
    LOG.rename("mainlog.1")
    append(lines[80:])
    found = document("--state", "state", "mainlog")
    assert counts(found) == counts(document("mainlog.1", "mainlog"))
    # The state knows which logs it is of.
    assert document("--state", "state") == found


def test_groups_and_all_that_eximstats_tells_go_on_too() -> None:
    lines = text()
    asked = ["--by", "hour", "--by", "host", "--full", "--state", "state", "mainlog"]
    LOG.write_bytes(b"".join(lines[:50]))
    document(*asked)
    append(lines[50:])
    found = document(*asked)
    whole = document("--by", "hour", "--by", "host", "--full", "mainlog")
    assert counts(found) == counts(whole)
    assert found["leagues"]["sources"]["host"]["by_messages"]


def test_what_was_not_counted_from_the_beginning_is_not_made_up() -> None:
    LOG.write_bytes(b"".join(text()))
    assert logs("--state", "state", "mainlog").exit_code == 0
    run = logs("--state", "state", "--by", "hour", "mainlog")
    assert run.exit_code == 2
    assert "another --state" in run.stderr


def test_a_report_that_cannot_be_written_leaves_the_state() -> None:
    lines = text()
    LOG.write_bytes(b"".join(lines[:50]))
    document("--state", "state", "mainlog")
    append(lines[50:60])
    before = STATE.read_bytes()
    run = logs("--state", "state", "--output", "nowhere/report", "mainlog")
    assert run.exit_code == 3
    assert "nowhere/report" in run.stderr
    assert STATE.read_bytes() == before
    assert document("--state", "state", "--new")["log"]["lines"] == 10


def test_a_file_that_is_gone_is_told_by_the_exit_code() -> None:
    lines = text()
    LOG.write_bytes(b"".join(lines[:50]))
    document("--state", "state", "mainlog")
    LOG.unlink()
    append(lines[50:60])
    run = logs("--state", "state", "mainlog")
    assert run.exit_code == 3
    assert "not there any more" in run.stderr
    assert document("--state", "state", "mainlog")["log"]["lines"] == 60


def test_a_log_that_is_not_there_is_told() -> None:
    run = logs("--state", "state", "mainlog")
    assert run.exit_code == 3
    assert "mainlog: No such file" in run.stderr
    assert not STATE.exists()


def test_rotated_files_on_the_command_line_are_where_it_begins() -> None:
    log = RotatedLog(LOG, iter(text(6)))
    for _ in range(4):
        log.write(10)
        log.rename()
    log.write(5)
    log.close()
    found = document("--state", "state", "mainlog.2", "mainlog", "mainlog.3")
    assert found["log"]["lines"] == 35
    assert document("--state", "state", "mainlog*")["log"]["lines"] == 35


SPOILT: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda _: b"", "not a state"),
    "text": (lambda _: b"hello\n", "not JSON"),
    "json": (lambda _: b"{}\n{}\n", "not a state"),
    "nul": (lambda _: b"\0" * 5000, "not a state"),
    "nested": (lambda _: b"[" * 4000 + b"\n", "not JSON"),
    "cut": (lambda data: data[:-40], "damaged or changed"),
    "changed": (lambda data: data.replace(b'"lines":', b'"Lines":'), "damaged"),
    "newer": (lambda data: data.replace(b"state/1", b"state/9"), "logs-state/9"),
    "log": (lambda _: LOG.read_bytes(), "not JSON"),
}
"""What becomes of a state, and what is said then."""


@pytest.mark.parametrize("name", SPOILT)
def test_a_state_that_is_none_is_refused(name: str) -> None:
    """Never counted anew in silence."""
    spoilt, told = SPOILT[name]
    LOG.write_bytes(b"".join(text()))
    document("--state", "state", "mainlog")
    data = spoilt(STATE.read_bytes())
    STATE.write_bytes(data)
    for more in ([], ["--follow"]):
        run = logs("--state", "state", *more, "mainlog")
        assert run.exit_code == 3
        assert told in run.stderr
        assert "Nothing was counted" in run.stderr
        assert STATE.read_bytes() == data


def spoil(change: Callable[[Any], None]) -> None:
    """Change what a state says, its digest too."""
    from eximkit.cli import log_state

    header, body = STATE.read_bytes().splitlines()
    content = json.loads(body)
    change(content)
    new = json.dumps(content).encode() + b"\n"
    digest = log_state._digest(new)
    STATE.write_bytes(
        json.dumps({**json.loads(header), "digest": digest}).encode() + b"\n" + new
    )


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda s: s["summary"].update(lines=-1), "summary.lines: no count"),
        (lambda s: s["summary"].update(hosts=[]), "not complete"),
        (lambda s: s["trails"].clear(), "without a log"),
        (lambda s: s["trails"].append(s["trails"][0]), "with one twice"),
        (lambda s: s["trails"][0].update(path="a\0b"), "path that no file has"),
        (lambda s: s["trails"][0]["places"][0].update(offset=-5), "offset: no count"),
        (lambda s: s["trails"][0]["places"][0].update(head=[1]), "no list of 2"),
        (lambda s: s.update(more=1), "'more' is not known"),
    ],
)
def test_a_state_of_another_shape_is_refused(
    change: Callable[[Any], None], told: str
) -> None:
    LOG.write_bytes(b"".join(text()))
    document("--state", "state", "mainlog")
    spoil(change)
    run = logs("--state", "state")
    assert run.exit_code == 3
    assert told in run.stderr


def test_the_state_of_other_logs_is_refused() -> None:
    for name in ("mainlog", "otherlog"):
        Path(name).write_bytes(b"".join(text()))
    document("--state", "state", "mainlog")
    for paths in (["otherlog"], ["mainlog", "otherlog"]):
        run = logs("--state", "state", *paths)
        assert run.exit_code == 2
        assert "mainlog" in run.stderr
        assert "--state of its own" in run.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--new"], "--new needs --state"),
        (["--follow", "--new", "--state", "s"], "--new has no --follow"),
        (["--follow", "--by", "day"], "shows no groups"),
        (["--follow", "--format", "csv"], "no --format csv"),
        (["--follow", "--output", "x"], "redirect it"),
        (["--follow", "--format", "prometheus"], "needs --output"),
        (["--follow", "--unparsed"], "--unparsed has no"),
        (["--state", "s", "--since", "2026-03-01"], "no --since"),
        (["--follow", "--interval", "0"], "--interval"),
        (["--follow", "-"], "standard input cannot be followed"),
    ],
)
def test_what_does_not_go_together_is_said(arguments: list[str], told: str) -> None:
    run = logs(*arguments, *([] if "-" in arguments else ["mainlog"]))
    assert run.exit_code == 2
    assert told in run.stderr


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("nowhere/state", "No such file or directory"),
        ("folder", "not a regular file"),
        ("/dev/null", "not a regular file"),
    ],
)
def test_a_state_that_cannot_be_kept_is_told_at_once(path: str, told: str) -> None:
    LOG.write_bytes(b"".join(text()))
    Path("folder").mkdir()
    for more in ([], ["--follow"]):
        run = logs("--state", path, *more, "mainlog")
        assert run.exit_code == 3
        assert told in run.stderr


def limited() -> None:
    """No file may be larger than some octets."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))


def test_a_state_that_does_not_fit_leaves_the_old_one() -> None:
    lines = text()
    LOG.write_bytes(b"".join(lines[:50]))
    document("--state", "state", "mainlog")
    append(lines[50:])
    before = STATE.read_bytes()
    run = subprocess.run(
        [*COMMAND, "--state", "state", "mainlog"],
        env=ENVIRONMENT, capture_output=True, text=True, check=False,
        preexec_fn=limited,
        timeout=PATIENCE,
    )  # fmt: skip
    assert run.returncode == 3
    assert "state: File too large" in run.stderr
    assert STATE.read_bytes() == before
    assert {p.name for p in Path().iterdir()} == {"mainlog", "state", "state.lock"}


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a small file system of its own."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", place],
        capture_output=True, check=False,
    )  # fmt: skip
    if mounted.returncode:
        without("needs root: a small file system is mounted")
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


def fill(place: Path, run: Running) -> None:
    """Leave no room at this place.

    The process writes nothing meanwhile: what it had half written would make room again
    a moment later.
    """
    while True:
        run.stop()
        if not list(place.glob(".eximkit-*")):
            break
        run.go_on()
    with (place / "filler").open("wb", buffering=0) as filler, suppress(OSError):
        while True:
            filler.write(b"x" * 4096)
    run.go_on()


def test_a_full_disk_is_told_and_the_old_files_stay(full_disk: Path) -> None:
    lines = text(8, ports=True)
    LOG.write_bytes(b"".join(lines[:20]))
    state, metrics = str(full_disk / "s"), full_disk / "m.prom"
    assert logs("--state", state, "mainlog").exit_code == 0
    metrics.write_bytes(b"old\n")
    follow = ["--state", state, "--follow", "--interval", "0.1", "--format", "json"]
    with Running(*follow, "mainlog") as run:
        run.line()
        fill(full_disk, run)
        before = Path(state).read_bytes()
        append(lines[20:])
        # It does not give up, for space may come.
        assert "the state is not written" in run.line("stderr")
        assert run.end() == 3
    for arguments in (
        follow,
        ["--state", state],
        ["--format", "prometheus", "--output", str(metrics)],
    ):
        done = logs(*arguments, "mainlog")
        assert done.exit_code == 3
        assert "No space left on device" in done.stderr
    assert Path(state).read_bytes() == before
    assert metrics.read_bytes() == b"old\n"
    assert not list(full_disk.glob(".eximkit-*"))


def test_two_followers_do_not_share_a_state() -> None:
    LOG.write_bytes(b"".join(text()))
    with Running("--follow", "--state", "state", "--interval", "0.1", "mainlog") as run:
        run.line()
        other = logs("--state", "state", "mainlog")
        assert other.exit_code == 3
        assert f"process {run.process.pid} is using it" in other.stderr
        run.end(signal.SIGKILL)
    assert logs("--state", "state", "mainlog").exit_code == 0


# --follow in a pipe.


def test_lines_tell_what_happened_since_the_last_one() -> None:
    lines = text()
    LOG.write_bytes(b"".join(lines[:50]))
    with Running("--follow", "--interval", "0.2", "mainlog") as run:
        first = run.line()
        assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d 50 lines, received \d+", first)
        append(lines[50:])
        told = 0
        while told < len(lines) - 50:
            told += int(run.line().split()[2])
        assert told == len(lines) - 50
        assert run.end() == 0
        assert all(len(line) <= 160 for line in run.rest())


def test_json_lines_have_totals_and_differences() -> None:
    lines = text()
    LOG.write_bytes(b"".join(lines[:50]))
    arguments = ["--format", "json", "--interval", "0.2", "--state", "state"]
    with Running("--follow", *arguments, "mainlog") as run:
        first = json.loads(run.line())
        assert first["schema"] == "eximkit.logs-live/1"
        assert first["since_last"]["log"]["lines"] == first["log"]["lines"] == 50
        LOG.rename("mainlog.1")
        append(lines[50:])
        last = first
        while last["log"]["lines"] < len(lines):
            last = json.loads(run.line())
        assert run.end(signal.SIGINT) == 130
    whole = document("mainlog.1", "mainlog")
    assert last["messages"] == whole["messages"]
    assert last["pipelining"]["in"] == whole["pipelining"]["in"]
    assert last["rotations"] == 1
    assert last["gaps"] == last["unread_bytes"] == 0
    with Running("--follow", *arguments) as run:
        again = json.loads(run.line())
        assert again["log"]["lines"] == len(lines)
        assert again["since_last"]["log"]["lines"] == 0


def test_a_reader_that_goes_away_ends_it() -> None:
    LOG.write_bytes(b"".join(text()))
    run = subprocess.Popen(
        [*COMMAND, "--follow", "--interval", "0.1", "--state", "state", "mainlog"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT,
    )  # fmt: skip
    assert run.stdout is not None
    assert run.stderr is not None
    run.stdout.readline()
    run.stdout.close()
    assert run.wait(PATIENCE) == 141
    assert run.stderr.read() == b""
    run.stderr.close()


def test_a_follower_that_is_killed_again_and_again_loses_nothing() -> None:
    """The same at full size: tests/bench/follow.py."""
    choose = random.Random(7)
    log = RotatedLog(LOG, iter(text(60)))
    # Counting begins with a log that is empty.
    assert logs("--state", "state", "mainlog").exit_code == 0
    arguments = ["--follow", "--state", "state", "--interval", "0.1", "mainlog"]
    for turn in range(5):
        with Running(*arguments) as run:
            for step in range(6):
                log.write(choose.randrange(10, 60))
                if step == turn:
                    log.rename(late=3)
                elif step == turn + 1:
                    log.copy_and_truncate()
                    log.compress(3)
                if step % 2:
                    run.line()
            run.end(signal.SIGKILL)
    log.write(1)
    log.close()
    found = document("--state", "state", "mainlog")
    whole = document(*map(str, log.files()))
    assert counts(found) == counts(whole)
    assert whole["log"]["lines"] == log.written


def test_the_log_of_the_usual_place_is_followed(
    monkeypatch: pytest.MonkeyPatch, here: Path
) -> None:
    from eximkit.logs import sources

    log = RotatedLog(LOG, iter(text()))
    log.write(20)
    log.rename()
    log.write(7)
    log.close()
    places = (("this test", str(here / "mainlog*")),)
    monkeypatch.setattr(sources, "USUAL_PLACES", places)
    assert document("--state", "state")["log"]["lines"] == 7


@pytest.mark.parametrize("ending", [
    ".1", ".02.gz", "-20261231", "-2026-12-31.xz", ".old", ".gz",
])  # fmt: skip
def test_what_rotation_makes_is_known_by_its_name(ending: str) -> None:
    assert generations.is_rotated(f"/x/mainlog{ending}", "/x/mainlog")


@pytest.mark.parametrize(
    "path", ["/x/mainlog", "/y/mainlog.1", "/x/mainlog.bak", "/x/mainlog2"]
)
def test_other_names_are_those_of_other_files(path: str) -> None:
    assert not generations.is_rotated(path, "/x/mainlog")


# --follow on a terminal.


class Terminal:
    """A process on a terminal of its own."""

    def __init__(self, columns: int, lines: int, *arguments: str, term: str) -> None:
        self.shown = b""
        self._master, slave = pty.openpty()
        self.resize(columns, lines)
        self.process = subprocess.Popen(
            [*COMMAND, *arguments], stdin=slave, stdout=slave, stderr=slave,
            env={**ENVIRONMENT, "TERM": term}, start_new_session=True,
        )  # fmt: skip
        os.close(slave)

    def resize(self, columns: int, lines: int) -> None:
        size = struct.pack("HHHH", lines, columns, 0, 0)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, size)

    def read(self) -> bytes:
        try:
            data = os.read(self._master, 1 << 16)
        except OSError:
            data = b""
        self.shown += data
        return data

    def until(self, true: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not true():
            assert time.monotonic() < end
            assert self.read(), self.shown

    def has(self, lines: int) -> bool:
        """Whether the last whole page has so many lines."""
        return len(self.pages[-2]) == lines

    def end(self) -> int:
        self.process.send_signal(signal.SIGINT)
        while self.read():
            pass
        os.close(self._master)
        return self.process.wait(PATIENCE)

    @property
    def pages(self) -> list[list[str]]:
        """What was drawn, without what steers the terminal."""
        each = self.shown.split(b"\x1b[H")[1:]
        return [
            re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", page.decode())
            .replace("\r", "")
            .split("\n")
            for page in each
        ]


def test_a_page_is_drawn_anew_and_fits_the_terminal() -> None:
    lines = text()
    LOG.write_bytes(b"".join(lines[:50]))
    terminal = Terminal(
        80, 24, "--follow", "--interval", "0.1", "mainlog", term="xterm-256color"
    )
    terminal.until(lambda: len(terminal.pages) > 2)
    first = terminal.pages[1]
    assert len(first) == 24
    assert max(map(len, first)) <= 80
    assert any(line.split() == ["lines", "of", "log", "0", "0", "50"] for line in first)
    assert any(line.startswith("Hosts that sent most") for line in first)
    assert first[-1] == "Ctrl-C ends this"
    append(lines[50:])
    total = f"{len(lines)}"
    terminal.until(lambda: any(
        line.split()[-1:] == [total] for line in terminal.pages[-2]
        if line.startswith("  lines of log")
    ))  # fmt: skip
    for columns, height in ((60, 12), (200, 50), (40, 5), (20, 2)):
        terminal.resize(columns, height)
        terminal.until(partial(terminal.has, height))
        assert max(map(len, terminal.pages[-2])) <= columns
    assert terminal.end() == 130
    # The other screen is left, with the cursor to be seen; the last page stays.
    assert terminal.shown.count(b"\x1b[?1049h") == 1
    rest = terminal.shown.split(b"\x1b[?25h\x1b[?1049l")
    assert len(rest) == 2
    assert b"mainlog" in rest[1]


def test_a_terminal_that_cannot_be_drawn_on_gets_lines() -> None:
    LOG.write_bytes(b"".join(text()))
    terminal = Terminal(80, 24, "--follow", "--interval", "0.1", "mainlog", term="dumb")
    terminal.until(lambda: terminal.shown.count(b" lines, received") > 1)
    assert terminal.end() == 130
    assert b"\x1b" not in terminal.shown


def test_what_hosts_call_themselves_cannot_play_with_the_terminal() -> None:
    name = Path("main\x1b[31mlog")
    name.write_bytes(b"".join(text()))
    terminal = Terminal(
        80, 24, "--follow", "--interval", "0.1", str(name), term="xterm"
    )
    terminal.until(lambda: len(terminal.pages) > 2)
    assert terminal.end() == 130
    assert b"\x1b[31m" not in terminal.shown


def test_nothing_of_it_is_loaded_for_help() -> None:
    code = (
        "import sys; sys.argv = ['eximkit', 'logs', '--help']\n"
        "from eximkit.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(*sys.modules, file=sys.stderr)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True,
        check=True, timeout=PATIENCE,
    )  # fmt: skip
    assert "metrics" in run.stdout
    loaded = set(run.stderr.split())
    assert not {n for n in loaded if n.startswith(("prometheus", "eximkit.logs"))}
