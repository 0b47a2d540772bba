"""A private DNS for a real Exim: a server on a loopback that is Exim's alone.

`exim_with_dns` runs this file in a network and a mount namespace of its own, where
/etc/resolv.conf names 127.0.0.1; there it serves a zone and lets Exim ask. Needs root.
"""

from __future__ import annotations

import json
import shlex
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RCODES = {
    "again": dns.rcode.SERVFAIL,
    "failed": dns.rcode.REFUSED,
    "malformed": dns.rcode.FORMERR,
}
LONGEST_CHAIN = 16


def answer(zone: Mapping[str, Any], octets: bytes) -> bytes | None:
    """The answer of a resolver that knows this zone and nothing else.

    zone: {"NAME": {"TYPE": ["RDATA", …]}}, names in lower case without a last dot.
    Instead of types or records: a word of RCODES, or "silent" (no answer). "secure"
    beside types: the resolver vouches for them.
    """
    query = dns.message.from_wire(octets)
    question = query.question[0]
    response = dns.message.make_response(query, recursion_available=True)
    name, secure = question.name, False
    for _ in range(LONGEST_CHAIN):
        text = name.to_text(omit_final_dot=True).lower()
        entry = zone.get(text)
        if entry is None:
            below = any(other.endswith(f".{text}") for other in zone)
            if not below:
                response.set_rcode(dns.rcode.NXDOMAIN)
            break
        if isinstance(entry, str):
            if entry == "silent":
                return None
            response.set_rcode(RCODES[entry])
            break
        secure = bool(entry.get("secure")) and (secure or not response.answer)
        wanted = dns.rdatatype.to_text(question.rdtype)
        records = entry.get(wanted)
        if isinstance(records, str):
            if records == "silent":
                return None
            response.set_rcode(RCODES[records])
            break
        if records is None and "CNAME" in entry and wanted != "CNAME":
            add(response, name, "CNAME", entry["CNAME"], entry.get("ttl", 300))
            name = dns.name.from_text(entry["CNAME"][0])
            continue
        if records:
            add(response, name, wanted, records, entry.get("ttl", 300))
        break
    if not response.answer:
        add_authority(response, name, zone)
    if secure and (query.flags & dns.flags.AD or query.ednsflags & dns.flags.DO):
        response.flags |= dns.flags.AD
    return response.to_wire(max_size=65535)


def add(
    response: dns.message.Message,
    name: dns.name.Name,
    kind: str,
    records: Sequence[str],
    ttl: int,
) -> None:
    """Each record a set of its own: sets have no order."""
    for text in records:
        response.answer.append(dns.rrset.from_text(name, ttl, "IN", kind, text))


def add_authority(
    response: dns.message.Message, name: dns.name.Name, zone: Mapping[str, Any]
) -> None:
    """The SOA of the zone that a name without data belongs to."""
    while name != dns.name.root:
        entry = zone.get(name.to_text(omit_final_dot=True).lower())
        if isinstance(entry, dict) and "SOA" in entry:
            (text,) = entry["SOA"][:1]
            found = dns.rrset.from_text(name, 300, "IN", "SOA", text)
            response.authority.append(found)
            return
        name = name.parent()


def serve(zone: Mapping[str, Any], ready: threading.Event, log: list[str]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 53))
        ready.set()
        while True:
            octets, client = server.recvfrom(65535)
            question = dns.message.from_wire(octets).question[0]
            log.append(
                f"{question.name.to_text(omit_final_dot=True)} "
                f"{dns.rdatatype.to_text(question.rdtype)}"
            )
            try:
                reply = answer(zone, octets)
            except Exception as error:  # noqa: BLE001 - the zone is wrong; say so
                log.append(f"!! {error!r}")
                continue
            if reply is not None:
                server.sendto(reply, client)


def main(zone: str, *command: str) -> int:
    """Serve the zone of a file while a command runs; what was asked goes to stderr."""
    ready, log = threading.Event(), list[str]()
    known = json.loads(Path(zone).read_text("utf-8"))
    threading.Thread(target=serve, args=(known, ready, log), daemon=True).start()
    ready.wait(10)
    done = subprocess.run(command, check=False)
    sys.stderr.write("\n".join(log))
    return done.returncode


def exim_with_dns(exim: Path, folder: Path, zone: Mapping[str, Any]) -> Path:
    """A command that is Exim where the DNS is the zone, and tells what was asked."""
    zone_file, resolver = folder / "zone.json", folder / "resolv.conf"
    zone_file.write_text(json.dumps(zone), "utf-8")
    resolver.write_text("nameserver 127.0.0.1\noptions edns0 trust-ad\n", "utf-8")
    inside = shlex.join([sys.executable, __file__, str(zone_file), str(exim)])
    place = shlex.quote(str(resolver))
    steps = (
        f'ip link set lo up && mount --bind {place} /etc/resolv.conf && {inside} "$@"'
    )
    command = folder / "exim-with-dns"
    command.write_text(
        f'#!/bin/sh\nexec unshare -n -m sh -c {shlex.quote(steps)} exim "$@"\n'
    )
    command.chmod(0o755)
    return command


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
