"""What is remembered of servers, for people and as JSON: schema eximkit.cache/1."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from eximkit.report.logs_figures import table as columns
from eximkit.report.send_table import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from eximkit.smtp.early import Key, Record
    from eximkit.smtp.ehlo import Offer

SCHEMA = "eximkit.cache/1"
_LEAST = len("greeting")


def as_json(entries: Sequence[tuple[Key, Record]]) -> Iterator[str]:
    """One document. stamp: seconds since 1970."""
    document = {"schema": SCHEMA, "records": [_entry(*each) for each in entries]}
    yield json.dumps(document, indent=2) + "\n"


def _entry(key: Key, record: Record) -> dict[str, Any]:
    return {
        "address": key.address,
        "port": key.port,
        "helo": key.helo,
        "interface": key.interface,
        "tls": key.tls.value,
        "sni": key.sni,
        "stamp": record.stamp,
        "clear": _words(record.clear),
        "crypted": _words(record.crypted),
    }


def _words(offer: Offer | None) -> dict[str, list[str]] | None:
    if offer is None:
        return None
    return {name: list(words) for name, words in offer.keywords.items()}


def table(
    entries: Sequence[tuple[Key, Record]], now: int, width: int = 80
) -> Iterator[str]:
    """A row for each record. now: seconds since 1970.

    Greetings are cut short where the table would be wider than so many characters.
    """
    if not entries:
        yield "Nothing is remembered.\n"
        return
    rows = []
    for key, record in entries:
        host = f"[{key.address}]" if ":" in key.address else key.address
        rows.append((
            f"{shown(host)}:{key.port}",
            key.tls.value,
            shown(key.helo),
            _age(now - record.stamp),
            _early(record),
        ))  # fmt: skip
    heads = ("server", "TLS", "greeting", "seen", "early")
    others = (max(map(len, column)) for column in zip(heads, *rows, strict=True))
    taken = sum(others) - max(len(row[2]) for row in (heads, *rows)) + 2 * len(heads)
    room = max(_LEAST, width - taken)
    cut = [(*row[:2], _cut(row[2], room), *row[3:]) for row in rows]
    for line in columns(cut, heads, "<<<><"):
        yield line + "\n"


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 1] + "…"


def _early(record: Record) -> str:
    phases = (("clear", record.clear), ("TLS", record.crypted))
    found: dict[str, list[str]] = {}
    for name, offer in phases:
        if offer is not None and offer.early:
            found.setdefault(offer.early, []).append(name)
    return ", ".join(f"{word} ({', '.join(names)})" for word, names in found.items())


def _age(seconds: int) -> str:
    if seconds < 0:
        return "in the future"
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"
