"""Names and passwords from a file, one `name:password` a line."""

from __future__ import annotations

from pathlib import Path

from eximkit.errors import InputError

MOST = 1 << 20
"""Octets of the file."""


def read(path: str) -> dict[str, str]:
    """Passwords by name. Blank lines and those that begin with # are skipped.

    Raises InputError, which shows no password.
    """
    try:
        with Path(path).open("rb") as stream:
            octets = stream.read(MOST + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{path}: {reason}") from None
    if len(octets) > MOST:
        raise InputError(f"{path}: larger than {MOST} octets")
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8") from None
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, colon, password = line.partition(":")
        if not (name and colon and password):
            raise InputError(f"{path}: line {number} is not name:password")
        found[name] = password
    if not found:
        raise InputError(f"{path}: no account in it")
    return found
