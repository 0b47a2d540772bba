"""Logs of some days of some hosts; the samples are such.

python -m tests.logs.scenes samples/logs      writes the samples anew
"""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.logs.generator import IN_FORMS, OUT_FORMS, Host, Log, Options

if TYPE_CHECKING:
    from collections.abc import Iterator

CLIENTS = (
    Host("mail.early.example", "192.0.2.10"),
    Host("mx.patient.example", "192.0.2.11", "[192.0.2.11]"),
    Host("old.plain.example", "192.0.2.12", "WIN L* box"),
    Host("six.example", "2001:db8::25"),
    Host("helo.example", "192.0.2.13", helo_only=True),
    Host("spam.example", "198.51.100.66", "User"),
)
SERVERS = (
    Host("mx1.example.net", "203.0.113.1"),
    Host("mx2.example.net", "203.0.113.2"),
    Host("mx6.example.net", "2001:db8:ffff::2"),
)


def busy(log: Log, days: int, messages: int) -> None:
    """Some days with everything in them: `messages` a day, or a few more."""
    choose = log.random.choice
    for day in range(days):
        for turn in range(messages):
            client = choose(CLIENTS)
            form = "" if client.helo_only else IN_FORMS[(turn + day) % len(IN_FORMS)]
            tls = choose(("", "TLS1.2", "TLS1.3", "openssl"))
            number = log.receive(client, form, tls, log.random.randrange(500, 90000))
            log.wait(2)
            _sent_on(log, number, turn)
            log.wait(log.random.randrange(30, 80000 // messages))
        for kind in ("sync_greeting", "sync_not_advertised", "sync_advertised"):
            log.talk_too_early(CLIENTS[-1], kind)
        log.reject(CLIENTS[-1])
        bounce = log.submit(sender="")
        log.freeze(bounce)
        log.free("Start queue run: pid=4242")
        log.time = (log.time + timedelta(days=1)).replace(hour=1, minute=5)


def endless(seed: int = 1, **options: Any) -> Iterator[bytes]:
    """The lines of a log, one by one, day after day."""
    log = Log(Options(seed=seed, **options), datetime(2026, 3, 1, 1, 5))  # noqa: DTZ001
    while True:
        log.text = b""
        log.daemon_start()
        busy(log, 1, 2000)
        yield from log.text.splitlines(keepends=True)


def _sent_on(log: Log, number: str, turn: int) -> None:
    choose = log.random.choice
    server = choose(SERVERS)
    form, tls = OUT_FORMS[turn % len(OUT_FORMS)], choose(("", "TLS1.2", "TLS1.3"))
    action = turn % 6
    if action == 1:
        log.deliver_locally(number)
    elif action == 2:
        log.defer(number, server)
        log.wait(900)
        log.deliver(number, server, form, tls, recipients=3)
    elif action == 3:
        log.fail(number, server)
    elif action == 4:
        log.deliver(number, server, "L", tls, continued=True)
    else:
        log.deliver(number, server, form, tls)
    log.complete(number)


def quiet(log: Log, messages: int, form: str) -> None:
    """Nothing but messages from hosts, all of one form, and their local delivery."""
    for turn in range(messages):
        number = log.receive(CLIENTS[turn % 4], form, "TLS1.3")
        log.wait(1)
        log.deliver_locally(number)
        log.complete(number)
        log.wait(600)


def damaged(log: Log) -> None:
    """A few lines, and what crashes and full disks make of some."""
    quiet(log, 3, "L.")
    log.garbage(b"")
    log.garbage(b"2026-03-0")
    log.garbage(b"\0\0\0\0 <= L* \xff\xfe")
    log.garbage(
        b"2026-03-02 10:00:00 1qAbCd-00002026-03-02 10:00:01 1qAbCe-000000001aB-1Xyz "
        b"<= a@b.example H=x [192.0.2.9] P=esmtp L* S=1"
    )
    quiet(log, 2, "L*")


_START = datetime(2026, 3, 1, 8)  # noqa: DTZ001 - as the log has it


def samples() -> dict[str, Log]:
    """The logs of `samples/logs`, by file name."""
    logs = {
        "mainlog.1": Log(Options(ids="old", seed=2), _START - timedelta(days=3)),
        "mainlog": Log(Options(), _START),
        "ports": Log(
            Options(ports=True, millisec=True, zone="+0100", pid=True), _START
        ),
        "selector-off": Log(Options(selector=False), _START),
        "switched-on": Log(Options(selector=False), _START),
        "syslog": Log(Options(syslog="stamp"), _START),
        "syslog-without-year": Log(Options(syslog="nostamp"), _START),
        "syslog-rfc3339": Log(Options(syslog="rfc3339"), _START),
        "local-only": Log(Options(), _START),
        "damaged": Log(Options(), _START),
    }
    for name, log in logs.items():
        if name in {"local-only", "damaged"}:
            continue
        log.daemon_start("4.96" if log.options.ids == "old" else "4.98")
        busy(log, 3 if name.startswith("mainlog") else 2, 14)
    on = logs["switched-on"]
    on.selector = True
    on.daemon_start()
    busy(on, 2, 14)
    for _ in range(3):
        logs["local-only"].deliver_locally(logs["local-only"].submit())
        logs["local-only"].wait(3600)
    damaged(logs["damaged"])
    return logs


def main(folder: str) -> None:
    """Write the samples."""
    for name, log in samples().items():
        Path(folder, name).write_bytes(log.text)


if __name__ == "__main__":
    main(sys.argv[1])
