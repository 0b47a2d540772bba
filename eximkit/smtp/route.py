"""How a client is to send: the settings of one route."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from eximkit.smtp.auth import CLEAR
from eximkit.smtp.early import Tls

if TYPE_CHECKING:
    from eximkit.smtp.auth import Account
    from eximkit.smtp.ehlo import Limits, Offer


@dataclass(frozen=True, slots=True)
class Route:
    """Settings of one route.

    name: to greet with; it may be malformed if as_is. mechanisms: of AUTH, the best
    first. clear_passwords: PLAIN and LOGIN may be used without TLS (never early,
    though). tls_for_auth: no AUTH at all without TLS. auth_required: nothing is sent
    without AUTH; else it is tried. extended: greet with EHLO, not only with HELO.
    clear_after_tempfail: a 4xx to STARTTLS does not defer where TLS is not required.
    most_recipients: of a transaction, 0 for as many as the server takes.
    """

    name: str
    tls: Tls = Tls.NONE
    tls_required: bool = False
    account: Account | None = None
    auth_required: bool = False
    mechanisms: tuple[str, ...] = ("PLAIN", "CRAM-MD5", "LOGIN")
    clear_passwords: bool = False
    tls_for_auth: bool = False
    pipelining: bool = True
    chunking: bool = True
    prdr: bool = False
    as_is: bool = False
    extended: bool = True
    clear_after_tempfail: bool = True
    most_recipients: int = 0

    def mechanism(self, offer: Offer, secure: bool, early: bool) -> str:
        """The mechanism to use now, "" for none. early: `offer` is a memory."""
        names = [name for name in self.mechanisms if name in offer.mechanisms]
        if not secure:
            silent = [name for name in names if name not in CLEAR]
            speaking = names if self.clear_passwords and not early else []
            names = [] if self.tls_for_auth else silent or speaking
        return names[0] if names else ""

    def limits(self, offered: Limits) -> Limits:
        """The limits of a transaction: the server's, and this side's own."""
        most = self.most_recipients
        if not most > 0 or 0 < offered.recipients <= most:
            return offered
        return replace(offered, recipients=most)

    def no_weaker(self, secure: bool, mechanism: str) -> Route:
        """The route for another try, behind one that may have used AUTH.

        secure: there was TLS. mechanism: of AUTH, without TLS, "" for none. What was
        shown well guarded is not shown again to whoever sits in between.
        """
        return replace(
            self,
            tls_for_auth=self.tls_for_auth or secure,
            clear_passwords=self.clear_passwords and mechanism in ("", *CLEAR),
        )
