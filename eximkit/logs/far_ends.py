"""Where messages come from and go to, as keys of counts.

A line's own words make a raw key, from which the keys of tables are made; most lines
have words that others have, too. A raw key has these parts, with LFs between: address,
`<original>`, transport, names, `[ip`. Of an arrival they are: sender (`<>` for none),
nothing, nothing, `name (helo) ` or the local user, `[ip`; of a delivery the name is
that of the server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.logs.record import ARRIVALS, DELIVERIES, Kind

if TYPE_CHECKING:
    from eximkit.logs.record import LogRecord

LOCAL = b"local"
"""The host of what did not come or go over the network."""
UNNAMED = b"-"
"""The transport of what none is named for."""
LONGEST = 1000
"""Octets of a key; what is longer is cut, so that no line takes more memory."""


def details_of(record: LogRecord) -> bytes:
    """What the fast path makes of such a line, nothing of one that it leaves out.

    (Rejections are not among these.)
    """
    kind = record.kind
    if kind in ARRIVALS:
        names = record.ident
        if record.ip:
            names = f"{record.host_name} " if record.host_name else ""
            names += f"({record.helo}) " if record.helo else ""
        return _details(
            record, "A" if record.ip else "M", "", str(record.size or 0),
            record.sender or "<>", "", "", names, record.protocol,
            record.receive_time,
        )  # fmt: skip
    if kind in DELIVERIES:
        return _details(
            record, "R" if record.remote else "D", _FLAGS[kind], "", record.address,
            f"<{record.original}>" if record.original else "", record.transport,
            record.host_name, "", record.delivery_time,
        )  # fmt: skip
    if kind is Kind.FAILURE:
        text = record.raw.partition(_FAILURE)[2].removesuffix(b"\r")
        return _details(
            record, "failure", address=text.decode("utf-8", "surrogateescape")
        )
    if kind in _OTHERS:
        return _details(record, _OTHERS[kind])
    return b""


def _details(
    record: LogRecord, shape: str, flag: str = "", size: str = "", address: str = "",
    original: str = "", transport: str = "", names: str = "", protocol: str = "",
    time: float | None = None,
) -> bytes:  # fmt: skip
    ip = f"[{record.ip}" if record.ip else ""
    spent = "" if time is None else f"{time:.3f}s"
    parts = [
        "", shape, record.stamp, record.message_id, flag, size,
        f"{address}\n{original}\n{transport}\n{names}\n{ip}", protocol, spent, "", "",
    ]  # fmt: skip
    return "\0".join(parts).encode("utf-8", "surrogateescape")


_FLAGS = {Kind.DELIVERY: "=", Kind.FURTHER: "-", Kind.CUTTHROUGH: ">"}
_OTHERS = {Kind.COMPLETED: "completed", Kind.DEFERRAL: "deferral"}
_FAILURE = b" ** "


def client(source: bytes) -> bytes:
    """The host that a message came from: its name, `(HELO)` without one, or `[ip]`."""
    _, _, _, names, ip = source.split(b"\n")
    if not ip:
        return LOCAL
    name, _, helo = names.partition(b"(")
    if name:
        return name[:-1].lower()
    return b"(" + helo[:-1].lower()[:LONGEST] if helo else ip + b"]"


def user(source: bytes) -> bytes:
    """The local user that a message came from, nothing if it came from a host."""
    _, _, _, names, ip = source.split(b"\n")
    return b"" if ip else names[:LONGEST]


def sender(source: bytes) -> bytes:
    """The sender's address."""
    return address(source.partition(b"\n")[0])


def server(target: bytes) -> bytes:
    """The host that a message went to."""
    name = target.split(b"\n")[3]
    return name.lower()[:LONGEST] or LOCAL


def transport(target: bytes) -> bytes:
    """The transport; what was dropped without one is its own."""
    whereto, _, name, _, _ = target.split(b"\n")
    return name[:LONGEST] or (whereto if whereto.startswith(b":") else UNNAMED)


def recipient(target: bytes) -> bytes:
    """Local or not (`l`, `r`), the address, and the original one where it differs."""
    whereto, original, _, name, _ = target.split(b"\n")
    whereto, original = address(whereto), address(original[1:-1])
    if original == whereto:
        original = b""
    return b"\0".join((b"r" if name else b"l", whereto, original))


def relay(source: bytes, target: bytes) -> bytes:
    """Host, sender, host and recipient of what came from a host and went to one.

    Nothing for others, and for an address that was made of another one: that was taken
    in here. Case does not matter.
    """
    sent, _, _, _, ip = source.split(b"\n")
    whereto, original, _, name, to_ip = target.split(b"\n")
    if not (ip and to_ip) or (original and _other(whereto, original[1:-1])):
        return b""
    known = client(source)
    return b"\0".join(
        (
            known if known.startswith(b"[") else b"%b %b]" % (known, ip),
            sent.lower()[:LONGEST],
            b"%b %b]" % (name.lower(), to_ip),
            whereto.lower()[:LONGEST],
        )
    )


def _other(whereto: bytes, original: bytes) -> bool:
    # A quoted local part is logged without its quotes.
    return whereto.lower() != original.replace(b'"', b"").lower().replace(
        b"\\", b""
    ) and (whereto.lower() != original.lower())


def address(text: bytes) -> bytes:
    """An address, its domain in lower case."""
    local_part, at, domain = text[:LONGEST].rpartition(b"@")
    return local_part + at + domain.lower() if at else domain


def address_domain(text: bytes) -> bytes:
    """The domain of an address, nothing without one."""
    return text.rpartition(b"@")[2] if b"@" in text else b""


def host_domain(host: bytes) -> bytes:
    """The domain that a host belongs to: its name without the first of its labels.

    That of a name of two labels or less is the name; that of an address the address.
    """
    name = host.strip(b"()")
    if name.startswith(b"[") or name.replace(b".", b"").isdigit():
        return name
    rest = name.partition(b".")[2]
    return rest if b"." in rest.strip(b".") else name
