"""EXP111: ways in which an early greeting can see an earlier connection's address.

Exim never resets `$sending_ip_address` within a process (observed with 4.96): the next
host of the same message, the next callout of the same session and, with serial
deliveries and `+incoming_interface`, the next transport inherit it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from eximkit.lint.rules.early_pipelining.selectors import selected
from eximkit.source import BLANK

if TYPE_CHECKING:
    from eximkit.config.model import Config
    from eximkit.lint.rules.early_pipelining.transport import SmtpTransport

CALLOUT = re.compile(r"/\s*callout(?![A-Za-z0-9_])", re.ASCII)


def way(transport: SmtpTransport) -> str:
    """Why the address can be stale here, "" where no way is open."""
    config = transport.around.config
    if transport.hosts.routed and transport.hosts.several:
        return "one message can meet several hosts"
    if callouts(config) > 1:
        return "one SMTP session can make several callouts"
    if _serial(config) and _deliveries(config) > 1:
        return (
            "deliveries are serial (remote_max_parallel = 1) and hand their address on"
            " (log_selector +incoming_interface)"
        )
    return ""


def callouts(config: Config) -> int:
    """How many ACL conditions verify with a callout."""
    return sum(
        condition.name == "verify" and CALLOUT.search(condition.text) is not None
        for acl in config.acls.values()
        for statement in acl.statements
        for condition in statement.conditions
    )


def _serial(config: Config) -> bool:
    parallel = config.options.text("remote_max_parallel").strip(BLANK)
    return parallel in ("0", "1") and selected(config, "incoming_interface")


def _deliveries(config: Config) -> int:
    """How many routers lead to an smtp transport."""
    smtp = {t.name for t in config.transports if t.driver == "smtp"}
    return sum(
        router.options.text("transport").strip(BLANK) in smtp
        for router in config.routers
    )
