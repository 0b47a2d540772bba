"""The Parquet tables say what the JSON report says, whoever reads them."""

# ruff: noqa: S608 - the SQL is the test's own

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eximkit.errors import InputError
from eximkit.logs.columns import files, folder, sessions
from eximkit.logs.columns.entries import Reader
from eximkit.logs.columns.export import export
from eximkit.logs.columns.schema import EVENTS, SESSIONS, arrow_schema, arrow_type
from eximkit.logs.sources import gather
from eximkit.logs.window import Window
from tests.conftest import without
from tests.logs.scenes import samples

if TYPE_CHECKING:
    from collections.abc import Sequence

CHECKOUT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "eximkit", "logs"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(CHECKOUT), "LC_ALL": "C.UTF-8"}


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, timeout=120,
        check=False,
        env={**ENVIRONMENT, **environment},
    )  # fmt: skip


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    place = tmp_path_factory.mktemp("logs")
    for name, log in samples().items():
        (place / name).write_bytes(log.text)
    return [str(path) for path in sorted(place.iterdir())]


@pytest.fixture(scope="module")
def tables(logs: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("tables") / "out"
    done = run(*logs, "--year", "2026", "--format", "parquet", "--output", str(place))
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    return place


@pytest.fixture(scope="module")
def report(logs: list[str]) -> Any:
    done = run(*logs, "--year", "2026", "--format", "json", "--by", "proto")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# Either is asked in SQL for the same; `events` and `sessions` are the tables.
def by_duckdb(tables: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as database:
        for name in ("events", "sessions"):
            database.execute(
                f"CREATE VIEW {name} AS SELECT * FROM "
                f"read_parquet('{tables}/{name}/**/*.parquet', hive_partitioning=true)"
            )
        return database.execute(sql).fetchall()


def by_polars(tables: Path, sql: str) -> list[tuple[Any, ...]]:
    context = pl.SQLContext(
        events=pl.scan_parquet(f"{tables}/events/**/*.parquet", hive_partitioning=True),
        sessions=pl.scan_parquet(f"{tables}/sessions/*.parquet"),
    )
    found: list[tuple[Any, ...]] = context.execute(sql, eager=True).rows()
    return found


RECEIVED = "kind IN ('arrival', 'fake_reject')"
DELIVERED = "kind IN ('delivery', 'further', 'cutthrough')"
MESSAGES = f"""
SELECT
  SUM(CASE WHEN {RECEIVED} THEN 1 ELSE 0 END),
  SUM(CASE WHEN {RECEIVED} AND direction = 'in' THEN 1 ELSE 0 END),
  SUM(CASE WHEN {RECEIVED} AND sender = '' THEN 1 ELSE 0 END),
  SUM(CASE WHEN {RECEIVED} THEN size ELSE 0 END),
  SUM(CASE WHEN {DELIVERED} THEN 1 ELSE 0 END),
  SUM(CASE WHEN {DELIVERED} AND remote THEN 1 ELSE 0 END),
  SUM(CASE WHEN kind = 'deferral' THEN 1 ELSE 0 END),
  SUM(CASE WHEN kind = 'failure' THEN 1 ELSE 0 END),
  SUM(CASE WHEN kind = 'completed' THEN 1 ELSE 0 END),
  SUM(CASE WHEN kind = 'frozen' THEN 1 ELSE 0 END),
  SUM(CASE WHEN kind IN ('rejection', 'temporary_rejection') THEN 1 ELSE 0 END),
  SUM(CASE WHEN kind = 'garbage' THEN 1 ELSE 0 END),
  SUM(CASE WHEN kind = 'unparsed' THEN 1 ELSE 0 END),
  COUNT(*)
FROM events
"""
MESSAGE_KEYS = (
    "arrivals", "arrivals_smtp", "arrivals_null_sender", "bytes_received", "deliveries",
    "deliveries_remote", "deferrals", "failures", "completed", "frozen", "rejects",
)  # fmt: skip


@pytest.mark.parametrize("ask", [by_duckdb, by_polars])
def test_the_tables_say_what_the_report_says(
    ask: Any, tables: Path, report: Any
) -> None:
    ((*counts, garbage, unparsed, rows),) = ask(tables, MESSAGES)
    messages = report["messages"]
    assert counts == [messages[key] for key in MESSAGE_KEYS]
    log = report["log"]
    assert [garbage, unparsed, rows] == [
        log["garbage_lines"], log["unparsed_lines"], log["lines"],
    ]  # fmt: skip
    sync = dict(ask(
        tables,
        "SELECT kind, COUNT(*) AS n FROM events WHERE kind LIKE 'sync_%' GROUP BY kind",
    ))  # fmt: skip
    assert sync == messages["sync_errors"]


@pytest.mark.parametrize("ask", [by_duckdb, by_polars])
def test_sessions_say_how_pipelining_was_used(
    ask: Any, tables: Path, report: Any
) -> None:
    for way in ("in", "out"):
        by_session = dict(ask(
            tables,
            "SELECT COALESCE(s.form, 'none') AS f, COUNT(*) AS n FROM events e "
            f"JOIN sessions s ON e.session = s.session WHERE s.direction = '{way}' "
            "GROUP BY COALESCE(s.form, 'none')",
        ))  # fmt: skip
        expected = {form: n for form, n in report["pipelining"][way].items() if n}
        assert by_session == expected
        counted = dict(ask(
            tables,
            "SELECT COALESCE(form, 'none') AS f, SUM(events) AS n FROM sessions "
            f"WHERE direction = '{way}' GROUP BY COALESCE(form, 'none')",
        ))  # fmt: skip
        assert counted == expected
        ((hosts,),) = ask(
            tables, f"SELECT COUNT(DISTINCT ip) FROM sessions WHERE direction = '{way}'"
        )
        assert hosts == report["hosts_seen"][way]


@pytest.mark.parametrize("ask", [by_duckdb, by_polars])
def test_days_are_partitions(ask: Any, tables: Path, report: Any) -> None:
    rows = ask(
        tables,
        f"SELECT day, SUM(CASE WHEN {RECEIVED} THEN 1 ELSE 0 END) AS a, "
        f"SUM(CASE WHEN {DELIVERED} THEN 1 ELSE 0 END) AS d, "
        "SUM(CASE WHEN kind = 'completed' THEN 1 ELSE 0 END) AS c "
        "FROM events WHERE day IS NOT NULL GROUP BY day ORDER BY day",
    )
    found = {str(day): counts for day, *counts in rows if any(counts)}
    days = report["per_day"].items()
    assert found == {
        day: [n["arrivals"], n["deliveries"], n["completed"]] for day, n in days if day
    }
    folders = {path.name for path in (tables / "events").iterdir()}
    assert folders == {f"day={day}" for day in found} | {f"day={files.NO_DAY}"}


def test_protocols_are_those_of_the_report(tables: Path, report: Any) -> None:
    rows = by_duckdb(
        tables,
        f"SELECT protocol, COUNT(*), SUM(size) FROM events WHERE {RECEIVED} GROUP BY 1",
    )
    groups = {
        row["key"]: (row["arrivals"], row["bytes_received"])
        for row in report["groups"]["proto"]
        if row["arrivals"]
    }
    assert {key or "-": (number, int(size)) for key, number, size in rows} == groups


def test_the_files_describe_their_columns(tables: Path) -> None:
    for name, columns in (("events", EVENTS), ("sessions", SESSIONS)):
        for path in (tables / name).rglob("*.parquet"):
            schema = pq.read_schema(path)
            assert schema.names == [column.name for column in columns]
            for column in columns:
                told = schema.field(column.name).metadata
                assert told[b"description"].decode() == column.description
                assert told.get(b"source", b"").decode() == column.source
                assert told.get(b"unit", b"").decode() == column.unit
    manifest = json.loads((tables / folder.MANIFEST).read_text())
    assert manifest["schema"] == "eximkit.columns/1"
    assert manifest["events"] == by_duckdb(tables, "SELECT COUNT(*) FROM events")[0][0]
    assert not list(tables.parent.glob(".*"))


def exported(logs: Sequence[str], place: Path, **terms: Any) -> Any:
    with gather(logs, 2026) as found:
        return export(found.sources, str(place), **terms)


def test_times_are_those_of_the_log(logs: list[str], tmp_path: Path) -> None:
    ports = [path for path in logs if path.endswith("/ports")]
    exported(ports, tmp_path / "t")
    first = Path(ports[0]).read_text().partition("\n")[0]
    stamp = datetime.fromisoformat(first[:23])
    rows = by_duckdb(
        tmp_path / "t",
        "SET TimeZone = 'UTC'; SELECT stamp, utc, zone, process, line, log FROM events "
        "ORDER BY line LIMIT 1",
    )
    assert rows[0][0] == stamp
    utc = datetime.fromisoformat(first[:23] + first[24:29]).astimezone(UTC)
    assert rows[0][1].astimezone(UTC) == utc
    assert rows[0][2:] == ("+0100", int(first[31 : first.index("]")]), 1, ports[0])


def test_a_window_keeps_the_numbers_of_lines(logs: list[str], tmp_path: Path) -> None:
    log = next(path for path in logs if path.endswith("/mainlog"))
    exported([log], tmp_path / "all")
    exported(
        [log], tmp_path / "some", window=Window("2026-03-02 00:00:00", "2026-03-03")
    )
    sql = "SELECT line, stamp, message_id, text FROM events {} ORDER BY line"
    some = by_duckdb(tmp_path / "some", sql.format(""))
    day = "WHERE stamp >= '2026-03-02' AND stamp < '2026-03-03'"
    assert some == by_duckdb(tmp_path / "all", sql.format(day))
    assert some


def test_memory_is_bounded_and_nothing_is_lost(
    logs: list[str], tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "ROWS", 50)
    monkeypatch.setattr(files, "OPEN", 2)
    monkeypatch.setattr(sessions, "LIMIT", 5)
    monkeypatch.setattr("eximkit.logs.columns.export.BLOCK", 2000)
    monkeypatch.setattr("eximkit.logs.columns.entries.LINES", 7)
    exported(logs, tmp_path / "t")
    order = "ORDER BY log, line"
    left_out = "EXCLUDE (session)"
    sql = f"SELECT * {left_out} FROM events {order}"
    assert by_duckdb(tmp_path / "t", sql) == by_duckdb(tables, sql)
    joined = (
        "SELECT e.log, e.line, s.* EXCLUDE (session, events) FROM events e "
        f"JOIN sessions s USING (session) {order}"
    )
    assert by_duckdb(tmp_path / "t", joined) == by_duckdb(tables, joined)
    (numbers,) = by_duckdb(
        tmp_path / "t", "SELECT COUNT(*), COUNT(DISTINCT session) FROM sessions"
    )
    assert numbers[0] == numbers[1]


@given(st.lists(st.binary(max_size=9).map(lambda b: b.replace(b"\n", b"")), min_size=1))
def test_short_lines_are_not_taken_too_many_at_a_time(lines: list[bytes]) -> None:
    for text in (b"\n".join([*lines, b"x"]), b"".join(line + b"\n" for line in lines)):
        (whole,) = Reader().entries(text)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("eximkit.logs.columns.entries.LINES", 3)
            tables = list(Reader().entries(text))
        assert pa.concat_tables(tables).combine_chunks().equals(whole.combine_chunks())
        assert all(table.num_rows <= 3 for table in tables)


def test_a_log_of_blank_lines_needs_no_more_memory(tmp_path: Path) -> None:
    """It needed gigabytes: a block of text has columns for each of its lines."""
    log = tmp_path / "mainlog"
    log.write_bytes(b"\n" * 1_500_000)
    code = (
        "import sys; from eximkit.cli import main\n"
        "try: main(['logs', *sys.argv[1:]])\n"
        "except SystemExit as error: assert not error.code, error.code\n"
        "print(open('/proc/self/status').read())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "--format", "parquet",
         "--output", tmp_path / "t", log],
        capture_output=True, text=True, check=False, env=ENVIRONMENT, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    # What getrusage tells would be of the tests' own process, too.
    (peak,) = re.findall(r"^VmHWM:\s+(\d+) kB$", done.stdout, re.MULTILINE)
    assert int(peak) < 400_000
    assert by_duckdb(tmp_path / "t", "SELECT COUNT(*) FROM events") == [(1_500_000,)]


def test_rows_that_wait_keep_no_others_in_memory(tmp_path: Path) -> None:
    entry = b"2026-03-01 10:00:00 16ZCW1-0005MB-00 Completed\n"
    (table,) = Reader().entries(entry * 5000 + b"no time\n")
    rest = pa.nulls(table.num_rows)
    events = pa.table(
        [
            (table[c.name] if c.name in table.column_names else rest).cast(
                arrow_type(c.type)
            )
            for c in EVENTS
        ],
        schema=arrow_schema(EVENTS),
    )
    days = files.Days(tmp_path / "events")
    held = []
    for _ in range(40):
        # A table of its own, as each lot of a log is one.
        days.add(events.take(pa.array(range(events.num_rows))))
        held.append(pa.total_allocated_bytes())
    days.close()
    lots = files.ROWS // table.num_rows + 2
    assert max(held) - held[0] < lots * events.nbytes


def test_lines_of_no_time_and_of_no_length(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "mainlog"
    head = b" 16ZCW1-0005MB-00 <= a@b.example H=("
    tail = b") [192.0.2.1] P=esmtp S=10\n"
    log.write_bytes(
        b"2026-02-30 10:00:00" + head + b"x" + tail
        + b"2026-02-28 10:00:00" + head + b"\xe4\x1f\xff" + tail
        + b"\n" + b"x" * 5000 + b"\n"
        + b"2026-02-28 10:00:01 16ZCW1-0005MB-00 Completed\n"
    )  # fmt: skip
    monkeypatch.setattr("eximkit.logs.reader.whole_lines.__kwdefaults__", {
        "offset": 0, "pieces": False, "size": 64, "limit": 1000,
    })  # fmt: skip
    monkeypatch.setattr("eximkit.logs.columns.export.BLOCK", 64)
    exported([str(log)], tmp_path / "t")
    rows = by_duckdb(
        tmp_path / "t", "SELECT day, helo, kind, line FROM events ORDER BY line"
    )
    assert [(str(day), *rest) for day, *rest in rows] == [
        ("None", "x", "arrival", 1),
        ("2026-02-28", "\\xe4\x1f\\xff", "arrival", 2),
        ("None", None, "garbage", 3),
        ("None", None, "garbage", 4),
        ("2026-02-28", None, "completed", 5),
    ]


def test_an_empty_log_is_empty_tables(tmp_path: Path) -> None:
    (tmp_path / "mainlog").write_bytes(b"")
    exported([str(tmp_path / "mainlog")], tmp_path / "t")
    for table in ("events", "sessions"):
        assert by_duckdb(tmp_path / "t", f"SELECT COUNT(*) FROM {table}") == [(0,)]


def test_only_what_is_ours_is_replaced(logs: list[str], tmp_path: Path) -> None:
    place = tmp_path / "out"
    place.mkdir()
    exported(logs[:1], place)
    (place / "note").write_text("of the export before")
    link = tmp_path / "link"
    link.symlink_to(place)
    exported(logs[1:2], link)
    assert link.is_symlink()
    assert not (place / "note").exists()
    (place / folder.MANIFEST).write_text("[]")
    before = sorted(place.rglob("*"))
    for target in (place, Path(logs[0]), tmp_path / "no" / "such"):
        with pytest.raises(InputError, match=str(target)):
            exported(logs[:1], target)
    assert sorted(place.rglob("*")) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "out"]


def test_names_need_not_be_exchangeable(
    logs: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "_exchanged", lambda _one, _other: False)
    for _ in range(2):
        exported(logs[:1], tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_full_disk_leaves_what_was_there(logs: list[str], tmp_path: Path) -> None:
    if os.geteuid() != 0:
        without("needs root: it mounts a small file system")
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=350k", "tmpfs", str(disk)]
    if subprocess.run(mount, check=False).returncode != 0:
        without("no tmpfs can be mounted")
    try:
        log = tmp_path / "mainlog"
        log.write_bytes(samples()["mainlog"].text)
        arguments = ("--format", "parquet", "--output", str(disk / "out"))
        assert run(str(log), *arguments).returncode == 0
        before = sorted(disk.rglob("*"))
        done = run(*logs, "--year", "2026", *arguments)
        assert done.returncode == 3
        assert done.stderr == f"eximkit: {disk / 'out'}: No space left on device\n"
        assert sorted(disk.rglob("*")) == before
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_what_is_missing_is_told_before_anything_is_read(tmp_path: Path) -> None:
    for module, arguments, extra in (
        ("pyarrow", ("--format", "parquet", "--output", str(tmp_path / "x")), "arrow"),
        ("distributed", ("--engine", "dask"), "cluster"),
    ):
        place = tmp_path / module
        place.mkdir()
        # One that cannot be found, for whoever looks or imports.
        (place / "sitecustomize.py").write_text(
            "import sys\n"
            "class Gone:\n"
            "    def find_spec(self, name, path=None, target=None):\n"
            f"        if name.partition('.')[0] == {module!r}:\n"
            "            raise ModuleNotFoundError(name)\n"
            "sys.meta_path.insert(0, Gone())\n"
        )
        done = run("no-such-log", *arguments, PYTHONPATH=f"{place}:{CHECKOUT}")
        assert done.returncode == 4, done.stderr
        assert f"pip install 'eximkit[{extra}]'" in done.stderr
        assert done.stderr.count("\n") == 1


def test_what_does_not_go_together(logs: list[str], tmp_path: Path) -> None:
    for arguments in ((), ("--output", "-"), ("--output", "x", "--by", "day")):
        done = run(logs[0], "--format", "parquet", *arguments)
        assert done.returncode == 2
        assert done.stderr.startswith("eximkit: ")
