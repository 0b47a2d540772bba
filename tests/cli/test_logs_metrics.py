"""`eximkit logs metrics`: what it serves, to whom, and for how long."""

from __future__ import annotations

import json
import re
import signal
import socket
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from prometheus_client.parser import text_string_to_metric_families

from eximkit.cli import main, metrics_server
from eximkit.cli.metrics_server import MetricsServer, address
from eximkit.errors import InputError, SettingsError
from tests.cli.following import PATIENCE, Running, text

if TYPE_CHECKING:
    from collections.abc import Iterator

LOG = Path("mainlog")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def served(run: Running) -> str:
    """Where a process serves its metrics."""
    found = re.search(r"http://\S+/metrics", run.line("stderr"))
    assert found is not None
    return found[0]


def page(url: str) -> dict[str, float]:
    """The counters; waits for the log to be read for the first time."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE) as answer:  # noqa: S310
                kind = answer.headers["Content-Type"]
                assert kind.startswith("text/plain; version=0.0.4")
                data = answer.read().decode()
        except urllib.error.HTTPError as error:
            error.close()
            if error.code != 503:
                raise
            continue
        return {
            f"{s.name}{sorted(s.labels.items())}": s.value
            for family in text_string_to_metric_families(data)
            if family.type == "counter"
            for s in family.samples
        }
    raise AssertionError("no metrics came")


def until_lines(url: str, count: int) -> dict[str, float]:
    """The counters, once so many lines were read."""
    end = time.monotonic() + PATIENCE
    while (found := page(url))["eximkit_log_lines_total[]"] != count:
        assert time.monotonic() < end, found
        time.sleep(0.05)
    return found


def append(lines: list[bytes]) -> None:
    with LOG.open("ab") as stream:
        stream.writelines(lines)


def test_counters_go_on_over_rotations_and_restarts() -> None:
    lines = text()
    LOG.write_bytes(b"".join(lines[:50]))
    command = ["metrics", "--listen", "127.0.0.1:0", "--interval", "0.1",
               "--state", "state"]  # fmt: skip
    with Running(*command, "mainlog") as run:
        url = served(run)
        before = until_lines(url, 50)
        append(lines[50:70])
        LOG.rename("mainlog.1")
        append(lines[70:90])
        after = until_lines(url, 90)
        assert run.end(signal.SIGKILL) == -signal.SIGKILL
    append(lines[90:])
    with Running(*command) as run:
        last = until_lines(served(run), len(lines))
        assert run.end(signal.SIGTERM) == 0
        assert run.rest("stderr") == []
    for name in before:
        assert before[name] <= after[name] <= last[name], name
    assert last["eximkit_log_rotations_total[]"] == 1
    assert last["eximkit_log_gaps_total[]"] == 0
    data = json.loads(
        CliRunner()
        .invoke(main, ["logs", "--format", "json", "mainlog.1", "mainlog"])
        .stdout
    )
    assert last["exim_received_bytes_total[]"] == data["messages"]["bytes_received"]
    assert last["exim_deferrals_total[]"] == data["messages"]["deferrals"]


def test_an_interrupt_ends_it_too() -> None:
    LOG.write_bytes(b"".join(text()))
    with Running("metrics", "--listen", "127.0.0.1:0", "mainlog") as run:
        page(served(run))
        assert run.end(signal.SIGINT) == 130
        assert "".join(run.rest("stderr")).strip() == ""


def test_the_file_of_the_node_exporter_is_kept_up_to_date() -> None:
    lines = text()
    LOG.write_bytes(b"".join(lines[:50]))
    target = Path("exim.prom")
    arguments = ["--follow", "--format", "prometheus", "--output", str(target)]
    with Running(*arguments, "--interval", "0.1", "mainlog") as run:
        append(lines[50:])
        end = time.monotonic() + PATIENCE
        wanted = f"eximkit_log_lines_total {float(len(lines))}"
        while not target.exists() or wanted not in target.read_text():
            assert time.monotonic() < end
            time.sleep(0.05)
        assert run.end() == 0
    assert target.stat().st_mode & 0o777 == 0o644


def test_a_port_that_is_taken_is_told() -> None:
    LOG.write_bytes(b"".join(text()))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        run = CliRunner().invoke(
            main, ["logs", "metrics", "--listen", where, "mainlog"]
        )
    assert run.exit_code == 3
    assert f"{where}: Address already in use" in run.stderr


def test_a_log_that_is_none_is_told() -> None:
    LOG.write_bytes(b"no log\n" * 50)
    run = CliRunner().invoke(
        main, ["logs", "metrics", "--listen", "127.0.0.1:0", "mainlog"]
    )
    assert run.exit_code == 3
    assert "not a main log" in run.stderr


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("127.0.0.1:9636", ("127.0.0.1", 9636)), ("[::1]:80", ("::1", 80)),
        ("localhost:0", ("localhost", 0)), (":9636", ("", 9636)),
    ],
)  # fmt: skip
def test_addresses(written: str, meant: tuple[str, int]) -> None:
    assert address(written) == meant


@pytest.mark.parametrize(
    "written", ["", "9636", "a:", "a:b", "a:70000", "::1:80", "a:²"]
)
def test_what_is_no_address_is_refused(written: str) -> None:
    with pytest.raises(SettingsError):
        address(written)


def test_an_address_that_is_not_here_is_refused() -> None:
    with pytest.raises(InputError, match=r"203\.0\.113\.9:0"):
        MetricsServer("203.0.113.9", 0, "text/plain")


# The server alone.


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[MetricsServer]:
    monkeypatch.setattr(metrics_server, "PATIENCE", 5.0)
    with MetricsServer("127.0.0.1", 0, "text/plain") as made:
        made.publish(b"x 1\n")
        yield made


def exchanged(server: MetricsServer, sent: bytes, *, whole: bool = True) -> bytes:
    """What a client gets that sends this, and may be, no more."""
    with socket.create_connection((server.host, server.port), PATIENCE) as client:
        client.sendall(sent)
        if whole:
            client.shutdown(socket.SHUT_WR)
        answer = b""
        while data := client.recv(1 << 16):
            answer += data
    return answer


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", b"200 OK"),
        (b"GET /metrics?x=1 HTTP/1.0\n\n", b"200 OK"),
        (b"GET / HTTP/1.1\r\n\r\n", b"200 OK"),
        (b"GET /etc/passwd HTTP/1.1\r\n\r\n", b"404 Not Found"),
        (b"GET /../metrics HTTP/1.1\r\n\r\n", b"404 Not Found"),
        (b"POST /metrics HTTP/1.1\r\n\r\n", b"405 Method Not Allowed"),
        (b"GET /metrics\r\n\r\n", b"400 Bad Request"),
        (b"GET /metrics HTTP/2.0\r\n\r\n", b"400 Bad Request"),
        (b"\0\xff\r\n\r\n", b"400 Bad Request"),
        (b"GET /metr", b"400 Bad Request"),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 9000, b"431 Request Header"),
    ],
    ids=lambda value: value[:24].decode("ascii", "replace").strip(),
)
def test_requests(server: MetricsServer, sent: bytes, status: bytes) -> None:
    answer = exchanged(server, sent)
    assert answer.startswith(b"HTTP/1.1 " + status)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"Content-Length: %d" % len(body) in head
    assert b"Connection: close" in head


def test_head_has_no_body(server: MetricsServer) -> None:
    answer = exchanged(server, b"HEAD /metrics HTTP/1.1\r\n\r\n")
    assert answer.endswith(b"\r\n\r\n")
    assert b"Content-Length: 4" in answer


def test_nothing_is_served_before_the_log_was_read() -> None:
    with MetricsServer("127.0.0.1", 0, "text/plain") as made:
        answer = exchanged(made, b"GET /metrics HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 503")


def test_a_client_that_takes_its_time_is_sent_away(
    server: MetricsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics_server, "PATIENCE", 0.3)
    answer = exchanged(server, b"GET /metrics HTTP/1.1\r\n", whole=False)
    assert answer.startswith(b"HTTP/1.1 408")


def test_clients_without_number_do_not_keep_it_busy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(metrics_server, "CONNECTIONS", 3)
    monkeypatch.setattr(metrics_server, "PATIENCE", 20.0)
    with MetricsServer("127.0.0.1", 0, "text/plain") as made:
        made.publish(b"x 1\n")
        idle = [
            socket.create_connection((made.host, made.port), PATIENCE) for _ in range(3)
        ]
        before = threading.active_count()
        for _ in range(20):
            with socket.create_connection((made.host, made.port), PATIENCE) as client:
                assert client.recv(100).startswith(b"HTTP/1.1 503")
        assert threading.active_count() <= before + 3
        for each in idle:
            each.close()
        end = time.monotonic() + PATIENCE
        request = b"GET /metrics HTTP/1.1\r\n\r\n"
        while not exchanged(made, request).startswith(b"HTTP/1.1 200"):
            assert time.monotonic() < end
