"""`eximkit interop serve` as a process: what it prints, keeps, logs, and leaves."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from eximkit.interop import transcript
from eximkit.logs.line import parse_line
from eximkit.logs.record import Kind
from tests.conftest import without
from tests.interop.running import Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVE = [sys.executable, "-m", "eximkit", "interop", "serve"]
PATIENCE = 60
HELLO = b"EHLO c.example\r\n"
ENVELOPE = b"MAIL FROM:<s@a.example>\r\nRCPT TO:<r@b.example>\r\n"
BODY = b"Subject: x\r\n\r\nhello\r\n"
GROUP = HELLO + ENVELOPE + b"BDAT %d LAST\r\n%bQUIT\r\n" % (len(BODY), BODY)
ALL = [220, 250, 250, 250, 250, 221]


@dataclass
class Served:
    process: subprocess.Popen[str]
    event: dict[str, Any]

    @property
    def port(self) -> int:
        port: int = self.event["port"]
        return port

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, dict[str, Any], str]:
        """Exit code, the last event, and standard error."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=PATIENCE)
        last = json.loads(out.splitlines()[-1]) if out else {}
        return self.process.returncode, last, err


@contextmanager
def served(*options: str) -> Iterator[Served]:
    process = subprocess.Popen(
        [*SERVE, "--format", "json", "--tls-listen", "127.0.0.1:0", *options],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            pytest.fail(process.communicate()[1])
        yield Served(process, json.loads(line))
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=PATIENCE)


def early(port: int) -> list[int]:
    with Wire.to(port) as wire:
        wire.send(GROUP)
        return wire.read_all()


def test_what_it_says_and_what_it_leaves() -> None:
    with served() as server:
        event = server.event
        assert event["event"] == "listening"
        assert event["address"] == "127.0.0.1"
        assert event["listen"] == [f"127.0.0.1:{event['port']}"]
        assert event["tls_listen"] == [f"127.0.0.1:{event['tls_port']}"]
        ca = Path(event["ca"])
        assert early(server.port) == ALL
        context = ssl.create_default_context(cafile=ca)
        with smtplib.SMTP_SSL(
            "localhost", event["tls_port"], context=context
        ) as client:
            client.sendmail("s@a.example", ["r@b.example"], BODY)
        code, last, err = server.stop()
        assert (code, err) == (0, "")
        assert last == {
            "event": "stopped", "connections": 2, "turned_away": 0, "messages": 2,
            "octets": 2 * len(BODY), "early": last["early"],
        }  # fmt: skip
        assert not ca.parent.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("processes", ["1", "2"])
def test_who_is_amid_a_message_may_finish(
    number: int, processes: str, tmp_path: Path
) -> None:
    options = ("--processes", processes, "--spool", str(tmp_path))
    with served(*options) as server, Wire.to(server.port) as wire:
        wire.send(HELLO + ENVELOPE + b"DATA\r\n")
        assert wire.read(5)[-1] == 354
        server.process.send_signal(number)
        while True:
            try:
                Wire.to(server.port).socket.close()
            except (ConnectionRefusedError, ConnectionResetError):
                break
        wire.send(BODY + b".\r\n")
        assert wire.read_all() == [250, 421]
        out, err = server.process.communicate(timeout=PATIENCE)
        assert (server.process.returncode, err) == (0, "")
        assert json.loads(out)["messages"] == 1
    (kept,) = (tmp_path / "new").iterdir()
    assert kept.read_bytes().endswith(BODY)
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_second_interrupt_does_not_wait(tmp_path: Path) -> None:
    with (
        served("--spool", str(tmp_path)) as server,
        Wire.to(server.port) as wire,
    ):
        wire.send(HELLO + ENVELOPE + b"DATA\r\n" + BODY)
        assert wire.read(5)[-1] == 354
        server.process.send_signal(signal.SIGINT)
        while True:
            try:
                Wire.to(server.port).socket.close()
            except (ConnectionRefusedError, ConnectionResetError):
                break
        code, _, err = server.stop(signal.SIGINT)
        assert (code, err) == (130, "")
        assert not Path(server.event["ca"]).exists()
    assert list((tmp_path / "tmp").iterdir()) == []


REFUSED = [
    (["--listen", "127.0.0.1"], 2, "not ADDRESS:PORT"),
    (["--listen", "mx.example:25"], 2, "is not an IP address"),
    (["--listen", "::1:25"], 2, "not ADDRESS:PORT"),
    (["--listen", "127.0.0.1:99999"], 2, "no port 99999"),
    (["--listen", "192.0.2.1:0"], 3, "does not have that address"),
    (["--listen", "127.0.0.1:{busy}"], 3, "something listens there already"),
    (["--spool", "/proc/none"], 3, "no maildir can be made here"),
    (["--mainlog", "/proc/none/log"], 3, "/proc/none/log: No such file"),
    (["--mainlog", "/"], 3, "/: Is a directory"),
    (["--transcript", "/proc/none"], 3, "/proc/none: No such file"),
    (["--cert", "/dev/null"], 3, "cannot be used as a certificate"),
    (["--cert", "/none.pem"], 3, "/none.pem: No such file"),
    (["--key", "/none.pem"], 2, "--key is of no use without --cert"),
    (["--account-file", "/dev/null"], 3, "no account in it"),
    (["--config", "/none.conf"], 3, "/none.conf: No such file"),
    (["--name", "a..b"], 2, "not a host name"),
    (["--early-hosts", "+near"], 2, "there are no named lists"),
    (["--processes", "2", "--transcript", "x"], 2, "leave out --processes"),
    (["--keyword", "PIPE"], 2, "is not one of"),
]


@pytest.mark.parametrize(
    ("options", "code", "why"), REFUSED, ids=[" ".join(row[0]) for row in REFUSED]
)
def test_what_cannot_be_is_said_at_the_start(
    options: list[str], code: int, why: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        here = [o.format(busy=busy.getsockname()[1]) for o in options]
        run = subprocess.run(
            [*SERVE, *here], capture_output=True, text=True, timeout=PATIENCE,
            check=False,
        )  # fmt: skip
    assert run.returncode == code
    assert why in run.stderr
    assert "Traceback" not in run.stderr
    assert run.stdout == ""


def test_a_port_for_root_alone(tmp_path: Path) -> None:
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        without("needs root, to be somebody else, and setpriv")
    limit = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text("ascii")
    if int(limit) <= 25:
        without("everybody may take port 25 here")
    run = subprocess.run(
        ["setpriv", "--bounding-set=-net_bind_service", "--inh-caps=-all", *SERVE,
         "--listen", "127.0.0.1:25"],
        capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert run.returncode == 3
    assert "ports below 1024 need root" in run.stderr


def test_ipv6_and_other_hosts() -> None:
    if not Path("/proc/net/if_inet6").exists():
        without("no IPv6 here")
    with served("--listen", "[::1]:0", "--listen", "0.0.0.0:0") as server:
        assert server.event["address"] == "::1"
        assert re.fullmatch(r"\[::1\]:[0-9]+", server.event["listen"][0])
        with socket.create_connection(("::1", server.port), PATIENCE) as raw:
            assert raw.recv(4) == b"220 "
        code, _, err = server.stop()
    assert code == 0
    assert err == "eximkit: 0.0.0.0:0: other hosts can reach this\n"


def test_the_log_is_exims(tmp_path: Path) -> None:
    log, accounts = tmp_path / "mainlog", tmp_path / "accounts"
    accounts.write_text("# who may\nann:s3cret\n")
    options = ("--mainlog", str(log), "--account-file", str(accounts))
    with served(*options) as server:
        assert early(server.port) == ALL
        ca = ssl.create_default_context(cafile=server.event["ca"])
        with smtplib.SMTP("localhost", server.port, "d.example") as client:
            client.starttls(context=ca)
            client.login("ann", "s3cret")
            client.sendmail("s@a.example", ["r@b.example"], BODY)
        with smtplib.SMTP("localhost", server.port, "e.example") as client:
            client.starttls(context=ca)
            with pytest.raises(smtplib.SMTPAuthenticationError):
                client.login("ann", "wrong")
            assert client.mail("s@a.example", ["RET=FULL"])[0] == 555
        assert server.stop()[0] == 0
    lines = log.read_bytes().splitlines(keepends=True)
    records = [parse_line(line.rstrip(b"\n")) for line in lines]
    first, second = (line.decode() for line in lines if b" <= " in line)
    # The banner may have left before the group came: the race that Exim has, too.
    assert re.search(
        r" <= s@a\.example H=\(c\.example\) \[127\.0\.0\.1\] P=esmtp L[.*] K S=21$",
        first.rstrip(),
    )
    assert re.search(
        r" <= s@a\.example H=\(d\.example\) \[127\.0\.0\.1\] P=esmtpsa L\.- "
        r"X=TLS1\.3:TLS_AES_256_GCM_SHA384:256 CV=no A=cram-md5:ann S=21$",
        second.rstrip(),
    )
    text = log.read_text()
    assert text.count(" Completed\n") == 2
    assert "cram-md5 authenticator failed for (e.example) [127.0.0.1]: 535" in text
    assert {record.kind for record in records} & {Kind.UNPARSED, Kind.GARBAGE} == set()


def test_the_transcript_has_no_secrets(tmp_path: Path) -> None:
    path, accounts = tmp_path / "wire.jsonl", tmp_path / "accounts"
    accounts.write_text("ann:s3cret\n")
    options = (
        "--transcript", str(path), "--account-file", str(accounts), "--clear-passwords",
    )  # fmt: skip
    with served(*options) as server:
        for mechanism in (b"PLAIN AGFubgBzM2NyZXQ=", b"LOGIN\r\nYW5u\r\nczNjcmV0"):
            with Wire.to(server.port) as wire:
                wire.send(HELLO + b"AUTH " + mechanism + b"\r\n" + GROUP[len(HELLO) :])
                assert wire.read_all()[-3:] == [250, 250, 221]
        assert server.stop()[0] == 0
    octets = path.read_bytes()
    for secret in (b"AGFubg", b"czNjcmV0", b"YW5u", b"hello"):
        assert secret not in octets
    header, events = transcript.read(octets.splitlines(keepends=True), "x")
    assert header.side == "server"
    mine = transcript.of_connection(events, 1)
    assert mine[0].what == "accepted"
    assert [e.octets for e in mine if e.what == "content"] == [len(BODY)]
    assert mine[-1].what == "closed"
    said = "".join(e.text for e in mine if e.what == "commands")
    assert said.startswith("EHLO c.example\r\n")
    assert "MAIL FROM:<s@a.example>\r\nRCPT TO:<r@b.example>\r\n" in said


def test_other_clients(tmp_path: Path) -> None:
    curl = shutil.which("curl")
    if curl is None:
        without("no curl")
    message = tmp_path / "message"
    message.write_bytes(BODY)
    with served("--spool", str(tmp_path / "box")) as server:
        for scheme, port in (
            ("smtp", server.port),
            ("smtps", server.event["tls_port"]),
        ):
            for ssl_option in ([], ["--ssl-reqd"]):
                subprocess.run(
                    [curl, "-sS", *ssl_option, "--cacert", server.event["ca"],
                     f"{scheme}://localhost:{port}/c.example", "--mail-from",
                     "s@a.example", "--mail-rcpt", "r@b.example", "-T", message],
                    check=True, timeout=PATIENCE,
                )  # fmt: skip
        assert server.stop()[1]["messages"] == 4
    contents = [path.read_bytes() for path in (tmp_path / "box" / "new").iterdir()]
    assert [content.partition(b"Subject")[2] for content in contents] == [
        b": x\r\n\r\nhello\r\n"
    ] * 4


# -- several processes -----------------------------------------------------------------


def workers(parent: int) -> list[int]:
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text("ascii")
    return [int(word) for word in children.split()]


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2][1] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def until(true: Any) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_worker_that_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "mainlog"
    options = ("--processes", "2", "--spool", str(tmp_path / "box"))
    with served(*options, "--mainlog", str(log)) as server:
        before = workers(server.process.pid)
        assert len(before) == 2
        wires = [Wire.to(server.port) for _ in range(4)]
        for wire in wires:
            wire.send(HELLO + ENVELOPE + b"DATA\r\n")
            assert wire.read(5)[-1] == 354
            wire.send(BODY)
        drafts = tmp_path / "box" / "tmp"
        until(lambda: len(list(drafts.iterdir())) == 4)
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        # What they had begun is dropped, and others take their place.
        until(lambda: list(drafts.iterdir()) == [])
        until(lambda: len(workers(server.process.pid)) == 2)
        assert not set(before) & set(workers(server.process.pid))
        for wire in wires:
            wire.socket.close()
        for _ in range(20):
            assert early(server.port) == ALL
        code, last, err = server.stop()
    assert code == 0
    assert last["messages"] == 20
    assert err.count("by signal 9; another takes its place") == 2
    assert len(list((tmp_path / "box" / "new").iterdir())) == 20
    assert log.read_text().count(" <= ") == 20


def test_workers_whose_parent_is_killed() -> None:
    with served("--processes", "2") as server:
        pids = workers(server.process.pid)
        ca = Path(server.event["ca"])
        server.process.kill()
        server.process.wait()
        until(lambda: all(map(gone, pids)))
        with pytest.raises(ConnectionRefusedError):
            Wire.to(server.port)
        # The one thing that a parent who is killed cannot take away.
        shutil.rmtree(ca.parent)


def test_two_thousand_idle_connections() -> None:
    count, most = 2000, 200
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count + 200:
        without(f"no more than {hard} files may be open")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count + 200), hard))
    clients: list[socket.socket] = []
    try:
        with served("--max-connections", str(count)) as server:
            for _ in range(count):
                client = socket.create_connection(("127.0.0.1", server.port), PATIENCE)
                clients.append(client)
                client.sendall(HELLO)
            for client in clients:
                got = b""
                while b"\r\n250 " not in got:
                    got += client.recv(4096)
            status = Path(f"/proc/{server.process.pid}/status").read_text("ascii")
            resident = re.search(r"VmRSS:\s+([0-9]+) kB", status)
            assert resident is not None
            assert int(resident[1]) < most * 1024
            code, last, _ = server.stop()
            assert (code, last["connections"]) == (0, count)
    finally:
        for client in clients:
            client.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_no_more_files_than_the_system_lets_it_have() -> None:
    """It says so once, waits without spinning, and goes on when somebody leaves."""
    command = ["bash", "-c", 'ulimit -n 40; exec "$@"', "-", *SERVE]
    process = subprocess.Popen(
        [*command, "--format", "json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    clients: list[socket.socket] = []
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        port = json.loads(process.stdout.readline())["port"]
        here = ("127.0.0.1", port)
        clients.extend(socket.create_connection(here, PATIENCE) for _ in range(60))
        assert "Too many open files" in process.stderr.readline()
        for client in clients[:50]:
            client.close()
        for client in clients[50:]:
            assert client.recv(4) == b"220 "
            client.close()
        process.terminate()
        out, err = process.communicate(timeout=PATIENCE)
        assert (process.returncode, err) == (0, "")
        assert json.loads(out)["connections"] == 60
    finally:
        for client in clients:
            client.close()
        process.kill()
        process.communicate(timeout=PATIENCE)
