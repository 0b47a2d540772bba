"""Who runs this process, and where: what needs no permission to be known."""

# A path is octets, which pathlib does not give.
# ruff: noqa: PTH109

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """The process as `exim -be` shows its own in variables. All text is octets."""

    hostname: str
    login: str
    uid: int
    gid: int
    directory: str
    process: int


def caller() -> Caller:
    """The process that asks."""
    uid = os.getuid()
    try:
        login = os.fsencode(pwd.getpwuid(uid).pw_name).decode("latin-1")
    except KeyError:
        login = ""
    try:
        directory = os.getcwdb().decode("latin-1")
    except OSError:  # It has been deleted.
        directory = ""
    name = os.fsencode(os.uname().nodename).decode("latin-1")
    return Caller(name, login, uid, os.getgid(), directory, os.getpid())
