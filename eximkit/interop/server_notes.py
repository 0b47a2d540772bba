"""The transcript of a server's connection, by what its `smtp.Server` made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.interop.transcript import TO_CLIENT, TO_SERVER
from eximkit.smtp import commands
from eximkit.smtp.commands import Bdat
from eximkit.smtp.events import Authenticating, Challenge, Content, Received, Refused

if TYPE_CHECKING:
    from eximkit.interop.transcript import Recorder
    from eximkit.smtp.events import ServerEvent


class Notes:
    """Notes events as they come; commands of one read are one piece."""

    __slots__ = ("_exchange", "_lines", "_octets", "recorder")

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self._lines: list[bytes] = []
        self._octets = 0
        self._exchange = False

    def event(self, event: ServerEvent) -> None:
        """Something that the client said."""
        match event:
            case Content(octets):
                self._octets += len(octets)
            case Received(Bdat()):
                self._content(commands.encode(event.command, as_is=True))
            case Received(command):
                self._command(commands.encode(command, as_is=True))
            case Refused(line) if not self._exchange:
                self._command(line.rstrip(b"\r\n") + b"\r\n")
            case Challenge() | Authenticating() if not self._exchange:
                # What came with it is a secret, and its mechanism is in the reply.
                self._command(b"AUTH\r\n")
            case Challenge() | Authenticating() | Refused():
                self.said()
                self.recorder.commands(b"\r\n", exchange=True)
        self._exchange = isinstance(event, Challenge)

    def said(self) -> None:
        """All that was read is known: what there is goes into the transcript."""
        if self._lines:
            self.recorder.commands(b"".join(self._lines))
            self._lines.clear()
        if self._octets:
            self._content(b"")

    def replies(self, octets: bytes) -> None:
        """What is answered, in one piece."""
        self.said()
        self.recorder.replies(octets)

    def read(self, octets: int) -> None:
        self.recorder.wire(TO_SERVER, octets)

    def written(self, octets: int) -> None:
        self.recorder.wire(TO_CLIENT, octets)

    def _command(self, line: bytes) -> None:
        if self._octets:
            self._content(b"")
        self._lines.append(line)

    def _content(self, command: bytes) -> None:
        """Content that is not noted yet. command: its BDAT, which came before it."""
        octets, self._octets = self._octets, 0
        self.said()
        self.recorder.content(octets, command.decode("ascii", "replace"))
