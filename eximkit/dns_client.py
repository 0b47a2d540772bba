"""Questions to the DNS servers of this machine, over dnspython.

What the C library does for Exim: the servers of /etc/resolv.conf are asked in turn, and
nothing is added to the name. RFC 1035; resolv.conf(5).
"""

from __future__ import annotations

import os
import re
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eximkit.expansion.world import DnsAnswer, DnsRecord

if TYPE_CHECKING:
    from collections.abc import Callable

    import dns.message

RETRANS = 5.0
"""Seconds that a server has for its answer, where nothing else is said."""
RETRY = 2
"""How often all servers are asked."""
LONGEST = 60.0
"""Seconds after which no question is asked again, whatever was said."""
PORT = 53
RESOLVER = Path("/etc/resolv.conf")
_TRUSTED = re.compile(r"^options\b.*\btrust-ad\b", re.MULTILINE)
_PAYLOAD = 1232


def resolve(
    name: str,
    record_type: str,
    *,
    dnssec: bool,
    retrans: float | None,
    retry: int | None,
    nameserver: str | None = None,
    port: int = PORT,
) -> DnsAnswer:
    """Ask for the records of a type.

    name: as in a zone file, below the root. retrans: seconds for each try; retry: tries
    for each server. nameserver: the address of one to ask instead of the system's.
    Without `trust-ad` in resolv.conf no word of its servers on DNSSEC is taken.
    """
    import dns.exception
    import dns.flags
    import dns.message
    import dns.query
    import dns.resolver

    try:
        query = dns.message.make_query(
            name.rstrip(".") + ".", record_type, payload=_PAYLOAD
        )
    except (dns.exception.DNSException, ValueError):
        return DnsAnswer("failed")
    if dnssec:
        query.flags |= dns.flags.AD
    servers = [nameserver] if nameserver else _servers()
    patience = min(retrans or RETRANS, LONGEST)
    deadline = time.monotonic() + LONGEST
    worst = "again"
    for _ in range(min(retry or RETRY, int(LONGEST))):
        for server in servers:
            left = min(patience, deadline - time.monotonic())
            if left <= 0:
                return DnsAnswer(worst)
            try:
                response, _tcp = dns.query.udp_with_fallback(
                    query, server, left, port, ignore_unexpected=True
                )
            except (dns.exception.DNSException, OSError, EOFError):
                continue
            answer = understood(response)
            if answer.status not in {"again", "failed"}:
                trusted = nameserver is not None or _trusted()
                return answer if trusted else _without_word(answer)
            worst = answer.status
    return DnsAnswer(worst)


def understood(response: dns.message.Message) -> DnsAnswer:
    """A message from a server as an answer."""
    import dns.flags
    import dns.rcode
    import dns.rdatatype

    code = response.rcode()
    if code not in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}:
        # With these a server asks its client to try another.
        again = {dns.rcode.SERVFAIL, dns.rcode.NOTIMP, dns.rcode.REFUSED}
        return DnsAnswer("again" if code in again else "failed")
    records = tuple(
        DnsRecord(dns.rdatatype.to_text(rdata.rdtype), _fields(rdata), rrset.ttl)
        for rrset in response.answer
        for rdata in rrset
    )
    zones = [s.name for s in response.authority if s.rdtype == dns.rdatatype.SOA]
    status = "found" if records else "no data"
    return DnsAnswer(
        "no domain" if code == dns.rcode.NXDOMAIN else status,
        records,
        bool(response.flags & dns.flags.AD),
        "" if records or not zones else _name(zones[0]),
    )


def _without_word(answer: DnsAnswer) -> DnsAnswer:
    return DnsAnswer(answer.status, answer.records, secure=False, zone=answer.zone)


def _servers() -> list[str]:
    """The addresses in resolv.conf. The C library asks three at most, or this host."""
    import dns.exception
    import dns.resolver

    try:
        found = dns.resolver.Resolver(str(RESOLVER))
    except (dns.exception.DNSException, OSError):
        return ["127.0.0.1"]
    return [str(server) for server in found.nameservers[:3]] or ["127.0.0.1"]


def _trusted() -> bool:
    """Whether the system takes a server's word on DNSSEC."""
    options = os.environ.get("RES_OPTIONS", "").split()
    try:
        text = RESOLVER.read_text("utf-8", "replace")
    except OSError:
        text = ""
    return "trust-ad" in options or _TRUSTED.search(text) is not None


def _name(name: Any) -> str:  # noqa: ANN401 - dnspython is loaded late
    """A name as the C library writes it: without the last dot, the root empty."""
    text: str = name.to_text(omit_final_dot=True)
    return "" if text == "." else text


def _strings(rdata: Any) -> tuple[str, ...]:  # noqa: ANN401 - as above
    return tuple(string.decode("latin-1") for string in rdata.strings)


def _ipv6(rdata: Any) -> tuple[str, ...]:  # noqa: ANN401 - as above
    packed = socket.inet_pton(socket.AF_INET6, rdata.address)
    return (socket.inet_ntop(socket.AF_INET6, packed),)


_FIELDS: dict[str, Callable[[Any], tuple[str, ...]]] = {
    "A": lambda r: (r.address,),
    "AAAA": _ipv6,
    "CNAME": lambda r: (_name(r.target),),
    "MX": lambda r: (str(r.preference), _name(r.exchange)),
    "NS": lambda r: (_name(r.target),),
    "PTR": lambda r: (_name(r.target),),
    "SOA": lambda r: (
        _name(r.mname), _name(r.rname), str(r.serial), str(r.refresh), str(r.retry),
        str(r.expire), str(r.minimum),
    ),
    "SPF": _strings,
    "SRV": lambda r: (str(r.priority), str(r.weight), str(r.port), _name(r.target)),
    "TLSA": lambda r: (str(r.usage), str(r.selector), str(r.mtype), r.cert.hex()),
    "TXT": _strings,
}  # fmt: skip


def _fields(rdata: Any) -> tuple[str, ...]:  # noqa: ANN401 - as above
    import dns.rdatatype

    made = _FIELDS.get(dns.rdatatype.to_text(rdata.rdtype))
    return (rdata.to_text(),) if made is None else made(rdata)
