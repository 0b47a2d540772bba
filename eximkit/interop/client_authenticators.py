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
    secured = _applies(driver, around, label, secure=True)
    clear = _applies(driver, around, label, secure=False)
    if not secured and not clear:
        return None
    try:
        account = _account(driver, mechanism, around, label)
    except SettingsError as error:
        around.note(label, str(error))
        return None
    return None if account is None else Login(mechanism, account, clear)


def _applies(driver: Driver, around: Values, label: str, *, secure: bool) -> bool:
    """Whether `client_condition` holds, with TLS or without."""
    option = driver.options.get("client_condition")
    if option is None:
        return True
    values = around.within(
        tls_out_cipher="TLS" if secure else "", tls_cipher="TLS" if secure else ""
    )
    result = values.expand(label, option.text)
    if isinstance(result, Failure):
        if not result.forced:
            around.note(label, f"client_condition: {decode(result.message)}")
        return False
    return result.text.strip(BLANK).lower() not in _FALSE


def _account(
    driver: Driver, mechanism: str, around: Values, label: str
) -> Account | None:
    """Who the authenticator says the client is; None where it does not apply."""
    values = OptionValues(
        driver.options, "authenticator", driver.driver, around.environment
    )
    values.unhonoured = around.unhonoured
    if driver.driver == "cram_md5":
        name, secret = values.expanded("client_name"), values.expanded("client_secret")
        if not name or not secret:
            return None
        return Account(decode(name), decode(secret))
    parts = [
        values.expand(label, each) for each in split_list(values.text("client_send"))[1]
    ]
    texts = [part.text for part in parts if not isinstance(part, Failure)]
    failed = next((part for part in parts if isinstance(part, Failure)), None)
    if failed is not None:
        if failed.forced:
            return None
        raise SettingsError(f"client_send: {decode(failed.message)}")
    return _plaintext(mechanism, [decode(_with_nul(text)) for text in texts])


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
