from __future__ import annotations

import pytest

from eximkit.catalog import NEWEST, RELEASES, Release, builtin_macros
from eximkit.catalog import release as named


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("_HAVE_TLS", "4.92"),
        ("_HAVE_PIPE_CONNECT", "4.93"),
        ("_HAVE_TLS_ALPN", "4.95"),
        ("_OPT_TRANSPORT_SMTP_HOSTS_PIPE_CONNECT", "4.92"),
        ("_OPT_MAIN_EXIM_VERSION", "4.93"),
        ("_OPT_ROUTERS_SET", "4.93"),
        ("_OPT_TRANSPORT_SMTP_HOST_NAME_EXTRACT", "4.96"),
        ("_DRIVER_AUTHENTICATOR_EXTERNAL", "4.93"),
        ("_LOG_PIPELINING", "4.92"),
        ("_LOG_CONNECTION_ID", "4.97"),
        ("_ACL_COND_SEEN", "4.96"),
        ("_ACL_MOD_UDPSEND", "4.92"),
        ("_EXP_OP_LC", "4.97"),
        ("_EXP_ITEM_IF", "4.97"),
        ("_EXP_COND_EQ", "4.97"),
        ("_EXP_VAR_SENDING_IP_ADDRESS", "4.97"),
    ],
)
def test_macros_come_with_what_they_tell_of(name: str, first: str) -> None:
    for known in RELEASES:
        assert (name in builtin_macros(known)) is (known >= named(first))


@pytest.mark.parametrize("known", RELEASES, ids=str)
def test_no_name_is_replaced_within_a_longer_one(known: Release) -> None:
    names = list(builtin_macros(known))
    for i, name in enumerate(names):
        assert not any(name in later for later in names[i + 1 :])
        assert name.startswith("_")


def test_values_are_y_but_for_a_few() -> None:
    others = {k for k, v in builtin_macros(NEWEST).items() if v != "y"}
    assert others == {"_DKIM_OVERSIGN_HEADERS", "_DKIM_SIGN_HEADERS", "_RESUME_DECODE"}


def test_what_the_build_leaves_out_has_no_macro() -> None:
    macros = builtin_macros(named("4.96"))
    assert "_OPT_MAIN_REDIS_SERVERS" not in macros
    assert "_DRIVER_AUTHENTICATOR_GSASL" not in macros
    assert "_DRVR_TRANSPORT_SMTP" not in macros
