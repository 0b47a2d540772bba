"""Main logs made up for tests and samples, with the truth about them.

The same options give the same octets. What a log holds is counted as it is written, in
the shape of the schema `eximkit.logs/1`; nothing here reads a line.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

IN_FORMS = ("", "L", "L-", "L.", "L.-", "L*", "L*-")
OUT_FORMS = ("", "L", "L*")
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_TLS = {
    "TLS1.2": "TLS1.2:ECDHE_SECP256R1__RSA_SHA256__AES_128_GCM:128",
    "TLS1.3": "TLS1.3:ECDHE_X25519__RSA_PSS_RSAE_SHA256__AES_256_GCM:256",
    "openssl": "TLSv1.3:TLS_AES_256_GCM_SHA384:256",
}
_LOCAL = (("localuser", "local_delivery"), ("userforward", "address_file"))
_SUBJECTS = (
    "Minutes of Monday", r"Re: \"L*\" and S=12 P=esmtp", "=> L. for you", "100% off",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Options:
    """How lines look. syslog: "", "stamp" (Exim's too), "nostamp" or "rfc3339"."""

    ids: str = "new"
    millisec: bool = False
    zone: str = ""
    pid: bool = False
    syslog: str = ""
    ports: bool = False
    selector: bool = True
    seed: int = 1


@dataclass(slots=True)
class Counts:
    """What a day or a log holds."""

    words: Counter[str] = field(default_factory=Counter)
    ways: dict[str, Counter[str]] = field(
        default_factory=lambda: {"in": Counter(), "out": Counter()}
    )


class Log:
    """A log that is being written; `text` holds it, `truth()` says what it says."""

    def __init__(self, options: Options, start: datetime) -> None:
        self.options = options
        self.time = start
        self.random = random.Random(options.seed)
        self.selector = options.selector
        self.text = b""
        self.lines = self.garbage_lines = 0
        self._days: dict[str, Counts] = defaultdict(Counts)
        self._hosts: dict[str, dict[str, Counter[str]]] = {
            "in": defaultdict(Counter), "out": defaultdict(Counter),
        }  # fmt: skip
        self._null_senders = self._local_arrivals = self._local_deliveries = 0
        self._serial = 0
        self.connections = 0

    # What happens.

    def wait(self, seconds: int) -> None:
        self.time += timedelta(seconds=seconds)

    def daemon_start(self, version: str = "4.98") -> None:
        self.free(f"exim {version} daemon started: pid=812, -q30m, listening for SMTP "
                  "on port 25 (IPv6 and IPv4)")  # fmt: skip

    def free(self, text: str) -> None:
        """A line that counts for nothing."""
        self._line(text)

    def receive(
        self, host: Host, form: str = "", tls: str = "", size: int = 2000,
        sender: str = "ann@sender.example",
    ) -> str:  # fmt: skip
        """A message from a host. Returns its id."""
        number = self._id()
        form = form if self.selector else ""
        hello = "smtp" if host.helo_only else "esmtp" + ("s" if tls else "")
        text = f"{number} <= {sender or '<>'} H={host.client(self._port())}"
        if self.options.ports:
            text += " I=[192.0.2.25]:25"
        text += f" P={hello}" + (f" {form}" if form else "")
        if tls and not host.helo_only:
            text += f" X={_TLS[tls]} CV=no"
        subject = self.random.choice(_SUBJECTS)
        text += f' S={size} id={number}@{host.name} T="{subject}" for bob@example.org'
        self._line(text)
        self._received(size, sender)
        self._count("in", form, host.address)
        return number

    def submit(self, size: int = 700, sender: str = "root@example.org") -> str:
        """A message of a local user. Returns its id."""
        number = self._id()
        reports = "" if sender else f" R={self._id()}"
        self._line(f"{number} <= {sender or '<>'}{reports} U=root P=local S={size}")
        self._received(size, sender)
        self._local_arrivals += 1
        return number

    def deliver(
        self, number: str, host: Host, form: str = "", tls: str = "",
        recipients: int = 1, continued: bool = False, flag: str = "=>",
    ) -> None:  # fmt: skip
        """Deliver to a host, in one transaction."""
        form = form if self.selector else ""
        port = ":25" if self.options.ports else ""
        rest = (
            f" R=dnslookup T=remote_smtp H={host.name} [{host.address}]{port}"
            + ("*" if continued else "")
            + (f" X={_TLS[tls]} CV=yes" if tls else "")
            + (f" {form}" if form else "")
            + ' C="250 OK L* id=1x"'
        )
        for turn in range(recipients):
            mark = "->" if turn else flag
            self._line(f"{number} {mark} user{turn}@{host.name}{rest}")
            self._day.words["deliveries"] += 1
            self._count("out", form, host.address)

    def deliver_locally(self, number: str, user: str = "bob") -> None:
        router, transport = self.random.choice(_LOCAL)
        shown = f"/home/{user}/Mail Box" if transport == "address_file" else user
        self._line(f"{number} => {shown} <{user}@example.org> R={router} T={transport}")
        self._day.words["deliveries"] += 1
        self._local_deliveries += 1

    def defer(self, number: str, host: Host) -> None:
        self._line(
            f"{number} == bob@{host.name} R=dnslookup T=remote_smtp defer (-44) "
            f"H={host.name} [{host.address}]: SMTP error from remote mail server "
            "after RCPT TO:<bob>: 451 4.7.1 L* later"
        )
        self._day.words["deferrals"] += 1

    def fail(self, number: str, host: Host) -> None:
        self._line(
            f"{number} ** bob@{host.name} R=dnslookup T=remote_smtp H={host.name} "
            f"[{host.address}]: SMTP error from remote mail server after pipelined "
            "RCPT TO:<bob>: 550 5.1.1 unknown"
        )
        self._day.words["failures"] += 1

    def complete(self, number: str) -> None:
        self._line(f"{number} Completed")
        self._day.words["completed"] += 1

    def freeze(self, number: str) -> None:
        self._line(f"{number} Frozen (delivery error message)")
        self._day.words["frozen"] += 1

    def reject(self, host: Host) -> None:
        self._line(f"H={host.client(self._port())} F=<spam@spam.example> "
                   "rejected RCPT <x@example.org>: listed => L*")  # fmt: skip
        self._day.words["rejects"] += 1

    def talk_too_early(self, host: Host, kind: str) -> None:
        """A synchronization error. kind: as the schema names it."""
        where = f"H={host.client(self._port())}"
        told, rest = {
            "sync_greeting": (
                "input sent without waiting for greeting",
                f'rejected connection from {where} input="EHLO x\\r\\n"',
            ),
            "sync_not_advertised": (
                "next input sent too soon: pipelining was not advertised",
                f'rejected "EHLO x" {where} next input="MAIL FROM:<a@b>\\r\\n"',
            ),
            "sync_advertised": (
                "next input sent too soon: pipelining was advertised",
                f'rejected "DATA" {where} next input="L*\\r\\n"',
            ),
        }[kind]
        self._line(f"SMTP protocol synchronization error ({told}): {rest}")
        self._day.words[kind] += 1

    def garbage(self, data: bytes) -> None:
        """A line that is no whole entry."""
        self.text += data + b"\n"
        self.lines += 1
        self.garbage_lines += 1

    # The truth.

    def truth(self) -> dict[str, Any]:
        """The part of the document that does not depend on judgement."""
        total = Counts()
        for counts in self._days.values():
            total.words.update(counts.words)
            for way in ("in", "out"):
                total.ways[way].update(counts.ways[way])
        words, forms = total.words, total.ways
        arrivals, deliveries = words["arrivals"], words["deliveries"]
        return {
            "log": {
                "bytes": len(self.text), "lines": self.lines,
                "garbage_lines": self.garbage_lines, "unparsed_lines": 0,
            },
            "messages": {
                "arrivals": arrivals,
                "arrivals_smtp": arrivals - self._local_arrivals,
                "arrivals_local": self._local_arrivals,
                "arrivals_null_sender": self._null_senders,
                "bytes_received": words["bytes_received"],
                "deliveries": deliveries,
                "deliveries_local": self._local_deliveries,
                "deliveries_remote": deliveries - self._local_deliveries,
                **{name: words[name] for name in (
                    "deferrals", "failures", "completed", "frozen", "rejects",
                )},
                "sync_errors": {name: words[name] for name in (
                    "sync_greeting", "sync_not_advertised", "sync_advertised",
                )},
            },
            "pipelining": {
                "in": {form or "none": forms["in"][form] for form in IN_FORMS},
                "out": {form or "none": forms["out"][form] for form in OUT_FORMS},
            },
            "hosts_seen": {way: len(hosts) for way, hosts in self._hosts.items()},
            "top_hosts": {way: self._top(way) for way in ("in", "out")},
            "per_day": {
                day: row for day, c in sorted(self._days.items()) if (row := _day(c))
            },
        }  # fmt: skip

    def _top(self, way: str) -> list[dict[str, Any]]:
        hosts = self._hosts[way].items()
        ranked = sorted(hosts, key=lambda row: (-row[1].total(), row[0]))[:50]
        return [
            {"ip": ip, "total": c.total(), **{f or "none": n for f, n in c.items()}}
            for ip, c in ranked
        ]

    @property
    def _day(self) -> Counts:
        return self._days[f"{self.time:%Y-%m-%d}"]

    def _received(self, size: int, sender: str) -> None:
        self._day.words["arrivals"] += 1
        self._day.words["bytes_received"] += size
        self._null_senders += not sender

    def _count(self, way: str, form: str, address: str) -> None:
        self._day.ways[way][form] += 1
        self._hosts[way][address][form] += 1

    # How it is written.

    def _line(self, text: str) -> None:
        o, time = self.options, self.time
        pid = self.random.randrange(1000, 99999)
        fraction = f"{self.random.randrange(1000):03}"
        stamp = f"{time:%Y-%m-%d %H:%M:%S}" + (f".{fraction}" if o.millisec else "")
        stamp += f" {o.zone} " if o.zone else " "
        stamp += f"[{pid}] " if o.pid else ""
        head = {
            "": stamp,
            "stamp": f"{time:%b} {time.day:2} {time:%T} mx1 exim[{pid}]: {stamp}",
            "nostamp": f"{time:%b} {time.day:2} {time:%T} mx1 exim[{pid}]: ",
            "rfc3339": f"{time:%FT%T}.{fraction}000+00:00 mx1 exim[{pid}]: ",
        }[o.syslog]
        self.text += f"{head}{text}\n".encode()
        self.lines += 1

    def _port(self) -> int | None:
        """That of a new connection."""
        if not self.options.ports:
            return None
        self.connections += 1
        return 40000 + self.connections

    def _id(self) -> str:
        self._serial += 1
        second = _base62(int(self.time.timestamp()), 6)
        if self.options.ids == "old":
            return f"{second}-{_base62(self._serial * 77, 6)}-0{self._serial % 10}"
        return f"{second}-{_base62(self._serial * 77, 11)}-{_base62(self._serial, 4)}"


@dataclass(frozen=True, slots=True)
class Host:
    """The other end. helo: what it calls itself, if that is not its name."""

    name: str
    address: str
    helo: str = ""
    helo_only: bool = False

    def client(self, port: int | None) -> str:
        """As `H=` has it."""
        end = "" if port is None else f":{port}"
        shown = f"{self.name} ({self.helo})" if self.helo else self.name
        return f"{shown} [{self.address}]{end}"


def _day(counts: Counts) -> dict[str, Any]:
    row: dict[str, Any] = {
        name: count
        for name, count in counts.words.items()
        if count and not name.startswith("sync_")
    }
    for way, forms in counts.ways.items():
        kept = {form or "none": count for form, count in forms.items() if count}
        if kept:
            row[way] = kept
    return row


def _base62(number: int, width: int) -> str:
    digits = ""
    for _ in range(width):
        number, rest = divmod(number, 62)
        digits = _DIGITS[rest] + digits
    return digits
