"""Deliveries by the reference client: what is remembered, one connection or two.

    courier = Courier(plan, EhloCache(path))
    delivered = await courier.deliver(target, [message])

A courier keeps what makes the next delivery cheaper: the cache's file open, and a TLS
session for each server. It may have many deliveries under way at once.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eximkit.errors import SettingsError
from eximkit.interop.dialogue import Dialogue, Manner
from eximkit.smtp import Delivery
from eximkit.smtp.early import Key, Wish
from eximkit.smtp.message import Fate

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Sequence

    from eximkit.interop.cache import EhloCache
    from eximkit.interop.dialling import Target
    from eximkit.interop.transcript import Transcript
    from eximkit.smtp.early import Cached, Reason
    from eximkit.smtp.ehlo import Offer
    from eximkit.smtp.message import Message, Outcome
    from eximkit.smtp.route import Route

    # By what a TLS session is found again: OpenSSL wants the same context.
    _Whose = tuple[Target, ssl.SSLContext | None, str]

MOST_SESSIONS = 1000
"""TLS sessions that are kept; the oldest make room."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How to send to one host.

    helo: the text of the setting that the name comes from, "" where that is the name.
    key: by what the host's response to EHLO is remembered; None to make one. unfit: why
    the route's name is not to be greeted with early, "" if it is.
    """

    route: Route
    wish: Wish = field(default_factory=Wish)
    manner: Manner = field(default_factory=Manner)
    helo: str = ""
    key: Key | None = None
    unfit: str = ""

    def key_of(self, target: Target) -> Key:
        """By what a response to EHLO is remembered."""
        return self.key or Key(
            target.address,
            target.port,
            self.helo or self.route.name,
            self.manner.interface,
            self.route.tls,
            self.manner.sni,
        )


@dataclass(frozen=True, slots=True)
class TlsUsed:
    """TLS as it came about. bits: of the key. verified: the certificate was."""

    version: str
    cipher: str
    bits: int
    resumed: bool
    verified: bool


@dataclass(frozen=True, slots=True)
class Attempt:
    """One connection.

    banner: its reply, "" for none. clear, crypted: what was offered in response to EHLO
    without and with TLS, None where that was not seen. ended: why nothing more was
    said, mostly the reply to QUIT. early: commands left before the banner was read.
    used_pipelining: some left before the reply to another was. hello: what was greeted
    with, EHLO or HELO and the name, "" if the connection did not get so far. local:
    address and port, ("", 0) where there was no connection. round_trips: waits for the
    server before the first content left, None if none did; waits: in all. syn_data: TCP
    Fast Open carried some. mechanism: of AUTH, where that was successful. chunked: BDAT
    was used. errno: of a connection that failed or broke, 0 for none. redial: why it
    had to be done again, "" if it had not.
    """

    banner: str
    clear: Offer | None
    crypted: Offer | None
    ended: str
    early: bool
    used_pipelining: bool
    hello: str
    local: tuple[str, int]
    round_trips: int | None
    waits: int
    syn_data: bool
    tls: TlsUsed | None
    mechanism: str
    chunked: bool
    errno: int
    redial: str

    @property
    def offered_early(self) -> bool:
        """Whether the server still offered early pipelining in what was read of it."""
        return any(offer and offer.early for offer in (self.clear, self.crypted))

    @property
    def offered_pipelining(self) -> bool:
        """Whether the last response to EHLO offered PIPELINING."""
        last = self.crypted if self.crypted is not None else self.clear
        return last is not None and last.pipelining


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of some messages. outcomes: for each message, of each recipient.

    reason: why it was early or was not. cached: what became of the record; fault: what
    was wrong with the cache, "" for nothing. attempts: one connection or two.
    """

    target: Target
    messages: Sequence[Message]
    outcomes: list[list[Outcome]]
    reason: Reason
    cached: Cached
    fault: str
    attempts: tuple[Attempt, ...]
    seconds: float

    @property
    def last(self) -> Attempt:
        """The connection that the outcomes are of."""
        return self.attempts[-1]

    @property
    def redialled(self) -> bool:
        return len(self.attempts) > 1

    @property
    def answered(self) -> bool:
        """Whether the host has decided something of a message, or may have one."""
        return any(
            outcome.step is not None
            or outcome.in_doubt
            or outcome.fate is not Fate.DEFERRED
            for row in self.outcomes
            for outcome in row
        )

    @property
    def fate(self) -> Fate:
        """The worst that became of a recipient; what may be tried again before rest."""
        fates = {outcome.fate for row in self.outcomes for outcome in row}
        for worst in (Fate.DEFERRED, Fate.REJECTED):
            if worst in fates:
                return worst
        return Fate.DELIVERED

    @property
    def round_trips(self) -> int | None:
        """Waits before the first content left, those of a first attempt among them."""
        last = self.last.round_trips
        if last is None:
            return self.attempts[0].round_trips
        return last + sum(attempt.waits for attempt in self.attempts[:-1])


class Courier:
    """Delivers by a plan, or by one for each target.

    cache: of responses to EHLO, None to remember nothing. clock: seconds since 1970.
    """

    def __init__(
        self,
        plan: Plan | Callable[[Target], Plan],
        cache: EhloCache | None = None,
        transcript: Transcript | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._plan = plan
        self.cache = cache
        self._transcript = transcript
        self._clock = clock
        self._sessions: dict[_Whose, ssl.SSLSession] = {}
        self._under_way: set[Dialogue] = set()
        self._stopped = ""

    async def deliver(self, target: Target, messages: Sequence[Message]) -> Delivered:
        """Messages over one connection; over one more where early mode went wrong.

        Without messages the server is greeted, and no more. What goes wrong is in the
        outcomes. Raises SettingsError for a name that TLS cannot use.
        """
        began = time.monotonic()
        plan = self.plan_for(target)
        cache, key, record, fault = self.cache, plan.key_of(target), None, ""
        if cache is not None and plan.wish.early:
            record = cache.get(key)
            fault = cache.fault
        now = int(self._clock())
        delivery = Delivery(plan.route, plan.wish, messages, record, now)
        reason = delivery.decision.reason
        if plan.unfit and delivery.decision.early:
            raise SettingsError(plan.unfit)
        attempts = []
        try:
            while True:
                attempts.append(await self.attempt(plan, delivery, target))
                if self._stopped or not delivery.redial():
                    break
        finally:
            if cache is not None and delivery.memory.dirty:
                cache.store(key, delivery.memory)
                fault = fault or cache.fault
        return Delivered(
            target, messages, delivery.outcomes(), reason, delivery.memory.cached,
            fault, tuple(attempts), time.monotonic() - began,
        )  # fmt: skip

    async def deliver_to_one_of(
        self, targets: Iterable[Target], messages: Sequence[Message]
    ) -> Delivered:
        """The same to the first of some targets that answers (RFC 5321 5.1).

        As in Exim, a host that is not there, turns everybody away for now or breaks off
        before it has said anything of a message is no word about the message.
        """
        delivered = None
        for target in targets:
            delivered = await self.deliver(target, messages)
            if delivered.answered or self._stopped:
                break
        if delivered is None:
            raise ValueError("no target")
        return delivered

    async def deliver_many(
        self, jobs: Iterable[tuple[Target, Sequence[Message]]], at_once: int = 100
    ) -> list[Delivered]:
        """Many deliveries, so many of them at once; results in the order of the jobs.

        When one raises, those under way are ended before that goes on.
        """
        waiting = enumerate(jobs)
        results: dict[int, Delivered] = {}

        async def work() -> None:
            for number, (target, messages) in waiting:
                results[number] = await self.deliver(target, messages)

        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(work())
        return [results[number] for number in sorted(results)]

    @property
    def busy(self) -> bool:
        """Whether there is a connection now."""
        return bool(self._under_way)

    def stop(self, why: str) -> None:
        """End what is under way, and begin nothing more: what is left is deferred.

        A message that has left whole without an answer is in doubt.
        """
        self._stopped = why
        for dialogue in tuple(self._under_way):
            dialogue.stop(why)

    def plan_for(self, target: Target) -> Plan:
        """How to send there."""
        return self._plan if isinstance(self._plan, Plan) else self._plan(target)

    async def attempt(self, plan: Plan, delivery: Delivery, target: Target) -> Attempt:
        """Drive one connection to its end. Raises SettingsError."""
        sender = delivery.sender
        recorder = self._transcript.recorder() if self._transcript else None
        whose = (target, plan.manner.context, plan.manner.sni)
        session = self._sessions.get(whose) if plan.manner.resume else None
        dialogue = Dialogue(sender, target, plan.manner, recorder, session)
        if self._stopped:
            dialogue.stop(self._stopped)
        self._under_way.add(dialogue)
        try:
            await dialogue.run()
        finally:
            self._under_way.discard(dialogue)
        layer, wire = dialogue.layer, dialogue.wire
        used = None
        if layer is not None and layer.established:
            used = TlsUsed(
                layer.version,
                layer.cipher,
                layer.bits,
                layer.resumed,
                plan.manner.verifies,
            )
            self._keep(whose, layer.session)
        return Attempt(
            str(sender.banner or ""), sender.offers.get(False), sender.offers.get(True),
            sender.ended, sender.used_early, sender.used_pipelining, sender.hello,
            wire.local, dialogue.round_trips, wire.waits, wire.syn_data, used,
            sender.mechanism if sender.authenticated else "", sender.used_chunking,
            wire.errno, sender.redial,
        )  # fmt: skip

    def _keep(self, whose: _Whose, session: ssl.SSLSession | None) -> None:
        if session is None:
            return
        self._sessions.pop(whose, None)
        self._sessions[whose] = session
        if len(self._sessions) > MOST_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
