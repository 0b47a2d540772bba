"""One connection of the reference client: a socket under a `smtp.Sender`.

    dialogue = Dialogue(sender, target, manner)
    await dialogue.run()                   # then: sender.outcomes, sender.redial

What may be said without waiting leaves in one piece, and so does what a reply allows
next; the last such piece carries QUIT, and the end of what this side sends is behind
it. Only a SYN carries no QUIT: it follows with that end, once the connection is there.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from eximkit.interop.tls import TlsError, TlsLayer, client_layer
from eximkit.interop.transcript import TO_SERVER
from eximkit.interop.wire import Wire
from eximkit.smtp.early import Tls
from eximkit.smtp.states import Step

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from eximkit.interop.dialling import Target
    from eximkit.interop.transcript import Recorder
    from eximkit.smtp import Sender

_RECORD = 64
"""More octets than TLS adds to a record."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to wait for each answer, from when it was asked for (RFC 5321 4.5.3.2).

    connect: for the connection, and for a TLS handshake. block: for the server to read
    on. final: for the reply to a message. quit: for the reply to QUIT, on which nothing
    hangs any more. whole: for the whole of a connection, however well it goes.
    """

    connect: float = 300
    banner: float = 300
    command: float = 300
    data: float = 120
    block: float = 180
    final: float = 600
    quit: float = 10
    whole: float = 14400

    def capped(self, most: float) -> Timeouts:
        """None of them longer than this, but for the whole."""
        names = ("connect", "banner", "command", "data", "block", "final", "quit")
        return replace(self, **{name: min(most, getattr(self, name)) for name in names})


_WAITS = {
    Step.BANNER: "banner",
    Step.DATA: "data",
    Step.CONTENT: "final",
    Step.BDAT: "final",
    Step.BDAT_LAST: "final",
    Step.VERDICT: "final",
    Step.FINAL: "final",
    Step.QUIT: "quit",
}
"""What is waited for -> which of the timeouts; `command` for all others."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How to connect.

    interface: the address to bind to, "" for any. fast_open: let the SYN carry data
    (RFC 7413), and if content_in_syn a message, which may then arrive twice. context,
    sni: of TLS; resume: whether sessions are. naming: gives the name to greet with from
    this side's address and port, where those are known before the greeting; None for
    the route's. It may raise EximkitError.
    """

    interface: str = ""
    fast_open: bool = False
    content_in_syn: bool = False
    timeouts: Timeouts = field(default_factory=Timeouts)
    context: ssl.SSLContext | None = None
    sni: str = ""
    resume: bool = True
    naming: Callable[[str, int], str] | None = None

    @property
    def verifies(self) -> bool:
        """Whether only servers with a good certificate are talked to."""
        return self.context is not None and bool(self.context.verify_mode)


class Dialogue:
    """One connection for a sender. session: of TLS, to be resumed.

    layer: of TLS, None without. round_trips: how often the server was waited for before
    the first content left, the handshakes of TCP and TLS among them; None while none
    has.
    """

    def __init__(
        self,
        sender: Sender,
        target: Target,
        manner: Manner,
        recorder: Recorder | None = None,
        session: ssl.SSLSession | None = None,
    ) -> None:
        self.sender = sender
        self.wire = Wire(target, self, recorder)
        self.layer: TlsLayer | None = None
        self.round_trips: int | None = None
        self._manner = manner
        self._recorder = recorder
        self._session = session
        self._on_connect = sender.route.tls is Tls.ON_CONNECT
        self._said = False
        """The sender's octets have begun to leave."""
        self._given = 0
        self._leaving: deque[tuple[int, str, bytes, bool]] = deque()
        """What is still to leave: where it begins, what it is, the octets, of AUTH."""
        self._progress = (0, 0)
        loop = asyncio.get_running_loop()
        self._over: asyncio.Future[None] = loop.create_future()
        self._clock = loop.time
        self._end = loop.time() + manner.timeouts.whole

    async def run(self) -> None:
        """From the SYN to the end. What the network does is in the sender's outcomes.

        Raises SettingsError for a name that TLS cannot use.
        """
        try:
            if not self._over.done():
                self._dial()
            await self._over
        finally:
            self.wire.close()

    def _dial(self) -> None:
        manner, sender = self._manner, self.sender
        if self._on_connect:
            first = self._hello_of_tls()
            syn = len(first)
        else:
            syn = sender.for_syn(manner.content_in_syn)
            first = self._said_now()
        self._patience("connect")
        self.wire.dial(manner.interface, first, syn if manner.fast_open else None)
        if manner.naming is None or self._over.done():
            return
        if self._on_connect or not sender.decision.early:
            sender.rename(manner.naming(*self.wire.local))

    # What the wire says.

    def connected(self) -> None:
        self._said = not self._on_connect
        self._go_on()

    def received(self, octets: bytes) -> None:
        if self._over.done():
            return
        if self.layer is not None:
            self._decrypt(self.layer, octets)
        else:
            self._feed(octets)
            if self.sender.handshaking:
                self.wire.write(self._hello_of_tls())
        if not self._over.done():
            self._go_on()

    def left(self) -> None:
        leaving = self._leaving
        while leaving and (self.layer is not None or leaving[0][0] < self.wire.written):
            _, what, octets, exchange = leaving.popleft()
            content = what == "content"
            if content and self.round_trips is None:
                self.round_trips = self.wire.waits
            if self._recorder and content:
                self._recorder.content(len(octets))
            elif self._recorder:
                self._recorder.commands(octets, exchange)

    def unreached(self, why: str) -> None:
        self.sender.unreached(why)
        self._finish()

    def lost(self, why: str) -> None:
        if self._said:
            self.sender.lost(why, self._unsent)
        else:
            self.sender.unreached(why)
        self._finish()

    def stop(self, why: str) -> None:
        """End it now, for a reason that has nothing to do with the server."""
        if self._over.done():
            return
        # Fast Open may have carried some before there was a connection.
        if self._said or self.wire.written:
            self.sender.stop(why, self._unsent)
        else:
            self.sender.unreached(why)
        self._finish()

    @property
    def _unsent(self) -> int:
        # Without the end of a record nobody can read the rest of it.
        slack = _RECORD if self.layer is not None else 0
        return max(0, len(self.wire.pending) - slack)

    def late(self) -> None:
        if not self.wire.is_connected:
            self.unreached(f"{self.wire.target}: no connection in time")
        elif self.wire.pending:
            self.lost("timed out: the server does not read")
        elif self.layer is not None and not self.layer.established:
            self.lost("timed out waiting for TLS")
        else:
            outstanding = self.sender.client.outstanding
            what = outstanding[0].value if outstanding else "anything"
            self.lost(f"timed out waiting for the reply to {what}")

    def failed(self, error: BaseException) -> None:
        if not self._over.done():
            self._over.set_exception(error)

    # What is said to it.

    def _go_on(self) -> None:
        """Say all that may be said now, and see how long to wait for what follows."""
        if self.layer is None or self.layer.established:
            self.wire.write(self._said_now())
            if self.sender.half_close and self.layer is None:
                # Exim keeps its answers back until it has seen this, for 200 ms. Under
                # TLS it does not, and others take such an end for a lost connection.
                self.wire.end()
        if self.sender.finished:
            self._finish()
        else:
            self._renew()

    def _said_now(self) -> bytes:
        """What the sender has to say, as octets for the wire."""
        sender, layer = self.sender, self.layer
        pieces = sender.pieces()
        octets = sender.output()
        if pieces:
            self._expect_to_leave(pieces, octets)
        if layer is None:
            return octets
        self._said = True
        layer.write(octets)
        return layer.outgoing()

    def _feed(self, octets: bytes) -> None:
        if self._recorder:
            self._recorder.replies(octets)
        self.sender.feed(octets)

    def _hello_of_tls(self) -> bytes:
        context = self._manner.context
        if context is None:
            raise RuntimeError("a route with TLS and a manner without")
        target = self.wire.target
        name = self._manner.sni or target.name or target.address
        self.layer = client_layer(context, name, self._session)
        self.layer.handshake()
        hello = self.layer.outgoing()
        if self._recorder:
            self._recorder.tls("client-hello", direction=TO_SERVER, octets=len(hello))
        return hello

    def _decrypt(self, layer: TlsLayer, octets: bytes) -> None:
        before = layer.established
        try:
            plaintext = layer.feed(octets)
        except TlsError as error:
            self.wire.write(layer.outgoing())
            self.lost(str(error))
            return
        if not before:
            self._shake_hands(layer)
        if plaintext:
            self._feed(plaintext)
        if layer.ended:
            self.lost("the server closed the connection")

    def _shake_hands(self, layer: TlsLayer) -> None:
        if self._recorder:
            what = "established" if layer.established else "handshake"
            self._recorder.tls(what, layer.suite if layer.established else "")
        if not layer.established:
            self.wire.write(layer.outgoing())
        elif not self._on_connect:
            self.sender.secured()

    def _expect_to_leave(self, pieces: list[tuple[str, int]], octets: bytes) -> None:
        exchange = self.sender.client.outstanding[-1:] == (Step.RESPONSE,)
        at = 0
        for what, size in pieces:
            piece = octets[at : at + size] if self._recorder else b""
            self._leaving.append((self._given + at, what, piece, exchange))
            at += size
        self._given += at

    # How long it takes, and how it ends.

    def _patience(self, which: str) -> None:
        seconds: float = getattr(self._manner.timeouts, which)
        self.wire.patience(min(seconds, self._end - self._clock()))

    def _renew(self) -> None:
        """Wait anew, if something was sent or answered since."""
        outstanding = self.sender.client.outstanding
        progress = (self.wire.written, len(outstanding))
        if progress == self._progress:
            return
        self._progress = progress
        if self.wire.pending:
            self._patience("block")
        elif self.layer is not None and not self.layer.established:
            self._patience("connect")
        elif outstanding:
            self._patience(_WAITS.get(outstanding[0], "command"))

    def _finish(self) -> None:
        if self._over.done():
            return
        if self.layer is not None and self.layer.established and not self.wire.broken:
            # RFC 8446 6.1: whoever closes says so.
            self.layer.close()
            self.wire.write(self.layer.outgoing())
        self._over.set_result(None)
