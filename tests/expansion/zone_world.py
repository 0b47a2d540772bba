"""A world made of mappings: files, directories, users, databases and DNS zones."""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eximkit.expansion.world import (
    DnsAnswer,
    DnsRecord,
    FileFailed,
    FileStatus,
    Finished,
    NotAllowed,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from eximkit.expansion.world import World

    Rows = tuple[Sequence[str], Sequence[Sequence[str | None]]]


@dataclass(slots=True)
class ZoneWorld:
    """A `World` that knows what it is given and nothing else.

    files: octets by path. folders: the names in each. statuses: instead of those that
    follow from both. zones: "name type" to the records' fields, one string for each
    record, its fields parted by blanks (the strings of TXT by `|`); or "again",
    "failed", "no domain", "no data ZONE". A name that has other types only has no data.
    secure: all of it. asked: the questions put to the DNS.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    folders: Mapping[str, Sequence[str]] = field(default_factory=dict)
    statuses: Mapping[str, FileStatus] = field(default_factory=dict)
    users: Mapping[str, str] = field(default_factory=dict)
    databases: Mapping[tuple[str, str], Rows] = field(default_factory=dict)
    zones: Mapping[str, Sequence[str] | str] = field(default_factory=dict)
    secure: bool = False
    asked: list[tuple[str, str, bool, float | None, int | None]] = field(
        default_factory=list
    )

    def read(self, path: str) -> str:
        if path not in self.files:
            raise FileFailed(path, "No such file or directory", 2)
        return self.files[path]

    def status(self, path: str, *, follow: bool = True) -> FileStatus:  # noqa: ARG002
        if path in self.statuses:
            return self.statuses[path]
        if path in self.files:
            return FileStatus(stat.S_IFREG | 0o644, 0, 0, len(self.files[path]))
        if path in self.folders:
            return FileStatus(stat.S_IFDIR | 0o755, 0, 0, 4096)
        raise FileFailed(path, "No such file or directory", 2)

    def names(self, path: str) -> Sequence[str]:
        if path not in self.folders:
            raise FileFailed(path, "No such file or directory", 2)
        return self.folders[path]

    def sqlite(self, path: str, query: str) -> Rows:
        if (path, query) not in self.databases:
            raise FileFailed(path, "SQL logic error")
        return self.databases[path, query]

    def environment(self, name: str) -> str | None:
        raise NotAllowed(f"the environment variable {name}")

    def passwd(self, name: str) -> tuple[str, ...] | None:
        line = self.users.get(name)
        return None if line is None else tuple(line.split(":"))

    def group(self, name: str) -> int | None:
        raise NotAllowed(f"the group {name}")

    def resolve(
        self,
        name: str,
        record_type: str,
        *,
        dnssec: bool,
        retrans: float | None,
        retry: int | None,
    ) -> DnsAnswer:
        self.asked.append((name, record_type, dnssec, retrans, retry))
        wanted = name.lower().removesuffix(".")
        found = self.zones.get(f"{wanted} {record_type}")
        if isinstance(found, str):
            status = " ".join(found.split()[:2])
            return DnsAnswer(status, zone=" ".join(found.split()[2:]))
        if found is None:
            there = any(key.partition(" ")[0] == wanted for key in self.zones)
            return DnsAnswer("no data" if there else "no domain")
        records = tuple(_record(record_type, text) for text in found)
        return DnsAnswer("found", records, self.secure and dnssec)

    def run(self, arguments: Sequence[str]) -> Finished:
        raise NotAllowed(f"the command {arguments[0]}")

    def clock(self) -> float:
        return 1_700_000_000.0


def _record(record_type: str, text: str) -> DnsRecord:
    """`CNAME host`, `TTL=5 …` before the data are of other types or last so long."""
    kind, ttl = record_type, 3600
    if text.startswith("TTL="):
        first, _, text = text.partition(" ")
        ttl = int(first.removeprefix("TTL="))
    if text.startswith("CNAME "):
        kind, text = "CNAME", text.removeprefix("CNAME ")
    if kind in {"TXT", "SPF"}:
        return DnsRecord(kind, tuple(text.split("|")), ttl)
    return DnsRecord(kind, tuple(text.split()), ttl)


def _is_a_world(world: ZoneWorld) -> World:
    return world
