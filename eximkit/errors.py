"""The errors that library calls raise, all of them under `EximkitError`.

Defects of a configuration are problems (`problem.py`), not errors.
"""

from __future__ import annotations


class EximkitError(Exception):
    """Something that eximkit was asked for cannot be done."""


class InputError(EximkitError):
    """A file cannot be read, or is not what it was said to be."""


class SettingsError(EximkitError):
    """A setting or an option has a value that means nothing."""


class MissingExtraError(EximkitError):
    """An optional package is needed; the message names the command that installs it."""


class MissingProgramError(EximkitError):
    """A program is needed; the message names the command that installs it."""


class ExpansionSyntaxError(EximkitError):
    """An expansion string that Exim would refuse to parse.

    start, end: the offending characters of the string. hint: what to do, or "".
    """

    def __init__(
        self, message: str, start: int, end: int, hint: str = "", code: str = "EXS202"
    ) -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.end = end
        self.hint = hint
        self.code = code


class ProtocolError(EximkitError):
    """SMTP was not kept to."""


class LocalProtocolError(ProtocolError):
    """This side was about to break SMTP: nothing was sent."""


class RemoteProtocolError(ProtocolError):
    """The peer broke SMTP.

    code, status: what a server would answer with (RFC 5321 4.2.3 and RFC 3463).
    """

    def __init__(self, message: str, code: int = 500, status: str = "5.5.2") -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.status = status


class InteropError(EximkitError):
    """What a scenario needs cannot be set up, or does not end in time."""
