"""Lines of our main log beside those that a real Exim writes for the same dialogue."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from eximkit.interop.log_fields import selectors_of
from eximkit.interop.mainlog import MainLog, Peer
from eximkit.logs.analysis import analyse_logs
from eximkit.logs.line import parse_line
from eximkit.logs.record import Kind
from tests.conftest import without

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from eximkit.logs.record import LogRecord

SELECTORS = (
    "+pipelining +incoming_port +incoming_interface +smtp_connection +smtp_no_mail"
    " +smtp_syntax_error +smtp_protocol_error +subject +received_sender +8bitmime"
    " +received_recipients +smtp_incomplete_transaction +outgoing_port"
    " +sender_on_delivery +return_path_on_delivery -8bitmime"
)
COMMON = """\
primary_hostname = host.example
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
keep_environment =
host_lookup =
tls_advertise_hosts =
rfc1413_query_timeout = 0s
log_selector = {selectors}
"""
SERVER = (
    COMMON
    + """\
queue_only
pipelining_connect_advertise_hosts = {early}
pipelining_advertise_hosts = {pipelining}
acl_smtp_rcpt = check
begin acl
check:
  deny local_parts = bad
       message = go away\\nand stay there
  defer local_parts = later
  accept
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if eq{{$auth3}}{{secret}}}}
  server_set_id = $auth2
"""
)
CLIENT = (
    COMMON
    + """\
begin routers
out:
  driver = manualroute
  route_data = 127.0.0.1::{port}
  self = send
  transport = smtp
begin transports
smtp:
  driver = smtp
  hosts_pipe_connect = *
  hosts_try_fastopen =
  hosts_try_chunking =
begin retry
"""
)
# What this Exim says of itself, and of a connection that inetd would have given it.
PASSED_OVER = (
    "lost privilege|no immediate delivery|SMTP connection from .*via inetd"
    "|retry timeout|error ignored"
)
BODY = b'Subject: a "q" \\ t\xc3\xa9st\r\nMessage-ID: <abc@def>\r\n\r\nhi\r\n.\r\n'
GROUP = b"MAIL FROM:<a@b.example>\r\nRCPT TO:<x@c.example>\r\nDATA\r\n"
GOOD = b"AUTH PLAIN AHVzZXIAc2VjcmV0\r\n"
BAD = b"AUTH PLAIN AHVzZXIAbm8=\r\n"
Dialogue = list[bytes]


def lines(folder: Path) -> list[str]:
    text = (folder / "log" / "mainlog").read_text("utf-8", "surrogateescape")
    return [line for line in text.splitlines() if not re.search(PASSED_OVER, line)]


def talk(
    exim: Path, folder: Path, said: Dialogue, early: str = "*", pipelining: str = "*"
) -> tuple[list[str], Peer]:
    """What Exim logs of a client that says this, each piece after a reply."""
    config = folder / "exim.conf"
    config.write_text(
        SERVER.format(
            folder=folder, selectors=SELECTORS, early=early, pipelining=pipelining
        )
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname(), 60)
        served, _ = listener.accept()
    port, local_port = client.getsockname()[1], client.getpeername()[1]
    first, *rest = said
    client.sendall(first)
    with served:
        process = subprocess.Popen(
            [exim, "-C", config, "-bs"],
            stdin=served.fileno(), stdout=served.fileno(), stderr=subprocess.DEVNULL,
        )  # fmt: skip
    try:
        with client, client.makefile("rb") as replies:
            for piece in rest:
                complete(replies)
                client.sendall(piece)
            client.shutdown(socket.SHUT_WR)
            while replies.read(4096):
                pass
        process.wait(60)
    finally:
        process.kill()
        process.wait()
    peer = Peer("127.0.0.1", port, "", "", "127.0.0.1", local_port)
    return lines(folder), peer


def complete(replies: object) -> None:
    """Read one reply, however many lines it has."""
    while True:
        line = replies.readline()  # type: ignore[attr-defined]
        if line[3:4] != b"-":
            return


def ours(folder: Path) -> MainLog:
    return MainLog(folder / "ours", selectors_of(SELECTORS))


def plain(line: str) -> str:
    """A line without what differs from run to run: its stamp, and times."""
    line = line.partition(" ")[2].partition(" ")[2]
    return re.sub(r"(?<= )(D|RT|QT|DT)=[0-9.a-z]+", r"\1=0s", line)


def same(written: MainLog, theirs: Sequence[str]) -> None:
    written.close()
    text = written.file.path.read_text("utf-8", "surrogateescape")
    assert [plain(line) for line in text.splitlines()] == [plain(one) for one in theirs]


def helo(peer: Peer, name: str = "c.example") -> Peer:
    return Peer(peer.address, peer.port, "", name, peer.local, peer.local_port)


def parsed(text: str) -> LogRecord:
    return parse_line(text.encode("utf-8", "surrogateescape"))


STEPS = [line + b"\n" for line in GROUP.split(b"\n")[:-1]]
HELLO = [b"", b"EHLO c.example\r\n"]
PIPED = [*HELLO, GROUP, b"", b"", BODY, b"QUIT\r\n"]
SLOW = [*HELLO, *STEPS, BODY, b"QUIT\r\n"]
EARLY = [b"EHLO c.example\r\n" + GROUP, b"", b"", b"", b"", BODY, b"QUIT\r\n"]


@pytest.mark.parametrize(
    ("said", "early", "pipelining", "form", "protocol"),
    [
        (EARLY, "*", "*", "L*", "esmtp"),
        (PIPED, "*", "*", "L.", "esmtp"),
        (PIPED, "", "*", "L", "esmtp"),
        (SLOW, "*", "*", "L.-", "esmtp"),
        (SLOW, "", "*", "L-", "esmtp"),
        (SLOW, "", "", "", "esmtp"),
        ([b"", b"HELO c.example\r\n", *SLOW[2:]], "*", "*", "", "smtp"),
        ([*HELLO, GOOD, *PIPED[2:]], "*", "*", "L.", "esmtpa"),
    ],
)
def test_arrivals(
    exim: Path, folder: Path, said: Dialogue, early: str, pipelining: str, form: str,
    protocol: str,
) -> None:  # fmt: skip
    theirs, peer = talk(exim, folder, said, early, pipelining)
    arrival = next(r for r in map(parsed, theirs) if r.kind is Kind.ARRIVAL)
    written = ours(folder)
    written.arrival(
        arrival.message_id, "a@b.example", helo(peer), size=arrival.size or 0,
        protocol=protocol, form=form, header_id="abc@def", subject='a "q" \\ t\xe9st',
        recipients=["x@c.example"],
        authenticated=("plain", "user") if protocol == "esmtpa" else ("", ""),
    )  # fmt: skip
    same(written, theirs)


def test_rejections(exim: Path, folder: Path) -> None:
    theirs, peer = talk(exim, folder, [
        *HELLO, BAD, STEPS[0], b"RCPT TO:<bad@c.example>\r\n",
        b"RCPT TO:<later@c.example>\r\n", b"QUIT\r\n",
    ])  # fmt: skip
    written, who = ours(folder), helo(peer)
    written.authentication_failed(
        "plain", who, "535 Incorrect authentication data", "user"
    )
    a = "a@b.example"
    written.rejected("RCPT <bad@c.example>", who, "go away\nand stay there", sender=a)
    written.rejected("RCPT <later@c.example>", who, temporarily=True, sender=a)
    written.incomplete(who, "a@b.example", "QUIT")
    same(written, theirs)


@pytest.mark.parametrize(
    ("said", "early", "command", "following", "advertised"),
    [
        ([b"EHLO c.example\r\n\x80"], "", b"", b"EHLO c.example\r\n\x80", False),
        ([b"x" * 200], "", b"", b"x" * 200, False),
        ([*HELLO, b"NOOP\r\nNOOP\r\n"], "", b"NOOP", b"NOOP\r\n", True),
        ([b"", b"HELO c.example\r\n", b"NOOP\r\nNOOP\r\n"], "", b"NOOP",
         b"NOOP\r\n", False),
    ],
)  # fmt: skip
def test_synchronization_errors(
    exim: Path, folder: Path, said: Dialogue, early: str, command: bytes,
    following: bytes, advertised: bool,
) -> None:  # fmt: skip
    theirs, peer = talk(exim, folder, said, early)
    written = ours(folder)
    who = helo(peer) if command else peer
    written.sync_error(who, following, command=command, advertised=advertised)
    if command:
        verb = said[1][:4].decode()
        written.no_mail(who, [verb], 0)
    same(written, theirs)


def test_commands_that_are_none(exim: Path, folder: Path) -> None:
    theirs, peer = talk(
        exim, folder, [b"", b"FOO\r\n", b"B \x80\r\n", b"C\r\n", b"D\r\n"]
    )
    written = ours(folder)
    for command in (b"FOO", b"B \x80", b"C", b"D"):
        written.bad_command(peer, command, "unrecognized command", syntax=True)
    written.dropped(peer, "too many unrecognized commands", b"D")
    written.no_mail(peer, [], 0)
    same(written, theirs)


def test_clients_that_go_away(exim: Path, folder: Path) -> None:
    theirs, peer = talk(exim, folder, [*HELLO, STEPS[0], b""])
    written = ours(folder)
    written.incomplete(helo(peer), "a@b.example", "connection lost")
    written.lost(helo(peer), 0)
    same(written, theirs)


# -- the client's side -----------------------------------------------------------------


class Sink(threading.Thread):
    """A server for some connections, each of which takes one group of commands."""

    def __init__(self, replies: Sequence[bytes]) -> None:
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(60)
        self.port: int = self.listener.getsockname()[1]
        self.replies = replies

    def run(self) -> None:
        for final in self.replies:
            connection, _ = self.listener.accept()
            with connection, connection.makefile("rb") as lines:
                connection.settimeout(60)
                offer = b"250-sink\r\n250-PIPELINING\r\n250 PIPECONNECT\r\n"
                connection.sendall(b"220 sink\r\n")
                for line in lines:
                    answer = {
                        b"EHLO": offer, b"DATA": b"354 go\r\n", b"QUIT": b"221 bye\r\n",
                        b"RCPT": final if final[:1] == b"5" else b"250 ok\r\n",
                    }.get(line[:4], b"250 ok\r\n")  # fmt: skip
                    if line[:4] == b"DATA" and final[:1] == b"5":
                        answer = b"503 no\r\n"
                    connection.sendall(answer)
                    if answer[:3] == b"354":
                        for content in lines:
                            if content == b".\r\n":
                                break
                        connection.sendall(final)
                    if line[:4] == b"QUIT":
                        break
        self.listener.close()


@contextmanager
def sink(*replies: bytes) -> Iterator[Sink]:
    made = Sink(replies)
    made.start()
    yield made
    made.join(120)
    assert not made.is_alive()


def send(
    exim: Path, folder: Path, port: int, times: int = 1, to: str = "x@c.example"
) -> None:
    config = folder / "exim.conf"
    config.write_text(CLIENT.format(folder=folder, selectors=SELECTORS, port=port))
    for _ in range(times):
        subprocess.run(
            [exim, "-C", config, "-odf", "-f", "a@b.example", to],
            input=b"Subject: t\n\nhi\n", check=True, timeout=120,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip


def test_deliveries(exim: Path, folder: Path) -> None:
    taken = (b"250 OK id=1\r\n", b'250-a "b"\r\n250 c \\ \xc3\xa9\r\n')
    with sink(*taken) as peer:
        send(exim, folder, peer.port, 2)
    theirs = lines(folder)
    written = ours(folder)
    ids = [r.message_id for r in map(parsed, theirs) if r.kind is Kind.ARRIVAL]
    forms, said = ("L", "L*"), ("250 OK id=1", '250-a "b"\n250 c \\ \xe9')
    ports = [r.interface_port for r in map(parsed, theirs) if r.kind is Kind.DELIVERY]
    for number, form, confirmation, port in zip(ids, forms, said, ports, strict=True):
        who = Peer("127.0.0.1", peer.port, local="127.0.0.1", local_port=port or 0)
        written.delivery(
            number, "x@c.example", who, sender="a@b.example", form=form,
            confirmation=confirmation,
            router="out", transport="smtp",
        )  # fmt: skip
        written.completed(number)
    same(written, [line for line in theirs if " <= " not in line])


def test_refusals(exim: Path, folder: Path) -> None:
    with sink(b"550-no such\r\n550 user\r\n") as peer:
        send(exim, folder, peer.port)
    theirs = lines(folder)
    failure = next(r for r in map(parsed, theirs) if r.kind is Kind.FAILURE)
    written = ours(folder)
    written.failure(
        failure.message_id, "x@c.example", failure.text, router="out", transport="smtp",
        sender="a@b.example",
        peer=Peer(
            "127.0.0.1", peer.port, local="127.0.0.1",
            local_port=failure.interface_port or 0,
        ),
    )  # fmt: skip
    same(written, [line for line in theirs if " ** " in line])


def test_deferrals(exim: Path, folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    send(exim, folder, port)
    theirs = [line for line in lines(folder) if " <= " not in line][:2]
    number = parsed(theirs[0]).message_id
    written = ours(folder)
    written.unreachable(number, Peer("127.0.0.1", port), "Connection refused")
    written.deferral(
        number, "x@c.example", "", router="out", transport="smtp", number=111
    )
    same(written, theirs)


# -- their programs and our lines ------------------------------------------------------


def test_eximstats_and_exigrep_read_them(tmp_path: Path) -> None:
    written = MainLog(tmp_path / "mainlog")
    who, host = Peer("192.0.2.1", 4000, "", "c.example"), Peer("192.0.2.2", 25, "mx")
    for number in range(20):
        made = f"1xXPkb-0001q1-{number:02d}"
        written.arrival(
            made, f"a{number}@b.example", who, size=100, protocol="esmtps", form="L*"
        )
        written.delivery(
            made, "x@c.example", host, router="send", transport="smtp", form="L*",
            confirmation="250 OK",
        )  # fmt: skip
        written.completed(made)
    written.close()
    path = written.file.path
    stats = subprocess.run(
        [program("eximstats"), path], capture_output=True, text=True, check=True,
        timeout=120,
    )  # fmt: skip
    assert re.search(r"Received +2000 +20 ", stats.stdout)
    assert re.search(r"Delivered +2000 +20 +20 ", stats.stdout)
    found = subprocess.run(
        [program("exigrep"), "a7@b", path], capture_output=True, text=True, check=True,
        timeout=120,
    )  # fmt: skip
    whole = [line for line in path.read_text().splitlines() if "q1-07" in line]
    assert [line for line in found.stdout.splitlines() if line] == whole
    counts = analyse_logs([path])
    assert (counts.messages.arrivals, counts.messages.deliveries) == (20, 20)


def program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        without(f"no {name}: install Debian's exim4-base")
    return found
