"""The machine that expansions may ask: only what is allowed, and within bounds."""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
import sys
import time
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from eximkit.expansion.environment import Environment
from eximkit.expansion.expand import expand
from eximkit.expansion.values import Failure
from eximkit.expansion.world import FileFailed, NotAllowed
from eximkit.files import FILE_LIMIT
from eximkit.machine.caller import caller
from eximkit.machine.clock import offset_of
from eximkit.machine.deadline import OutOfTime, deadline
from eximkit.machine.world import NAMES_LIMIT, PERMISSIONS, Machine

if TYPE_CHECKING:
    from collections.abc import Callable

    from eximkit.expansion.world import World

FILES = Machine(("files",))
RUN = Machine(("run",), seconds=5, output=10_000)

QUESTIONS: dict[str, list[Callable[[World], object]]] = {
    "files": [
        lambda world: world.read("/etc/passwd"),
        lambda world: world.status("/etc/passwd"),
        lambda world: world.names("/etc"),
        lambda world: world.sqlite("/a.db", "select 1"),
        lambda world: world.passwd("root"),
        lambda world: world.group("root"),
    ],
    "env": [lambda world: world.environment("PATH")],
    "dns": [
        lambda world: world.resolve(
            "localhost", "A", dnssec=False, retrans=None, retry=None
        )
    ],
    "run": [lambda world: world.run(["/bin/true"])],
}


@pytest.mark.parametrize("permission", PERMISSIONS)
def test_each_question_needs_its_permission(permission: str) -> None:
    machine: World = Machine([p for p in PERMISSIONS if p != permission])
    for ask in QUESTIONS[permission]:
        with pytest.raises(NotAllowed, match=f"--allow {permission}"):
            ask(machine)


# --- files ----------------------------------------------------------------------------


def test_a_file_is_octets(tmp_path: Path) -> None:
    path = tmp_path / "caf\u00e9"
    path.write_bytes(b"\x00\xff\r\n")
    assert FILES.read(os.fsencode(path).decode("latin-1")) == "\x00\xff\r\n"


def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "f"
    machine = Machine(("files",))
    for text in ("one", "two", "three", ""):
        path.write_text(text)
        os.utime(path, ns=(0, time.time_ns()))
        assert machine.read(str(path)) == text
        assert machine.read(str(path)) == text


def test_few_files_stay_in_memory(tmp_path: Path) -> None:
    machine = Machine(("files",))
    for number in range(100):
        path = tmp_path / str(number)
        path.write_text(str(number))
        assert machine.read(str(path)) == str(number)
    assert len(machine._read) < 20


NO_FILES: dict[str, tuple[Callable[[Path], object], int]] = {
    "missing": (Path.absolute, errno.ENOENT),
    "directory": (Path.mkdir, errno.EISDIR),
    "pipe": (os.mkfifo, errno.EINVAL),
    "device": (lambda path: path.symlink_to("/dev/zero"), errno.EINVAL),
    "link to itself": (lambda path: path.symlink_to(path), errno.ELOOP),
    "link below itself": (lambda path: path.symlink_to("f/f"), errno.ELOOP),
}


@pytest.mark.parametrize("what", NO_FILES)
def test_what_is_no_file(tmp_path: Path, what: str) -> None:
    make, number = NO_FILES[what]
    make(tmp_path / "f")
    with pytest.raises(FileFailed) as failed:
        FILES.read(str(tmp_path / "f"))
    assert failed.value.number == number
    assert failed.value.path == str(tmp_path / "f")
    assert failed.value.reason


@pytest.mark.parametrize(
    "path", ["", "a\0b", "x" * 5000, "/etc/passwd/x", "\xff" * 300]
)
def test_impossible_paths(path: str) -> None:
    for ask in (FILES.read, FILES.status, FILES.names):
        with pytest.raises(FileFailed):
            ask(path)


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "f"
    with path.open("wb") as stream:
        stream.truncate(FILE_LIMIT + 1)
    with pytest.raises(FileFailed, match="larger than"):
        FILES.read(str(path))


def test_the_status_of_a_link_and_of_what_it_names(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("abc")
    (tmp_path / "l").symlink_to("f")
    assert stat.S_ISREG(FILES.status(f"{tmp_path}/l").mode)
    assert stat.S_ISLNK(FILES.status(f"{tmp_path}/l", follow=False).mode)
    assert FILES.status(f"{tmp_path}/f").size == 3


def test_every_field_of_a_status_is_that_of_the_system(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("abc")
    os.utime(path, (1_000_000_000, 1_100_000_000))
    found, real = FILES.status(str(path)), path.stat()
    assert asdict(found) == {
        "mode": real.st_mode, "uid": real.st_uid, "gid": real.st_gid, "size": 3,
        "inode": real.st_ino, "device": real.st_dev, "links": 1,
        "atime": 1_000_000_000, "mtime": 1_100_000_000, "ctime": int(real.st_ctime),
    }  # fmt: skip


def test_the_names_in_a_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", ".b", "c"):
        (tmp_path / name).touch()
    assert sorted(FILES.names(str(tmp_path))) == [".b", "a", "c"]
    monkeypatch.setattr("eximkit.machine.world.NAMES_LIMIT", 2)
    with pytest.raises(FileFailed, match="more than 2 names"):
        FILES.names(str(tmp_path))
    assert NAMES_LIMIT > 1000


def test_below_a_root_nothing_leads_out(tmp_path: Path) -> None:
    top = tmp_path / "top"
    (top / "etc").mkdir(parents=True)
    (tmp_path / "secret").write_text("no")
    (top / "etc/passwd").write_text("joe:x:7:8:Joe:/home/joe:/bin/sh\nshort:x\n")
    (top / "etc/group").write_text("mail:x:12:\nodd:x:y:\n")
    (top / "up").symlink_to("../secret")
    (top / "absolute").symlink_to("/etc/passwd")
    machine = Machine(("files", "run"), str(top) + "/")
    assert machine.read("/absolute").startswith("joe:")
    assert machine.read("/../../etc/passwd").startswith("joe:")
    assert stat.S_ISLNK(machine.status("/up", follow=False).mode)
    for path in ("/up", "/../secret", str(tmp_path / "secret")):
        with pytest.raises(FileFailed):
            machine.read(path)
    assert machine.passwd("joe") == (
        "joe",
        "x",
        "7",
        "8",
        "Joe",
        "/home/joe",
        "/bin/sh",
    )
    assert machine.passwd("root") is None
    assert machine.passwd("short") is None
    assert machine.group("mail") == 12
    assert machine.group("odd") is None
    with pytest.raises(FileFailed):
        machine.run(["/bin/true"])


def test_users_of_this_machine() -> None:
    entry = FILES.passwd("root")
    assert entry is not None
    assert entry[2:4] == ("0", "0")
    assert FILES.group("root") == 0
    for name in ("no such user", "", "\0", "\xff"):
        assert FILES.passwd(name) is None
        assert FILES.group(name) is None


def test_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXIMKIT_TEST", "caf\u00e9")
    machine = Machine(("env",))
    assert machine.environment("EXIMKIT_TEST") == "caf\xc3\xa9"
    for name in ("EXIMKIT_NO", "", "A=B", "a\0b"):
        assert machine.environment(name) is None


# --- databases ------------------------------------------------------------------------


@pytest.fixture
def database(tmp_path: Path) -> str:
    path = tmp_path / "a b?.db"
    with closing(sqlite3.connect(path)) as base:
        base.execute("create table t (n, s)")
        base.execute("insert into t values (1, 'x'), (2.5, null), (1e100, x'ff00')")
        base.commit()
    return str(path)


def test_rows_are_text_as_the_engine_writes_it(database: str) -> None:
    columns, rows = FILES.sqlite(database, "select n, s as Caf\xc3\xa9 from t;")
    assert list(columns) == ["n", "Caf\xc3\xa9"]
    assert list(rows) == [("1", "x"), ("2.5", None), ("1.0e+100", "\xff")]
    assert FILES.sqlite(database, "select 3.0, 'a;b'; ; ")[1] == [("3.0", "a;b")]
    assert FILES.sqlite(database, "")[1] == []
    assert FILES.sqlite(database, "select -1e300 * 1e300")[1] == [("-Inf",)]


def test_rows_of_several_statements(database: str) -> None:
    rows = FILES.sqlite(database, "select 1 as a; select 2 as b; select 3 where 0")[1]
    assert rows == [("1",), ("2",)]
    twice = "select n, s from t where n < 2"
    assert FILES.sqlite(database, f"{twice}; {twice}")[1] == [("1", "x"), ("1", "x")]
    with pytest.raises(FileFailed, match="rows of several kinds"):
        FILES.sqlite(database, "select 1, 2; select 3")


@pytest.mark.parametrize(
    "query",
    [
        "insert into t values (1, 2)",
        "drop table t",
        "attach '{other}' as o",
        "vacuum into '{other}'",
        "pragma journal_mode = wal",
        "select nosuch from t",
        "select load_extension('x')",
        "selec",
        "select '\xff'",
        "select zeroblob(1000000000)",
        "select 'a' || " * 5000 + "'b'",
        "select '" + ";" * 5000 + "'",
    ],
)
def test_a_database_stays_as_it_is(database: str, tmp_path: Path, query: str) -> None:
    other = tmp_path / "other.db"
    before = Path(database).read_bytes()
    with pytest.raises(FileFailed):
        FILES.sqlite(database, query.replace("{other}", str(other)))
    assert Path(database).read_bytes() == before
    assert list(tmp_path.iterdir()) == [Path(database)]


ENDLESS = "with recursive c(x) as (select 1 union all select x + 1 from c) select {}"


def test_a_query_ends(database: str) -> None:
    machine = Machine(("files",), seconds=0.3, output=10_000)
    start = time.monotonic()
    with pytest.raises(FileFailed, match="too long") as failed:
        machine.sqlite(database, ENDLESS.format("count(*) from c"))
    assert failed.value.number == errno.ETIMEDOUT
    with pytest.raises(FileFailed, match="more than 10000 octets"):
        machine.sqlite(database, ENDLESS.format("x from c"))
    assert time.monotonic() - start < 5


def test_a_deadline_that_a_callback_has_lost() -> None:
    def lost() -> str:
        with closing(sqlite3.connect(":memory:")) as database:
            database.set_progress_handler(lambda: False, 100)
            try:
                database.execute(ENDLESS.format("max(x) from c")).fetchall()
            except sqlite3.Error:
                return "an error of the engine"
        return "an answer"

    with pytest.raises(OutOfTime), deadline(0.3):
        lost()


def test_what_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("k: v\n" * 1000)
    os.mkfifo(tmp_path / "fifo")
    for name in ("text", "fifo", "missing", "."):
        with pytest.raises(FileFailed):
            FILES.sqlite(str(tmp_path / name), "select * from sqlite_master")
    assert not (tmp_path / "missing").exists()


# --- commands -------------------------------------------------------------------------


def python(code: str, machine: Machine = RUN) -> Any:
    return machine.run([sys.executable, "-c", code])


def test_a_command() -> None:
    done = python("import sys; print('out', flush=True); sys.stderr.write('err')")
    assert (done.status, done.output) == (0, "out\nerr")
    assert python("raise SystemExit(3)").status == 3
    assert python("import os; os.kill(os.getpid(), 9)").status == -9
    assert python("import sys; print(sys.stdin.read())").output == "\n"
    assert python("import sys; sys.stdout.buffer.write(b'\\xff\\0')").output == "\xff\0"


def test_a_command_has_the_environment_only_where_that_is_allowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EXIMKIT_TEST", "seen")
    code = "import os; print(os.environ.get('EXIMKIT_TEST'))"
    assert python(code).output == "None\n"
    assert python(code, Machine(("run", "env"))).output == "seen\n"


@pytest.mark.parametrize(
    ("code", "seconds", "number"),
    [
        ("import time; time.sleep(99)", 0.5, errno.ETIMEDOUT),
        ("import os, time; os.close(1); os.close(2); time.sleep(99)", 0.5,
         errno.ETIMEDOUT),
        ("import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(99)", 0.5,
         errno.ETIMEDOUT),
        ("while True: print('y' * 999)", 5, errno.EFBIG),
    ],
)  # fmt: skip
def test_a_command_ends(code: str, seconds: float, number: int) -> None:
    start = time.monotonic()
    with pytest.raises(FileFailed) as failed:
        python(code, Machine(("run",), seconds=seconds, output=10_000))
    assert failed.value.number == number
    assert time.monotonic() - start < 5


def test_no_process_is_left_behind(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    code = (
        "import os, sys, time\n"
        "if os.fork():\n sys.exit()\n"
        f"open({str(note)!r}, 'w').write(str(os.getpid()))\n"
        "os.close(1); os.close(2); time.sleep(99)\n"
    )
    assert python(code).status == 0
    deadline = time.monotonic() + 3
    while note.exists() and Path(f"/proc/{note.read_text()}/stat").exists():
        state = Path(f"/proc/{note.read_text()}/stat").read_text().split()[2]
        if state == "Z":
            break
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize(
    "arguments", [["/no/such"], ["true"], [""], ["/etc"], ["/bin/true", "a\0b"], ["\0"]]
)
def test_what_is_no_command(arguments: list[str]) -> None:
    with pytest.raises(FileFailed):
        RUN.run(arguments)


def test_a_command_beyond_its_bounds_gives_no_value() -> None:
    """It is not one that failed: what Exim would make of it is not known."""
    quick = Machine(("run",), seconds=0.3, output=1000)
    environment = Environment(absent_empty=True, world=quick)
    for command in ("/usr/bin/yes", "/bin/sleep 30"):
        result = expand(f"${{run{{{command}}}{{y}}{{n}}}}", environment)
        assert isinstance(result, Failure)
        assert result.kind == "unsupported"


# --- time and caller ------------------------------------------------------------------


def test_offsets_of_time_zones(monkeypatch: pytest.MonkeyPatch) -> None:
    july = 1_750_000_000
    assert offset_of("UTC")(july) == 0
    assert offset_of("Europe/Paris")(july) == 7200
    for wrong in ("No/Where", "../etc/passwd", "/etc/passwd"):
        assert offset_of(wrong)(july) == 0
    here = offset_of(None)(july)
    assert offset_of("")(july) == here
    monkeypatch.setenv("TZ", "Etc/GMT-14")
    assert offset_of(None)(july) == here


def test_the_clock_and_the_caller() -> None:
    assert abs(FILES.clock() - time.time()) < 60
    who = caller()
    assert who.uid == os.getuid()
    assert who.process == os.getpid()
    assert Path(who.directory).samefile(".")
