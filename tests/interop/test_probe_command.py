"""`eximkit interop probe` and `interop cache`, as a user runs them."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from eximkit.cli import main
from eximkit.interop.cache import EhloCache
from eximkit.smtp.early import Key, Record
from tests.interop.peers import PATIENCE, Script, answers, serving
from tests.interop.running import EARLY, STRICT, running
from tests.smtp.wire import offer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result

HELLO = b"250-mx\r\n250-PIPELINING\r\n250 PIPECONNECT\r\n"


def ran(*arguments: str) -> Result:
    """A command of `eximkit interop`, within 80 columns."""
    done = CliRunner(env={"COLUMNS": "80"}).invoke(main, ["interop", *arguments])
    assert all(len(line) <= 80 for line in done.stdout.splitlines())
    return done


def probed(code: int, port: int, *more: str) -> dict[str, Any]:
    done = ran("probe", f"127.0.0.1:{port}", "--helo", "c.example", *more,
               "--format", "json")  # fmt: skip
    assert done.exit_code == code, done.output
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@contextmanager
def scripted(*scripts: Script) -> Iterator[int]:
    """Servers that follow a script, in a thread of their own; their port."""
    ports: list[int] = []
    ready, stop = threading.Event(), threading.Event()

    async def serve() -> None:
        async with serving(*scripts) as place:
            ports.append(place.target.port)
            ready.set()
            await asyncio.to_thread(stop.wait, PATIENCE)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert ready.wait(PATIENCE)
        yield ports[0]
    finally:
        stop.set()
        thread.join(PATIENCE)


@pytest.mark.parametrize(
    ("tls", "usual", "early"),
    [("none", 4, 2), ("starttls", 7, 4), ("on-connect", 5, 3)],
)
def test_early_input_that_is_honoured(tls: str, usual: int, early: int) -> None:
    with running(EARLY) as server:
        port = server.tls_port if tls == "on-connect" else server.port
        told = probed(0, port, "--tls", tls)
        table = ran("probe", f"127.0.0.1:{port}", "--tls", tls)
    assert (told["honoured"], told["keyword"]) == (True, "PIPECONNECT")
    assert told["round_trips"] == {
        "pipelining": usual, "early": early, "saved": usual - early,
    }  # fmt: skip
    assert table.exit_code == 0
    assert "early input is honoured" in table.stdout
    assert "MAIL" not in table.stdout


def test_early_pipelining_that_is_not_offered() -> None:
    with running(STRICT) as server:
        told = probed(0, server.port)
    assert (told["honoured"], told["keyword"]) == (None, None)
    assert told["verdict"] == "early pipelining is not offered"
    assert told["round_trips"]["early"] is None


def test_an_offer_that_is_not_kept() -> None:
    first = answers(b"220 mx\r\n", HELLO, b"221 bye\r\n")
    again = answers(b"554 SMTP synchronization error\r\n", None)
    with scripted(first, again) as port:
        told = probed(1, port)
    assert (told["honoured"], told["keyword"]) == (False, "PIPECONNECT")
    assert "synchronization" in told["why"]


def test_hosts_that_do_not_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        told = probed(1, port, "--timeout", "0.3")
        assert told["verdict"] == "no answer to a hello"
        assert "timed out" in told["why"]
    told = probed(1, port)
    assert "refused" in told["why"]
    with scripted(answers(b"554 go away\r\n", b"221 bye\r\n")) as other:
        assert "go away" in probed(1, other)["why"]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ((), 2, "Missing argument"),
        (("127.0.0.1:99999",), 2, "not HOST:PORT"),
        (("127.0.0.1:25", "--helo", "a b"), 2, "no host may greet with that"),
        (("127.0.0.1:25", "--tls", "starttls", "--ca", "gone"), 3, "gone"),
        (("127.0.0.1:25", "--interface", "here"), 2, "not an address"),
    ],
)
def test_what_cannot_be_asked(arguments: tuple[str, ...], code: int, told: str) -> None:
    done = ran("probe", *arguments)
    assert (done.exit_code, done.stdout) == (code, "")
    assert told in done.stderr


def test_a_real_exim(exim_as_root: Path, folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    configuration = folder / "exim.conf"
    configuration.write_text(
        f"primary_hostname = mx.example\nspool_directory = {folder}/spool\n"
        f"log_file_path = {folder}/log/%slog\npid_file_path = {folder}/spool/pid\n"
        f"local_interfaces = 127.0.0.1\ndaemon_smtp_ports = {port}\n"
        "keep_environment =\nhost_lookup =\nrfc1413_query_timeout = 0s\n"
        "tls_advertise_hosts =\nacl_smtp_rcpt = deny\n"
    )
    with subprocess.Popen(
        [exim_as_root, "-C", configuration, "-bdf"], stdin=subprocess.DEVNULL
    ) as daemon:
        try:
            end = time.monotonic() + PATIENCE
            while daemon.poll() is None and time.monotonic() < end:
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except ConnectionRefusedError:
                    time.sleep(0.05)
            told = probed(0, port)
        finally:
            daemon.terminate()
            daemon.wait(PATIENCE)
    assert (told["honoured"], told["keyword"]) == (True, "PIPECONNECT")
    assert told["round_trips"]["saved"] == 2
    log = (folder / "log/mainlog").read_text()
    assert "synchronization" not in log


def test_what_is_remembered_is_shown_and_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "ehlo.sqlite"
    arguments = ("--cache", str(path))
    assert ran("cache", "list", *arguments).stdout == "Nothing is remembered.\n"
    assert ran("cache", "clear", *arguments).stdout == "0 forgotten\n"
    assert not path.exists()
    cache = EhloCache(path)
    record = Record(int(time.time()), offer("PIPELINING", "PIPECONNECT"))
    for address in ("192.0.2.1", "192.0.2.2", "2001:db8::1"):
        cache.put(Key(address, 25, "a-rather-long-name.client.example.org"), record)
    cache.close()
    shown = ran("cache", "list", *arguments).stdout.splitlines()
    assert len(shown) == 4
    assert "[2001:db8::1]:25" in shown[3]
    told = json.loads(ran("cache", "list", "--format", "json", *arguments).stdout)
    assert [each["address"] for each in told["records"]] == [
        "192.0.2.1", "192.0.2.2", "2001:db8::1",
    ]  # fmt: skip
    assert ran("cache", "clear", *arguments, "192.0.2.9").stdout == "0 forgotten\n"
    assert ran("cache", "clear", *arguments, "192.0.2.1").stdout == "1 forgotten\n"
    assert ran("cache", "clear", *arguments).stdout == "2 forgotten\n"


@pytest.mark.parametrize("command", ["list", "clear"])
def test_a_file_that_is_no_cache(command: str, tmp_path: Path) -> None:
    path = tmp_path / "diary"
    path.write_text("Dear diary\n")
    done = ran("cache", command, "--cache", str(path))
    assert (done.exit_code, done.stdout) == (3, "")
    assert done.stderr == (
        f"eximkit: {path}: not a cache of eximkit; it is left as it is\n"
    )
    assert path.read_text() == "Dear diary\n"
