"""Debian's way of putting a configuration together, as update-exim4.conf(8) does it.

A directory `conf.d` with one subdirectory for each section, or one template, is made
into the file that Exim reads; settings of `update-exim4.conf.conf` become macros in it.
All texts are octets.
"""

from __future__ import annotations

import re
import shlex
from string import ascii_lowercase, ascii_uppercase
from typing import TYPE_CHECKING

from eximkit.config.lines import Part
from eximkit.source import SourceFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SECTIONS = ("main", "acl", "router", "transport", "retry", "rewrite", "auth")
"""The subdirectories of `conf.d`, in the order in which they are read."""

SETTINGS_NAME = "update-exim4.conf.conf"
TEMPLATE_NAME = "exim4.conf.template"
LOCAL_MACROS_NAME = "exim4.conf.localmacros"

_SNIPPET = re.compile(r"[A-Za-z0-9_-]+")
_MACROS_LINE = re.compile(r"^UPEX4CmacrosUPEX4C.*(?:\n|$)", re.MULTILINE)
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
_MAILNAME = re.compile(r"([-A-Za-z0-9@.]+).*")
# The brackets in the script's own pattern end early, so that it replaces an unusual
# character only before a closing bracket.
_UNUSUAL = re.compile(r"[^-0-9A-Za-z/\\.!*@_~:;< \[]\]")
_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)
_SUBSTITUTED_TYPES = ("satellite", "smarthost", "local", "internet")
_LISTS = ("dc_local_interfaces", "dc_relay_nets", "dc_relay_domains")


def snippets(names: Iterable[str]) -> Iterator[str]:
    """Which files of a subdirectory are read, in order.

    Names are those that run-parts would take; `NAME.rul` stands in for `NAME`.
    """
    present = set(names)
    for name in sorted(present):
        if _SNIPPET.fullmatch(name):
            yield f"{name}.rul" if f"{name}.rul" in present else name


def parts(
    files: Iterable[SourceFile], macros: SourceFile | None, *, apart: bool
) -> Iterator[Part]:
    """The files one after the other, `macros` put in where they ask for it.

    apart: a line end follows each file, as a blank line which ends a continuation.
    """
    blank = SourceFile("<blank line>", "\n", generated=True)
    for file in files:
        at = 0
        for match in _MACROS_LINE.finditer(file.data) if macros is not None else ():
            yield Part(file, at, match.end())
            at = match.end()
            if macros is not None:
                yield Part(macros)
        yield Part(file, at)
        # What Debian adds to a file that lacks it is the end of its last line.
        if apart and (not file.data or file.data.endswith("\n")):
            yield Part(blank)


def settings(text: str) -> dict[str, str]:
    """The assignments of `update-exim4.conf.conf`, a shell script of nothing else."""
    found = {}
    for line in text.splitlines():
        try:
            words = shlex.split(line, comments=True)
        except ValueError:
            continue
        match = _ASSIGNMENT.fullmatch(words[0]) if words else None
        if match is not None:
            found[match[1]] = match[2]
    return found


def macros(text: str, mailname: str, hostname: str, path: str) -> SourceFile | None:
    """The macros that the settings in `text` become; None where Debian makes none.

    mailname: the content of /etc/mailname. hostname: the full name of the host, "" if
    unknown. path: of the settings, to name the result after.
    """
    given = settings(text)
    kind = _plain(given.get("dc_eximconfig_configtype", ""))
    if kind not in _SUBSTITUTED_TYPES:
        return None
    pairs = [*_macros(given, kind, mailname, hostname), *_further(text)]
    data = "".join(
        f".ifndef {name}\n{name}={_plain(value)}\n.endif\n" for name, value in pairs
    )
    return SourceFile(f"<macros from {path}>", data, generated=True)


def _macros(
    given: dict[str, str], kind: str, mailname: str, hostname: str
) -> Iterator[tuple[str, str]]:
    lists = {name: _separated(given.get(name, "")) for name in _LISTS}
    if lists["dc_local_interfaces"]:
        yield "MAIN_LOCAL_INTERFACES", lists["dc_local_interfaces"]
    if given.get("dc_minimaldns") == "true":
        yield "DC_minimaldns", "1"
        if "." in hostname:
            yield "MAIN_HARDCODE_PRIMARY_HOSTNAME", hostname
    readhost = _plain(given.get("dc_readhost", ""))
    hidden = _plain(given.get("dc_hide_mailname", "")) == "true"
    if kind in ("satellite", "smarthost") and hidden and readhost:
        yield "HIDE_MAILNAME", "1"
    others = _plain(given.get("dc_other_hostnames", ""))
    domains = f"@:localhost:{others}".rstrip(";: ").replace(";", ":")
    relay = _plain(lists["dc_relay_nets"])
    local = "127.0.0.1 ; ::1" if relay.startswith("<;") else "127.0.0.1 : ::::1"
    separator = ";" if relay.startswith("<;") else ":"
    first_line = mailname.partition("\n")[0]
    yield "MAIN_PACKAGE_VERSION", "unknown"
    yield "MAIN_LOCAL_DOMAINS", domains
    yield "MAIN_RELAY_TO_DOMAINS", lists["dc_relay_domains"]
    yield "ETC_MAILNAME", _MAILNAME.sub(r"\1", first_line, count=1)
    yield "LOCAL_DELIVERY", given.get("dc_localdelivery") or "mail_spool"
    yield "MAIN_RELAY_NETS", f"{relay} {separator} {local}"
    yield "DCreadhost", readhost
    yield "DCsmarthost", _plain(given.get("dc_smarthost", "")).replace(";", ":")
    yield "DC_eximconfig_configtype", kind
    yield f"DCconfig_{kind}", "1"


def _further(text: str) -> Iterator[tuple[str, str]]:
    """Whatever else starts with a capital is made a macro, as it stands."""
    for line in text.splitlines():
        if "A" <= line[:1] <= "Z" and not line.startswith("CFILEMODE="):
            name, equals, value = line.partition("=")
            yield name.strip(), value if equals else line


def _separated(value: str) -> str:
    """A list in which a semicolon is used, with the separator said to be one."""
    return f"<; {value}" if ";" in value and not value.startswith("<") else value


def _plain(value: str) -> str:
    """Lower case, blanks single."""
    single = " ".join(word for word in re.split("[ \t\n]+", value) if word)
    return _UNUSUAL.sub("_", single.translate(_LOWER))
