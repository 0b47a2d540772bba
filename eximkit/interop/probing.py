"""What a server offers, and whether it honours early input: found out without mail.

A first connection asks as every client does. Where early pipelining is offered, a
second one says the same without waiting: EHLO, under TLS once more, and QUIT. How often
each had to wait is the difference that a message would feel.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from eximkit.interop.courier import Courier
from eximkit.smtp import Delivery

if TYPE_CHECKING:
    from eximkit.interop.courier import Attempt, Plan
    from eximkit.interop.dialling import Target
    from eximkit.interop.transcript import Transcript
    from eximkit.smtp.early import Record


class Verdict(Enum):
    """What a server makes of early input."""

    HONOURED = "early input is honoured"
    BROKEN = "early pipelining is offered, and early input goes wrong"
    NOT_OFFERED = "early pipelining is not offered"
    UNREACHED = "no answer to a hello"


@dataclass(frozen=True, slots=True)
class Contact:
    """One connection of the two, and the seconds that it took."""

    attempt: Attempt
    seconds: float

    @property
    def greeted(self) -> bool:
        """Whether the server has answered a hello."""
        return self.attempt.clear is not None or self.attempt.crypted is not None


@dataclass(frozen=True, slots=True)
class Probed:
    """What was found out. early: None where nothing was to be tried.

    why: what went wrong, mostly in the server's words; "" if nothing did.
    """

    target: Target
    verdict: Verdict
    first: Contact
    early: Contact | None
    why: str = ""

    @property
    def keyword(self) -> str:
        """The keyword of early pipelining that was offered, "" for none."""
        attempt = self.first.attempt
        offers = (attempt.clear, attempt.crypted)
        return next((offer.early for offer in offers if offer and offer.early), "")

    @property
    def saved(self) -> int | None:
        """Round trips that early input saves; None unless it is honoured."""
        if self.verdict is not Verdict.HONOURED or self.early is None:
            return None
        return self.first.attempt.waits - self.early.attempt.waits


async def probe(
    plan: Plan, target: Target, transcript: Transcript | None = None
) -> Probed:
    """Ask a server; nothing of it is remembered. Raises SettingsError."""
    first, record = await _contact(plan, target, transcript, None)
    if not first.greeted:
        banner = first.attempt.banner
        # A refusal says more than the answer to the QUIT behind it.
        why = banner if banner and banner[0] != "2" else first.attempt.ended
        return Probed(target, Verdict.UNREACHED, first, None, why)
    if record is None:
        return Probed(target, Verdict.NOT_OFFERED, first, None)
    early, _ = await _contact(plan, target, transcript, record)
    attempt = early.attempt
    if attempt.redial or not early.greeted:
        why = attempt.redial or attempt.ended
        return Probed(target, Verdict.BROKEN, first, early, why)
    return Probed(target, Verdict.HONOURED, first, early)


async def _contact(
    plan: Plan, target: Target, transcript: Transcript | None, record: Record | None
) -> tuple[Contact, Record | None]:
    """One connection, and what is to be remembered after it."""
    # A courier of its own, so that no TLS session makes the second look better.
    courier = Courier(plan, transcript=transcript)
    delivery = Delivery(plan.route, plan.wish, (), record, int(time.time()))
    began = time.monotonic()
    attempt = await courier.attempt(plan, delivery, target)
    return Contact(attempt, time.monotonic() - began), delivery.memory.record
