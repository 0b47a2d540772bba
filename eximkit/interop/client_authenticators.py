"""The authenticators of a configuration, as a client uses them.

Exim specification, chapters 33 to 35: `plaintext` with `client_send`, `cram_md5`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eximkit.errors import SettingsError
from eximkit.expansion.lists import split_list
from eximkit.expansion.values import Failure
from eximkit.interop.option_values import OptionValues
from eximkit.interop.transport_table import AUTHENTICATORS
from eximkit.smtp.auth import CLEAR, MECHANISMS, Account
from eximkit.source import BLANK, decode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eximkit.config.model import Driver
    from eximkit.interop.option_values import OptionValues as Values

_FALSE = frozenset(("", "0", "no", "false"))


@dataclass(frozen=True, slots=True)
class Login:
    """Who a client says it is. in_clear: it is meant to be used without TLS, too."""

    mechanism: str
    account: Account
    in_clear: bool


def logins(drivers: Iterable[Driver], around: Values) -> list[Login]:
    """What the client side of the authenticators comes to, in their order.

    around: the transport's options: their environment counts, and what cannot be
    followed is noted there.
    """
    found: list[Login] = []
    for driver in drivers:
        if not any(option.name.startswith("client_") for option in driver.options):
            continue
        label = f"authenticator {driver.name}"
        mechanism = driver.options.text("public_name", driver.name).strip(BLANK).upper()
        known = AUTHENTICATORS.get(driver.driver)
        if known is None or mechanism not in MECHANISMS:
            around.note(label, f"{driver.driver} with {mechanism} is not spoken here")
            continue
        for option in driver.options:
            if option.name.startswith("client_") and option.name not in known:
                around.note(label, f"{option.name} is not followed")
        login = _login(driver, mechanism, around, label)
        if login is not None:
            found.append(login)
    return found


def of_one_account(found: list[Login], around: Values) -> list[Login]:
    """Those of the first account: a route has one."""
    kept = [login for login in found if login.account == found[0].account]
    for login in found:
        if login.account != found[0].account:
            around.note(
                f"authenticator for {login.mechanism}",
                "it is for another account than the first one, which is used",
            )
    return kept


def _login(driver: Driver, mechanism: str, around: Values, label: str) -> Login | None:
    """Who one authenticator says the client is; None where it does not apply."""
    secured, clear = (
        _account(driver, mechanism, around, label, secure=secure)
        for secure in (True, False)
    )
    account = secured or clear
    return None if account is None else Login(mechanism, account, clear == account)


def _account(
    driver: Driver, mechanism: str, around: Values, label: str, *, secure: bool
) -> Account | None:
    """The account with TLS or without; None where there is none."""
    cipher = "TLS" if secure else ""
    within = around.within(tls_out_cipher=cipher, tls_cipher=cipher)
    values = OptionValues(
        driver.options, "authenticator", driver.driver, within.environment
    )
    values.unhonoured = around.unhonoured
    try:
        condition = _value(values, label, "client_condition")
        if condition is None or condition.strip(BLANK).lower() in _FALSE:
            return None
        if driver.driver == "cram_md5":
            name = _value(values, label, "client_name")
            secret = _value(values, label, "client_secret")
            return Account(decode(name), decode(secret)) if name and secret else None
        texts = []
        for item in split_list(values.text("client_send"))[1]:
            text = _value(values, label, "client_send", item)
            if text is None:
                return None
            texts.append(decode(_with_nul(text)))
        return _plaintext(mechanism, texts)
    except SettingsError as error:
        around.note(label, str(error))
        return None


def _value(
    values: Values, label: str, name: str, text: str | None = None
) -> str | None:
    """An option, or a part of it, expanded; None after a forced failure.

    Raises SettingsError, with a message that shows nothing of a password.
    """
    if text is None:
        option = values.options.get(name)
        text = "1" if option is None else option.text
    result = values.expand(label, text)
    if not isinstance(result, Failure):
        return result.text
    if result.forced:
        return None
    missing = f"it takes {decode(result.missing)}" if result.missing else "it fails"
    raise SettingsError(f"{name} cannot be expanded: {missing}")


def _plaintext(mechanism: str, texts: list[str]) -> Account:
    """`client_send` as what the mechanism sends. Raises SettingsError."""
    if mechanism == "PLAIN" and len(texts) == 1 and texts[0].count("\0") == 2:
        identity, name, password = texts[0].split("\0")
        return Account(name, password, identity)
    if mechanism == "LOGIN" and len(texts) == 3 and not texts[0]:
        return Account(texts[1], texts[2])
    raise SettingsError(f"client_send is not what {mechanism} sends")


def _with_nul(text: str) -> str:
    """`^` stands for a NUL, and two of them for one `^`."""
    return "^".join(part.replace("^", "\0") for part in text.split("^^"))


def in_clear(found: list[Login]) -> bool:
    """Whether AUTH is meant to be used without TLS."""
    return any(login.in_clear for login in found)


def shows_passwords(found: list[Login]) -> bool:
    """Whether that would show a password to who listens."""
    return any(login.in_clear and login.mechanism in CLEAR for login in found)
