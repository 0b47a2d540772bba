"""The client for the DNS, against a server on a loopback port of its own."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest

from eximkit.dns_client import resolve
from tests.oracle.dns_lab import answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eximkit.expansion.world import DnsAnswer

ZONE: dict[str, Any] = {
    "h.ex": {
        "A": ["192.0.2.1", "192.0.2.2"],
        "AAAA": ["2001:db8::1", "::ffff:192.0.2.1", "64:ff9b::1.2.3.4"],
        "MX": ["10 M1.ex.", "0 ."],
        "TXT": ['"one" "" "\\233\\"x"'],
        "SPF": ['"v=spf1" "-all"'],
        "SRV": ["1 2 25 s.ex."],
        "TLSA": ["3 0 0 0a0b"],
        "PTR": ["a\\.b.ex.", "a\\032b.ex."],
        "NAPTR": ['1 2 "u" "x" "" .'],
    },
    "z.ex": {"SOA": ["ns.ex. host\\.master.ex. 1 2 3 4 5"], "NS": ["ns.ex."]},
    "al.ex": {"CNAME": ["h.ex."]},
    "half.ex": {"CNAME": ["gone.elsewhere."]},
    "sec.ex": {"secure": True, "A": ["192.0.2.3"]},
    "again.ex": "again",
    "refused.ex": "failed",
    "malformed.ex": "malformed",
    "silent.ex": "silent",
    "big.ex": {"TXT": [f'"{n:04d}{"x" * 200}"' for n in range(20)]},
}


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A server that answers over UDP, cut where a reply is long, and over TCP."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
    ):
        udp.bind(("127.0.0.1", 0))
        number: int = udp.getsockname()[1]
        tcp.bind(("127.0.0.1", number))
        tcp.listen()
        threading.Thread(target=serve_udp, args=(udp,), daemon=True).start()
        threading.Thread(target=serve_tcp, args=(tcp,), daemon=True).start()
        yield number


def serve_udp(server: socket.socket) -> None:
    while True:
        try:
            octets, client = server.recvfrom(65535)
        except OSError:
            return
        reply = answer(ZONE, octets)
        if reply is not None and len(reply) > 1232:
            # Only the header and the question, with the bit for "cut".
            question = len(octets) - 11
            reply = reply[:2] + bytes([reply[2] | 2]) + reply[3:6] + bytes(6)
            reply += octets[12:question]
        if reply is not None:
            server.sendto(reply, client)


def serve_tcp(server: socket.socket) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            size = int.from_bytes(connection.recv(2), "big")
            reply = answer(ZONE, connection.recv(size)) or b""
            connection.sendall(len(reply).to_bytes(2, "big") + reply)


def ask(
    port: int, name: str, kind: str, *, dnssec: bool = True, retrans: float = 10
) -> DnsAnswer:
    return resolve(
        name, kind, dnssec=dnssec, retrans=retrans, retry=1, nameserver="127.0.0.1",
        port=port,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("A", [("192.0.2.1",), ("192.0.2.2",)]),
        ("AAAA", [("2001:db8::1",), ("::ffff:192.0.2.1",), ("64:ff9b::102:304",)]),
        ("MX", [("10", "M1.ex"), ("0", "")]),
        ("TXT", [("one", "", '\xe9"x')]),
        ("SPF", [("v=spf1", "-all")]),
        ("SRV", [("1", "2", "25", "s.ex")]),
        ("TLSA", [("3", "0", "0", "0a0b")]),
        ("PTR", [("a\\.b.ex",), ("a\\032b.ex",)]),
        ("NAPTR", [('1 2 "u" "x" "" .',)]),
    ],
)
def test_records(port: int, kind: str, fields: list[tuple[str, ...]]) -> None:
    found = ask(port, "h.ex", kind)
    assert found.status == "found"
    assert [(r.type, r.fields, r.ttl) for r in found.records] == [
        (kind, f, 300) for f in fields
    ]


def test_names_of_zones(port: int) -> None:
    (record,) = ask(port, "Z.ex.", "SOA").records
    assert record.fields == ("ns.ex", "host\\.master.ex", "1", "2", "3", "4", "5")
    assert ask(port, "z.ex", "MX").zone == "z.ex"
    assert ask(port, "h.ex", "NS").zone == ""
    below = ask(port, "no.such.z.ex", "MX")
    assert (below.status, below.zone) == ("no domain", "z.ex")


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("h.ex", "no data"),
        ("nonesuch.ex", "no domain"),
        ("again.ex", "again"),
        ("refused.ex", "again"),
        ("malformed.ex", "failed"),
        ("silent.ex", "again"),
        ("h..ex", "failed"),
        ("x" * 64 + ".ex", "failed"),
        (".".join(["abcdefg"] * 40), "failed"),
        ("", "no domain"),
    ],
)
def test_what_comes_without_records(port: int, name: str, status: str) -> None:
    found = ask(port, name, "CNAME")
    assert (found.status, found.records) == (status, ())


def test_aliases_stand_before_what_they_lead_to(port: int) -> None:
    found = ask(port, "al.ex", "A")
    assert [r.type for r in found.records] == ["CNAME", "A", "A"]
    half = ask(port, "half.ex", "A")
    assert (half.status, [r.type for r in half.records]) == ("no domain", ["CNAME"])


def test_dnssec_is_what_the_server_says_of_it(port: int) -> None:
    assert ask(port, "sec.ex", "A").secure
    assert not ask(port, "sec.ex", "A", dnssec=False).secure
    assert not ask(port, "h.ex", "A").secure


def test_long_answers_come_over_tcp(port: int) -> None:
    found = ask(port, "big.ex", "TXT")
    assert [r.fields[0][:4] for r in found.records] == [f"{n:04d}" for n in range(20)]


def test_nobody_answers() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind(("127.0.0.1", 0))
        found = ask(mute.getsockname()[1], "h.ex", "A", retrans=0.3)
    assert found.status == "again"
