"""The authenticators of a configuration, as a server uses them.

Exim specification, chapters 33 to 35: `plaintext` with `server_condition` for PLAIN and
LOGIN, `cram_md5` with `server_secret`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eximkit.expansion.values import Failure
from eximkit.smtp.auth import CLEAR, MECHANISMS
from eximkit.source import BLANK, decode, octets

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from eximkit.config.model import Driver
    from eximkit.interop.option_values import OptionValues
    from eximkit.smtp.auth import Proof

_TRUE = frozenset(("1", "yes", "true"))
_FALSE = frozenset(("", "0", "no", "false"))
_KNOWN = {
    "plaintext": frozenset(("server_prompts", "server_condition")),
    "cram_md5": frozenset(("server_secret", "server_condition")),
}
_GENERIC = frozenset(("server_advertise_condition", "server_set_id"))
_HARMLESS = frozenset(("server_debug_print",))


@dataclass(frozen=True, slots=True)
class Authenticator:
    """The server side of one of them. name: as logs have it. mechanism: upper case."""

    name: str
    mechanism: str
    driver: Driver


def authenticators(
    drivers: Iterable[Driver], around: OptionValues
) -> tuple[Authenticator, ...]:
    """Those that a server can use here; the others are noted in `around`."""
    found = []
    for driver in drivers:
        server = {o.name for o in driver.options if o.name.startswith("server_")}
        if not server:
            continue
        label = f"authenticator {driver.name}"
        mechanism = driver.options.text("public_name", driver.name).strip(BLANK).upper()
        known = _KNOWN.get(driver.driver)
        if known is None or mechanism not in _spoken(driver.driver):
            around.note(label, f"{driver.driver} with {mechanism} is not spoken here")
            continue
        judged = {"server_condition", "server_secret"} & server
        if not judged:
            # Exim does not offer it either.
            continue
        for name in sorted(server - known - _GENERIC - _HARMLESS):
            around.note(label, f"{name} is not followed")
        found.append(Authenticator(driver.name, mechanism, driver))
    return tuple(found)


def _spoken(driver: str) -> frozenset[str]:
    return CLEAR if driver == "plaintext" else frozenset(MECHANISMS) - CLEAR


def advertised(one: Authenticator, values: OptionValues, *, secure: bool) -> bool:
    """Whether it is offered, with TLS or without.

    values: options whose environment is that of the client.
    """
    option = one.driver.options.get("server_advertise_condition")
    if option is None:
        return True
    cipher = "TLS" if secure else ""
    inner = values.within(tls_in_cipher=cipher, tls_cipher=cipher)
    result = inner.expand(f"authenticator {one.name}", option.text)
    return (
        not isinstance(result, Failure)
        and result.text.strip(BLANK).lower() not in _FALSE
    )


def account(one: Authenticator, proof: Proof, values: OptionValues) -> str | None:
    """Who has shown that, by `server_set_id`; None where it is refused."""
    label = f"authenticator {one.name}"
    variables = _shown(proof)
    inner = values.within(**variables)
    if one.driver.driver == "cram_md5":
        secret = inner.expand(label, one.driver.options.text("server_secret"))
        if isinstance(secret, Failure) or not proof.shows(decode(secret.text)):
            return None
    condition = one.driver.options.get("server_condition")
    if condition is not None:
        result = inner.expand(label, condition.text)
        if isinstance(result, Failure) or result.text.lower() not in _TRUE:
            return None
    who = inner.expand(label, one.driver.options.text("server_set_id"))
    return "" if isinstance(who, Failure) else decode(who.text)


def _shown(proof: Proof) -> Mapping[str, str]:
    """$auth1, $auth2, … and $1, $2, … as octets."""
    texts = [each.decode("latin-1") for each in proof.responses()]
    texts = texts or [octets(proof.name)]
    named = {f"auth{n}": text for n, text in enumerate(texts, 1)}
    return {**named, **{str(n): text for n, text in enumerate(texts, 1)}}
