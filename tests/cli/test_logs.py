"""`eximkit logs`: paths, options, formats, exit codes; `show` and `grep`."""

from __future__ import annotations

import csv
import fcntl
import gzip
import io
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from eximkit.cli import log_times, main
from eximkit.cli.progress import Progress
from eximkit.errors import SettingsError
from eximkit.logs import sources
from tests.logs.generator import Log, Options
from tests.logs.scenes import CLIENTS, SERVERS, busy, quiet

CHECKOUT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "eximkit", "logs"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(CHECKOUT), "LC_ALL": "C.UTF-8"}
START = datetime(2026, 3, 1, 8)  # noqa: DTZ001 - as the log has it


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(name: str = "mainlog", messages: int = 14, **options: Any) -> Log:
    """A log of two days, in a file."""
    log = Log(Options(**options), START)
    busy(log, 2, messages)
    Path(name).write_bytes(log.text)
    return log


def logs(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["logs", *arguments])


def document(*arguments: str) -> dict[str, Any]:
    run = logs("--format", "json", *arguments)
    assert run.exit_code == 0, run.output
    data: dict[str, Any] = json.loads(run.stdout)
    return data


def piped(*arguments: str, stdin: bytes) -> tuple[int, bytes]:
    """Exit code and output of a process that reads from a pipe."""
    run = subprocess.run(
        [*COMMAND, *arguments], input=stdin, capture_output=True, env=ENVIRONMENT,
        timeout=60, check=False,
    )  # fmt: skip
    return run.returncode, run.stdout


def test_the_shape_of_the_json() -> None:
    written()
    data = document("mainlog")
    assert data["schema"] == "eximkit.logs/1"
    assert data["log"].keys() >= {"files", "bytes", "lines", "garbage_lines"}
    assert set(data["messages"]) == {
        "arrivals", "arrivals_smtp", "arrivals_local", "arrivals_null_sender",
        "bytes_received", "deliveries", "deliveries_local", "deliveries_remote",
        "deferrals", "failures", "completed", "frozen", "rejects", "sync_errors",
    }  # fmt: skip
    assert set(data["messages"]["sync_errors"]) == {
        "sync_greeting", "sync_not_advertised", "sync_advertised",
    }  # fmt: skip
    forms = data["pipelining"]
    assert list(forms["in"]) == ["none", "L", "L-", "L.", "L.-", "L*", "L*-"]
    assert list(forms["out"]) == ["none", "L", "L*"]
    assert forms["selector"] == "on"
    assert set(data["hosts_seen"]) == set(data["top_hosts"]) == {"in", "out"}
    first = data["top_hosts"]["in"][0]
    assert (
        sum(n for key, n in first.items() if key not in {"ip", "total"})
        == (first["total"])
    )
    day = data["per_day"]["2026-03-01"]
    assert set(day) == {
        "arrivals", "bytes_received", "deliveries", "deferrals", "failures",
        "completed", "frozen", "rejects", "in", "out",
    }  # fmt: skip
    assert "groups" not in data


def test_all_keys_are_there_for_an_empty_log() -> None:
    Path("empty").write_bytes(b"")
    written()
    data, full = document("empty"), document("mainlog")
    assert set(data) == set(full)
    assert data["pipelining"]["selector"] == "unknown"
    assert data["pipelining"]["in"] == dict.fromkeys(full["pipelining"]["in"], 0)
    assert data["messages"]["sync_errors"] == dict.fromkeys(
        full["messages"]["sync_errors"], 0
    )


def test_the_selector_off_is_said_and_no_share_is_shown() -> None:
    written(selector=False, messages=40)
    assert document("mainlog")["pipelining"]["selector"] == "off"
    shown = logs("mainlog").stdout
    assert "selector pipelining: off" in shown
    assert "+pipelining" in shown
    assert "%" not in shown


def test_a_selector_that_was_switched_on_is_shown_by_stretches() -> None:
    log = Log(Options(selector=False), START)
    log.daemon_start()
    busy(log, 2, 30)
    log.selector = True
    log.daemon_start("4.99")
    busy(log, 2, 30)
    Path("mainlog").write_bytes(log.text)
    found = document("mainlog")["pipelining"]
    assert found["selector"] == "on"
    assert [(s["selector"], s["exim_version"]) for s in found["stretches"]] == [
        ("off", "4.98"), ("on", "4.99"),
    ]  # fmt: skip
    shown = logs("mainlog").stdout
    assert "on for a part of the time" in shown
    assert re.search(r"off +2026-03-01 to 2026-03-0", shown)


def test_rotated_and_compressed_logs_are_one() -> None:
    log = written()
    lines = log.text.splitlines(keepends=True)
    Path("mainlog").write_bytes(b"".join(lines[60:]))
    with gzip.open("mainlog.1.gz", "wb") as old:
        old.write(b"".join(lines[:60]))
    whole = document("mainlog", "mainlog.1.gz")
    assert whole["log"]["files"] == 2
    assert whole["messages"] == log.truth()["messages"]
    assert whole == document("mainlog*") | {"log": whole["log"]}


def test_standard_input() -> None:
    log = written()
    code, output = piped("--format", "json", "-", stdin=log.text)
    assert code == 0
    assert json.loads(output)["messages"] == log.truth()["messages"]


def test_without_a_path_the_usual_places_are_tried(
    monkeypatch: pytest.MonkeyPatch, here: Path
) -> None:
    written()
    monkeypatch.setattr(sources, "USUAL_PLACES", (("Here", str(here / "mainlog*")),))
    run = logs()
    assert run.exit_code == 0
    assert f"no PATH given; reading {here}/mainlog" in run.stderr
    monkeypatch.setattr(sources, "USUAL_PLACES", (("Here", str(here / "x*")),))
    assert logs().exit_code == 3


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["missing"], 3, "No such file"),
        (["."], 3, "is a directory"),
        (["no-log"], 3, "not a main log"),
        (["mainlog", "missing"], 3, "missing: No such file"),
        (["--by", "week", "mainlog"], 2, "week"),
        (["--since", "soon", "mainlog"], 2, "2026-01-31 08:30"),
        (["--until", "2026-13-01", "mainlog"], 2, "month must be in 1..12"),
        (["--since", "2026-02", "--until", "2026-01", "mainlog"], 2, "nothing"),
        (["--jobs", "0", "mainlog"], 2, "--jobs"),
        (["--top", "-1", "mainlog"], 2, "--top"),
        (["--year", "26", "mainlog"], 2, "--year"),
        (["--format", "xml", "mainlog"], 2, "xml"),
        (["--nothing"], 2, "--nothing"),
        (["--output", "no/such/x", "mainlog"], 3, "no/such/x"),
        (["show"], 2, "MSGID"),
        (["show", "nonsense", "mainlog"], 2, "not a message id"),
        (["grep"], 2, "PATTERN"),
        (["grep", "(", "mainlog"], 2, "pattern '('"),
        (["grep", "x", "missing"], 3, "No such file"),
    ],
)
def test_exit_codes(arguments: list[str], code: int, said: str) -> None:
    written()
    Path("no-log").write_text("hello\nworld\n")
    run = logs(*arguments)
    assert run.exit_code == code, run.output
    assert said in run.output
    assert "Traceback" not in run.output
    assert "internal" not in run.output


def test_what_can_be_read_is_reported_beside_what_cannot() -> None:
    log = written()
    run = logs("--format", "json", "mainlog", "missing")
    assert run.exit_code == 3
    data = json.loads(run.stdout)
    assert data["messages"] == log.truth()["messages"]
    assert data["problems"] == ["missing: No such file or directory"]


def test_output_goes_to_a_file_as_a_whole() -> None:
    written()
    run = logs("--format", "json", "--output", "report.json", "mainlog")
    assert (run.exit_code, run.stdout) == (0, "")
    assert json.loads(Path("report.json").read_text()) == document("mainlog")


def rows(*arguments: str) -> list[dict[str, str]]:
    run = logs("--format", "csv", *arguments)
    assert run.exit_code == 0, run.output
    return list(csv.DictReader(io.StringIO(run.stdout)))


def test_csv_has_a_row_for_each_day_and_direction() -> None:
    log = written()
    header = logs("--format", "csv", "mainlog").stdout.split("\n")[0]
    assert header == (
        "key,direction,arrivals,deliveries,bytes_received,none,L,L-,L.,L.-,L*,L*-"
    )
    found = rows("mainlog")
    assert [(row["key"], row["direction"]) for row in found] == [
        (day, way) for day in ("2026-03-01", "2026-03-02") for way in ("in", "out")
    ]
    truth = log.truth()
    for way in ("in", "out"):
        for form, count in truth["pipelining"][way].items():
            assert sum(int(r[form]) for r in found if r["direction"] == way) == count
    counts = truth["messages"]
    for name in ("arrivals", "deliveries", "bytes_received"):
        assert sum(int(row[name]) for row in found) == counts[name]
    assert {row["direction"] for row in rows("--direction", "out", "mainlog")} == {
        "out"
    }


def test_csv_of_several_groups_says_which() -> None:
    written()
    found = rows("--by", "proto", "--by", "tls", "mainlog")
    assert {row["by"] for row in found} == {"proto", "tls"}
    assert "by" not in rows("--by", "tls", "mainlog")[0]


def test_hours_are_in_order_of_time() -> None:
    written(messages=40)
    keys = [g["key"] for g in document("--by", "hour", "mainlog")["groups"]["hour"]]
    assert keys == sorted(keys)
    assert all(re.fullmatch(r"2026-03-0\d \d\d", key) for key in keys)


def test_top_limits_lists() -> None:
    written()
    data = document("--top", "2", "mainlog")
    assert [len(data["top_hosts"][way]) for way in ("in", "out")] == [2, 2]
    assert data["hosts_seen"]["in"] == len(CLIENTS)
    shown = logs("--by", "host", "--top", "1", "mainlog").stdout
    assert f"and {len(CLIENTS) + len(SERVERS) - 1} more: --top shows them" in shown


def test_direction_decides_what_the_table_shows() -> None:
    written()
    inward = logs("--direction", "in", "mainlog").stdout
    assert "Received over SMTP" in inward
    assert "Delivered to hosts" not in inward
    outward = logs("--direction", "out", "mainlog").stdout
    assert "Delivered to hosts" in outward
    assert "Received over SMTP" not in outward


def test_a_part_of_the_time() -> None:
    log = written()
    days = log.truth()["per_day"]
    first, second = (document("--until", "2026-03-01", "mainlog"),
                     document("--since", "2026-03-02", "mainlog"))  # fmt: skip
    for data, day in ((first, "2026-03-01"), (second, "2026-03-02")):
        assert list(data["per_day"]) == [day]
        assert data["messages"]["arrivals"] == days[day]["arrivals"]
    assert sum(d["log"]["lines"] for d in (first, second)) == log.lines
    nothing = document("--since", "2030", "mainlog")
    assert nothing["log"]["lines"] == nothing["messages"]["arrivals"] == 0


@pytest.mark.parametrize("syslog", ["", "stamp", "nostamp", "rfc3339"])
def test_a_part_of_the_time_of_any_stamp(syslog: str) -> None:
    log = written(syslog=syslog)
    data = document("--since", "2026-03-02", "--year", "2026", "mainlog")
    assert list(data["per_day"]) == ["2026-03-02"]
    wanted = log.truth()["per_day"]["2026-03-02"]
    assert data["messages"]["arrivals"] == wanted["arrivals"]


NOW = datetime(2026, 3, 5, 10, 20, 30)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("2026", "2026-01-01 00:00:00", "2027-01-01 00:00:00"),
        ("2026-12", "2026-12-01 00:00:00", "2027-01-01 00:00:00"),
        ("2024-02", "2024-02-01 00:00:00", "2024-03-01 00:00:00"),
        ("2026-02-28", "2026-02-28 00:00:00", "2026-03-01 00:00:00"),
        ("2026-02-28 23", "2026-02-28 23:00:00", "2026-03-01 00:00:00"),
        ("2026-02-28T08:59", "2026-02-28 08:59:00", "2026-02-28 09:00:00"),
        (" 2026-02-28 08:59:59 ", "2026-02-28 08:59:59", "2026-02-28 09:00:00"),
        ("now", "2026-03-05 10:20:30", "2026-03-05 10:20:30"),
        ("Today", "2026-03-05 00:00:00", "2026-03-06 00:00:00"),
        ("yesterday", "2026-03-04 00:00:00", "2026-03-05 00:00:00"),
        ("30s", "2026-03-05 10:20:00", "2026-03-05 10:20:00"),
        ("20m", "2026-03-05 10:00:30", "2026-03-05 10:00:30"),
        ("12h", "2026-03-04 22:20:30", "2026-03-04 22:20:30"),
        ("7 D", "2026-02-26 10:20:30", "2026-02-26 10:20:30"),
        ("2w", "2026-02-19 10:20:30", "2026-02-19 10:20:30"),
    ],
)
def test_times(text: str, since: str, until: str) -> None:
    assert str(log_times.since(text, NOW)) == since
    assert str(log_times.until(text, NOW)) == until


@pytest.mark.parametrize(
    "text",
    ["", "x", "2026-1-1", "2026-02-30", "12:00", "-1d", "٢٠٢٦",
     "2026-02-28 24", "2026-02-28 08:60", "1y"],
)  # fmt: skip
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(SettingsError, match="or an age"):
        log_times.until(text, NOW)


def test_lines_of_no_known_form_are_listed() -> None:
    log = Log(Options(), START)
    quiet(log, 2, "L")
    log.text += b"2026-03-01 10:00:00 no such \x1b[31mline\xff\n\n"
    Path("mainlog").write_bytes(log.text)
    run = logs("--unparsed", "mainlog")
    assert run.exit_code == 0
    number = log.lines + 1
    assert run.stdout.splitlines() == [
        rf"mainlog:{number}: 2026-03-01 10:00:00 no such \x1b[31mline\xff",
        f"mainlog:{number + 1}: ",
    ]


def test_lines_keep_their_numbers_in_a_part_of_the_time() -> None:
    log = Log(Options(), START)
    quiet(log, 200, "L")
    Path("mainlog").write_bytes(log.text + b"2026-03-09 10:00:00 nonsense here\n")
    run = logs("--unparsed", "--since", "2026-03-09", "mainlog")
    assert run.stdout.startswith(f"mainlog:{log.lines + 1}: 2026-03-09")


def first_id(log: Log) -> str:
    return log.text.split()[2].decode()


def test_show_prints_messages() -> None:
    log = written()
    number = first_id(log)
    run = logs("show", number, "mainlog")
    assert run.exit_code == 0
    wanted = [line for line in log.text.splitlines() if number.encode() in line]
    assert run.stdout_bytes.splitlines()[:-1] == wanted
    assert logs("show", number, number, "mainlog").stdout == run.stdout


def test_show_says_what_is_not_there() -> None:
    log = written()
    run = logs("show", first_id(log), "1zzzzz-00000001aBc-1Xyz", "mainlog")
    assert run.exit_code == 1
    assert "not in these logs: 1zzzzz-00000001aBc-1Xyz" in run.stderr
    assert first_id(log) in run.stdout


@pytest.mark.parametrize("stdin", [False, True])
def test_grep_prints_whole_messages(stdin: bool) -> None:
    log = written()
    path, text = ("-", log.text) if stdin else ("mainlog", b"")
    code, output = piped("grep", "-F", "451 4.7.1 L*", path, stdin=text)
    assert code == 0
    deferred = {line.split()[2] for line in log.text.splitlines() if b" == " in line}
    wanted = [line for line in log.text.splitlines() if line.split()[2] in deferred]
    assert sorted(filter(None, output.splitlines())) == sorted(wanted)


def test_grep_that_finds_nothing_is_1() -> None:
    written()
    run = logs("grep", "no such text", "mainlog")
    assert (run.exit_code, run.stdout) == (1, "")
    assert logs("grep", "FROZEN", "mainlog").exit_code == 1
    assert logs("grep", "-i", "FROZEN", "mainlog").exit_code == 0


@pytest.mark.parametrize("name", ["show", "grep"])
def test_a_log_with_the_name_of_a_command(name: str) -> None:
    log = written(name)
    assert document(f"./{name}")["messages"] == log.truth()["messages"]


def test_help_tells_of_both() -> None:
    run = logs("--help")
    assert run.exit_code == 0
    for word in ("Usage: eximkit logs [OPTIONS] [PATH]...", "show MSGID", "--since"):
        assert word in run.stdout
    assert "Usage: eximkit logs grep" in logs("grep", "--help").stdout


def on_a_terminal(*arguments: str, columns: int = 80, **extra: str) -> str:
    """What the command writes to a terminal, colours taken out."""
    environment = {**ENVIRONMENT, "TERM": "xterm", **extra}
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen(
        [*COMMAND, *arguments], stdin=child, stdout=child, stderr=child,
        env=environment, start_new_session=True,
    ) as process:  # fmt: skip
        os.close(child)
        output = b""
        while True:
            try:
                data = os.read(parent, 1 << 16)
            except OSError:
                break
            if not data:
                break
            output += data
        assert process.wait(60) == 0, output
    os.close(parent)
    return re.sub(r"\x1b\[[0-9;]*m", "", output.decode()).replace("\r\n", "\n")


GROUPS = ("day", "hour", "host", "transport", "router", "proto", "tls")


@pytest.mark.parametrize(
    "name",
    ["mainlog", "mainlog.1", "ports", "selector-off", "switched-on", "local-only",
     "syslog", "damaged"],
)  # fmt: skip
def test_reports_fit_a_terminal(name: str) -> None:
    path = str(CHECKOUT / "samples" / "logs" / name)
    shown = on_a_terminal(path)
    assert max(map(len, shown.splitlines())) <= 80, shown
    assert "log selector pipelining:" in shown


def test_groups_fit_a_terminal() -> None:
    written()
    words = [word for name in GROUPS for word in ("--by", name)]
    shown = on_a_terminal(*words, "--top", "50", "mainlog")
    assert max(map(len, shown.splitlines())) <= 80, shown
    for heading in ("By day", "By hour", "By host", "by transport", "by router",
                    "by protocol", "by TLS"):  # fmt: skip
        assert heading in shown


def test_plain_characters_where_the_locale_has_no_others() -> None:
    written()
    assert not on_a_terminal("mainlog").isascii()
    for locale in ("C", "POSIX", "de_DE.ISO-8859-1"):
        shown = on_a_terminal("mainlog", LC_ALL=locale)
        assert shown.isascii()
        assert "####" in shown


def test_the_terminal_is_safe_from_what_logs_say() -> None:
    log = Log(Options(), START)
    quiet(log, 1, "L")
    evil = b"2026-03-01 11:00:00 1qAbCd-00000001aBc-1Xyz => \x1b]0;x\x07 evil\n"
    Path("mainlog").write_bytes(log.text + evil)
    shown = on_a_terminal("grep", "evil", "mainlog")
    assert r"\x1b]0;x\x07 evil" in shown
    assert evil in logs("grep", "evil", "mainlog").stdout_bytes, "but not in a pipe"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_appears_only_for_those_who_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    for stream, seconds, seen in (
        (Terminal(), 0.5, False), (Terminal(), 1.5, True), (io.StringIO(), 9, False),
    ):  # fmt: skip
        monkeypatch.setattr(sys, "stderr", stream)
        with Progress() as progress:
            progress(10, 100)
            clock[0] += seconds
            progress(40_000_000, 100_000_000)
        text = stream.getvalue()
        assert ("40% 40 MB" in text) is seen
        assert not seen or text.endswith(" \r")


def test_no_bar_and_no_notes_in_a_pipe() -> None:
    written()
    run = subprocess.run(
        [*COMMAND, "mainlog"], capture_output=True, env=ENVIRONMENT, timeout=60,
        check=True,
    )  # fmt: skip
    assert run.stderr == b""


@pytest.mark.parametrize("command", [["mainlog"], ["grep", ".", "mainlog"]])
def test_standard_output_that_is_closed_is_no_defect(command: list[str]) -> None:
    written()
    run = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" >&-', "sh", *COMMAND, *command],
        capture_output=True, env=ENVIRONMENT, check=False, text=True,
    )  # fmt: skip
    assert run.returncode == 3
    assert run.stderr == "eximkit: standard output: Bad file descriptor\n"


def test_a_path_in_a_message_cannot_play_with_the_terminal() -> None:
    for path in ("a\x1b[2J", "a\x1b[2J*"):
        run = logs(path)
        assert run.exit_code == 3
        assert run.stderr.startswith("eximkit: a\\x1b[2J")


def test_what_is_no_id_is_said_before_logs_are_looked_for() -> None:
    run = logs("show", "mainlog")
    assert run.exit_code == 2
    assert run.stderr.startswith("eximkit: not a message id: 'mainlog'")


def test_times_beyond_all_times_leave_nothing_out() -> None:
    written()
    whole = document("mainlog")["messages"]
    for since in ("0001", "999999999w"):
        for until in ("9999", "9999-12", "9999-12-31", "9999-12-31 23:59:59"):
            limits = ("--since", since, "--until", until)
            assert document(*limits, "mainlog")["messages"] == whole


def test_a_pattern_that_asks_for_utf8_says_so_where_lines_are_not() -> None:
    log = written()
    Path("mainlog").write_bytes(log.text + b"2026-03-01 09:00:00 \xff\n")
    run = logs("grep", "(*UTF)\u00e9", "mainlog")
    assert run.exit_code == 2
    assert "asks for UTF-8" in run.stderr
