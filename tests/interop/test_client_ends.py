"""How `interop send` ends: by a signal, by a refusal of its own, with its log in order.

Whatever happens, no message that the log says has arrived is left without another line.
"""

from __future__ import annotations

import getpass
import json
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from eximkit.logs.line import parse_line
from eximkit.logs.record import Kind
from tests.interop.peers import certificate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from eximkit.logs.record import LogRecord

SEND = [sys.executable, "-m", "eximkit", "interop", "send"]
PATIENCE = 60.0
HELLO = b"250-mx\r\n250 PIPELINING\r\n"


def log(path: Path) -> list[LogRecord]:
    return [parse_line(line) for line in path.read_bytes().splitlines()]


@contextmanager
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)
        yield listener


def talk(server: socket.socket, *dialogue: tuple[bytes, bytes]) -> None:
    """Say each of the first, and wait for each of the second."""
    server.settimeout(PATIENCE)
    heard = b""
    for said, awaited in dialogue:
        server.sendall(said)
        while awaited not in heard:
            octets = server.recv(65536)
            assert octets, heard
            heard += octets


POINTS: dict[str, tuple[tuple[tuple[bytes, bytes], ...], bool]] = {
    "before the banner": ((), False),
    "behind EHLO": (((b"220 mx\r\n", b"EHLO"),), False),
    "behind RCPT": (((b"220 mx\r\n", b"EHLO"), (HELLO, b"DATA\r\n")), False),
    "behind the end of data": (
        (
            (b"220 mx\r\n", b"EHLO"),
            (HELLO, b"DATA\r\n"),
            (b"250 a\r\n250 b\r\n354 c\r\n", b"\r\n.\r\n"),
        ),
        True,
    ),
}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("point", POINTS)
def test_a_signal_while_a_server_is_slow(
    point: str, number: signal.Signals, tmp_path: Path
) -> None:
    dialogue, in_doubt = POINTS[point]
    with listening() as listener:
        port = listener.getsockname()[1]
        with subprocess.Popen(
            [*SEND, "--to", f"127.0.0.1:{port}", "--rcpt", "ann@example.org",
             "--cache", tmp_path / "cache", "--mainlog", tmp_path / "log",
             "--repeat", "3", "--format", "json"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as client:  # fmt: skip
            server, _ = listener.accept()
            with server:
                talk(server, *dialogue)
                client.send_signal(number)
                output, errors = client.communicate(timeout=PATIENCE)
                # Its end of the connection is closed.
                while server.recv(65536):
                    pass
    assert client.returncode == 128 + number
    assert errors == ""
    told = json.loads(output)
    assert told["outcome"] == "deferred"
    (recipient,) = told["recipients"]
    assert recipient["in_doubt"] is in_doubt
    arrival, deferral = log(tmp_path / "log")
    assert (arrival.kind, deferral.kind) == (Kind.ARRIVAL, Kind.DEFERRAL)
    first, line = (tmp_path / "log").read_text().splitlines()
    assert f" U={getpass.getuser()} P=local " in first
    assert "defer (4): Interrupted system call" in line
    assert ("it may have been delivered" in line) is in_doubt
    assert {path.name for path in tmp_path.iterdir()} <= {"log", "cache"}


CONFIGURATION = """\
begin transports
early:
  driver = smtp
  helo_data = [${sending_ip_address}]
  hosts_pipe_connect = *
strict:
  driver = smtp
  helo_data = client.example
  hosts_require_tls = *
  tls_verify_hosts = *
  tls_verify_cert_hostnames =
lax:
  driver = smtp
  helo_data = client.example
  tls_try_verify_hosts =
"""


@contextmanager
def served(*arguments: str | Path) -> Iterator[int]:
    """`interop serve`; its port."""
    with subprocess.Popen(
        [sys.executable, "-m", "eximkit", "interop", "serve", "--format", "json",
         *arguments],
        stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["port"]
        finally:
            process.terminate()
            process.communicate(timeout=PATIENCE)
    assert process.returncode == 0


def sent(
    tmp_path: Path, transport: str, port: int, *more: str | Path
) -> tuple[int, str]:
    """The exit code and what was said on standard error."""
    config = tmp_path / "t.conf"
    config.write_text(CONFIGURATION)
    done = subprocess.run(
        [*SEND, "--to", f"127.0.0.1:{port}", "--rcpt", "ann@example.org", "--config",
         config, "--transport", transport, "--cache", tmp_path / "cache",
         "--mainlog", tmp_path / "log", *more],
        capture_output=True, text=True, check=False, timeout=PATIENCE,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


def test_a_greeting_that_is_refused_leaves_no_message_without_an_end(
    tmp_path: Path,
) -> None:
    with served("--no-starttls") as port:
        assert sent(tmp_path, "early", port)[0] == 0
        code, errors = sent(tmp_path, "early", port)
    assert code == 2
    assert "no host may greet with that" in errors
    kinds = [record.kind for record in log(tmp_path / "log")]
    assert kinds == [
        Kind.ARRIVAL, Kind.DELIVERY, Kind.COMPLETED, Kind.ARRIVAL, Kind.DEFERRAL,
    ]  # fmt: skip
    *_, last = (tmp_path / "log").read_text().splitlines()
    assert "helo_data is '[]' before there is a connection" in last


def test_authorities_beside_a_configuration(tmp_path: Path) -> None:
    made = certificate()
    authority = tmp_path / "ca.pem"
    authority.write_bytes(made.authority)
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    cert.write_bytes(made.certificate)
    key.write_bytes(made.key)
    with served("--cert", cert, "--key", key) as port:
        assert sent(tmp_path, "strict", port)[0] == 1
        assert sent(tmp_path, "strict", port, "--ca", authority)[0] == 0
        code, errors = sent(tmp_path, "lax", port, "--ca", authority)
    assert code == 2
    assert "tls_verify_hosts" in errors
    kinds = [record.kind for record in log(tmp_path / "log")]
    assert kinds[:2] == [Kind.ARRIVAL, Kind.DEFERRAL]
    assert kinds[-2:] == [Kind.ARRIVAL, Kind.DEFERRAL]
