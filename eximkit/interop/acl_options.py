"""The ACLs of a configuration, as far as a server can run them.

Exim specification, chapter 44. An ACL is run if all that it asks can be answered here:
about the client, the sender and the recipient, and what the user allowed to be looked
up. One that asks for more is not run at all, for half of one decides something else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from eximkit.expansion import acl_run
from eximkit.expansion.acl_conditions import CONTROLS
from eximkit.expansion.evaluate import Evaluator
from eximkit.expansion.limits import Exhausted
from eximkit.expansion.values import ExpansionFailed, Failure, Known, NotPure, Value
from eximkit.expansion.world import NotAllowed
from eximkit.smtp.commands import Ehlo, Helo, Mail, Rcpt
from eximkit.smtp.replies import Reply, reply
from eximkit.source import BLANK, decode, octets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eximkit.expansion.environment import AclLine, AclStatement, Environment
    from eximkit.interop.option_values import OptionValues
    from eximkit.smtp.commands import Command
    from eximkit.smtp.session import Session

STAGES = {
    "connect": "acl_smtp_connect",
    "helo": "acl_smtp_helo",
    "mail": "acl_smtp_mail",
    "rcpt": "acl_smtp_rcpt",
}
"""Where ACLs are run, and the options that name them."""

CONDITIONS = frozenset((
    "acl", "authenticated", "condition", "encrypted", "hosts", "sender_domains",
    "senders",
))  # fmt: skip
OF_RECIPIENTS = frozenset(("domains", "local_parts", "recipients"))
MODIFIERS = frozenset((
    "add_header", "continue", "endpass", "log_message", "log_reject_target", "logwrite",
    "message", "remove_header", "set",
))  # fmt: skip
_HARMLESS = CONTROLS | {
    "allow_auth_unadvertised", "dmarc_disable_verify", "dmarc_enable_forensic",
    "freeze", "no_mbox_unspool", "queue", "queue_only", "submission",
    "suppress_local_fixups", "utf8_downconvert",
}  # fmt: skip
"""Values of `control` without which a message is still taken or refused as before."""
_CHANGING = frozenset(("enforce_sync", "no_enforce_sync", "no_pipelining"))
_VERBS = frozenset(("accept", "defer", "deny", "drop"))
_DEEPEST = 20
_CODE = re.compile(r"([245][0-9]{2})[ ]+(?=\S)")

PROHIBITED = "Administrative prohibition"
LATER = "Temporary local problem - please try later"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an ACL that does not accept comes to. close: the connection ends with it.

    log: what the log says of it, "" for nothing but that it was refused.
    """

    reply: Reply
    close: bool = False
    log: str = ""


Memory = dict[str, Value]
"""$acl_c_… and $acl_m_… of one connection, from one ACL to the next."""


@dataclass(slots=True)
class Acls:
    """The ACLs that are run. names: by stage; a verb alone is itself."""

    environment: Environment
    values: OptionValues
    names: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, values: OptionValues) -> Acls:
        """Those of a main part. What is not run is noted in `values`."""
        found = cls(values.environment, values)
        for stage, option in STAGES.items():
            found._take(stage, option)
        return found

    def judge(self, client: Environment, memory: Memory, stage: str) -> Verdict | None:
        """What speaks against a command, None if nothing does.

        client: what is known of the client and the message. memory: grows.
        """
        name = self.names.get(stage)
        if name is None:
            return None
        code, message = self._run(name, client, memory)
        if code == "OK":
            return None
        if code == "DEFER":
            given = _reply(451, message, LATER)
        elif code in ("FAIL", "FAIL_DROP"):
            given = _reply(550, message, PROHIBITED)
        else:
            given = reply(451, LATER)
        return Verdict(given, code == "FAIL_DROP", decode(message))

    def _run(self, name: str, client: Environment, memory: Memory) -> tuple[str, str]:
        if name in _VERBS:
            return acl_run.ENDS[name], ""
        evaluator = Evaluator(client)
        evaluator.lasting = memory
        try:
            code, message = acl_run.call(evaluator, Known(name), [])
        except (NotAllowed, NotPure, Exhausted, ExpansionFailed) as why:
            self.values.note(f"ACL {name}", decode(str(why)), weakens=True)
            return "ERROR", ""
        return code or "ERROR", str(message)

    # -- which can be run -------------------------------------------------------------

    def _take(self, stage: str, option: str) -> None:
        """Note the ACL of a stage, to be run or not to be."""
        written = self.values.options.get(option)
        if written is None:
            if stage == "rcpt":
                self.values.note(
                    option,
                    "it is not set, so that Exim refuses every recipient; here they"
                    " are taken",
                )
            return
        result = self.values.result(option)
        if isinstance(result, Failure):
            if not result.forced:
                self._refuse(option, decode(result.message))
            return
        name = result.text.strip(BLANK)
        if not name:
            return
        reasons = sorted(set(self._beyond(name, stage, 0)))
        if reasons:
            self._refuse(option, "the ACL is not run: it takes " + ", ".join(reasons))
        else:
            self.names[stage] = name

    def _refuse(self, option: str, reason: str) -> None:
        self.values.note(option, reason, weakens=True)

    def _beyond(self, name: str, stage: str, depth: int) -> Iterator[str]:
        """What an ACL asks that cannot be answered at a stage."""
        if name in _VERBS:
            return
        statements = self.environment.acls(name)
        if statements is None:
            yield f"the ACL {decode(name)}, which is not in the configuration"
        elif depth > _DEEPEST:
            yield "ACLs that call one another without end"
        else:
            for statement in statements:
                yield from self._of_statement(statement, stage, depth)

    def _of_statement(
        self, statement: AclStatement, stage: str, depth: int
    ) -> Iterator[str]:
        if statement.verb == "discard":
            yield "discard"
        for line in statement.lines:
            if line.syntax:
                yield line.syntax
            elif line.name == "acl":
                words = line.value.source.split() if line.value is not None else []
                if words and "$" not in words[0]:
                    yield from self._beyond(words[0], stage, depth + 1)
                elif words:
                    yield f"acl = {words[0]}"
            elif line.name == "control":
                yield from _of_control(line)
            elif line.name in OF_RECIPIENTS and stage != "rcpt":
                yield f"{line.name} before there is a recipient"
            elif line.name not in CONDITIONS | OF_RECIPIENTS | MODIFIERS:
                yield line.name


class Judge:
    """The ACLs for one client, from its connection to its end."""

    def __init__(
        self, acls: Acls, client: Environment, addresses: frozenset[str]
    ) -> None:
        """addresses: those of this host, as far as they matter for this client."""
        self._acls = acls
        self._client = replace(client, receiving=True, addresses=addresses)
        self._memory: Memory = {}

    def connection(self) -> Verdict | None:
        """What speaks against the connection, None if nothing does."""
        return self._acls.judge(self._client, self._memory, "connect")

    def command(
        self, command: Command, session: Session, account: tuple[str, str]
    ) -> Verdict | None:
        """What speaks against a command that is in order, None if nothing does.

        account: authenticator and id, both "" without AUTH.
        """
        stage = _STAGES.get(type(command))
        if stage is None or stage not in self._acls.names:
            return None
        if stage == "mail":
            # Of another message: its variables are gone with it.
            for name in [n for n in self._memory if n.startswith("acl_m")]:
                del self._memory[name]
        known = _variables(command, session, account)
        variables = {**self._client.variables, **known}
        client = replace(self._client, variables=variables)
        return self._acls.judge(client, self._memory, stage)


_STAGES: dict[type, str] = {Ehlo: "helo", Helo: "helo", Mail: "mail", Rcpt: "rcpt"}


def _variables(
    command: Command, session: Session, account: tuple[str, str]
) -> dict[str, Value]:
    """What an ACL may ask about a client and its message. Text is octets."""
    hello = command if isinstance(command, Ehlo | Helo) else session.hello
    mail = command if isinstance(command, Mail) else session.mail
    cipher = "TLS" if session.secure else ""
    found = {
        "sender_helo_name": hello.name if hello is not None else "",
        "sender_address": mail.sender if mail is not None else "",
        "sender_host_authenticated": account[0],
        "authenticated_id": account[1],
        "tls_in_cipher": cipher,
        "tls_cipher": cipher,
        "recipients_count": str(len(session.recipients)),
        "rcpt_count": str(session.tried + isinstance(command, Rcpt)),
    }
    if isinstance(command, Rcpt):
        local_part, _, domain = command.recipient.rpartition("@")
        # In lower case, and without quotes (checked with 4.96).
        plain = (local_part or domain).lower()
        if plain.startswith('"'):
            plain = re.sub(r"\\(.)", r"\1", plain[1:-1])
        found |= {"local_part": plain, "domain": domain.lower() if local_part else ""}
    return {name: Known(octets(text)) for name, text in found.items()}


def _of_control(line: AclLine) -> Iterator[str]:
    text = line.value.source if line.value is not None else ""
    word = text.partition("/")[0].strip(BLANK)
    if word not in _HARMLESS - _CHANGING:
        yield f"control = {word}"


def _reply(code: int, message: str, otherwise: str) -> Reply:
    """The reply with the message of an ACL, which may begin with a code of its own.

    One that would turn a no into something else is left out.
    """
    text = decode(message).replace("\r", "")
    found = _CODE.match(text)
    if found is not None:
        text = text[found.end() :]
        if found[1][0] == str(code)[0]:
            code = int(found[1])
    lines = [line[:500] for line in text.split("\n")[:50]]
    while lines and not lines[-1].strip():
        lines.pop()
    return reply(code, *(lines or [otherwise]))
