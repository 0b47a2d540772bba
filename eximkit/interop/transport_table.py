"""Every option of the smtp transport: followed by the client, of no account, or not.

Of no account is what decides where a message goes, which `--to` does, and what is about
queues, retries and logs, which a single delivery has not. What is not followed is named
where a configuration sets it. A test holds these tables against the catalogue.
"""

from __future__ import annotations

_FOLLOWED = """
    command_timeout connect_timeout data_timeout final_timeout helo_data
    hosts_avoid_esmtp hosts_avoid_pipelining hosts_avoid_tls hosts_pipe_connect
    hosts_require_auth hosts_require_tls hosts_try_auth hosts_try_chunking
    hosts_try_fastopen hosts_try_prdr interface max_rcpt port protocol tls_alpn
    tls_certificate tls_privatekey tls_require_ciphers tls_resumption_hosts tls_sni
    tls_tempfail_tryclear tls_try_verify_hosts tls_verify_cert_hostnames
    tls_verify_certificates tls_verify_hosts driver
"""
FOLLOWED = frozenset(_FOLLOWED.split())

_NO_ACCOUNT = """
    address_retry_include_sender allow_localhost debug_print delay_after_cutoff
    disable_logging dns_qualify_single dns_search_parents dnssec_request_domains
    dnssec_require_domains fallback_hosts gethostbyname hosts hosts_max_try
    hosts_max_try_hardlimit hosts_nopass_tls hosts_noproxy_tls hosts_override
    hosts_randomize hosts_try_dane hosts_verify_avoid_tls keepalive
    lmtp_ignore_quota max_parallel multi_domain rcpt_include_affixes
    retry_include_ip_address retry_use_local_part serialize_hosts group
    home_directory initgroups current_directory user transport_filter_timeout
"""
NO_ACCOUNT = frozenset(_NO_ACCOUNT.split())

_CONTENT = "the message is sent as it is given"
_SIGNING = "nothing is signed here"
_EVENT = "no events are raised here"

NOT_FOLLOWED: dict[str, str] = {
    "arc_sign": _SIGNING,
    "authenticated_sender": "MAIL has no AUTH parameter here",
    "authenticated_sender_force": "MAIL has no AUTH parameter here",
    "body_only": _CONTENT,
    "connection_max_messages": "all messages of a run go over one connection",
    "dane_require_tls_ciphers": "there is no DANE here",
    "delivery_date_add": _CONTENT,
    **dict.fromkeys(
        ("dkim_canon", "dkim_domain", "dkim_hash", "dkim_identity", "dkim_private_key",
         "dkim_selector", "dkim_sign_headers", "dkim_strict", "dkim_timestamps"),
        _SIGNING,
    ),
    "dscp": "packets are not marked",
    "envelope_to_add": _CONTENT,
    "event_action": _EVENT,
    "headers_add": _CONTENT,
    "headers_only": _CONTENT,
    "headers_remove": _CONTENT,
    "headers_rewrite": _CONTENT,
    "host_name_extract": "there are no other names of a host to look for",
    "hosts_request_ocsp": "OCSP is not asked for",
    "hosts_require_alpn": "what the server chose is not looked at",
    "hosts_require_dane": "there is no DANE here",
    "hosts_require_ocsp": "OCSP is not asked for",
    "message_linelength_limit": "lines are sent however long they are",
    "message_size_limit": "the server's SIZE is the only limit",
    "return_path": "the sender is that of --mail-from",
    "return_path_add": _CONTENT,
    "shadow_condition": "there is one delivery only",
    "shadow_transport": "there is one delivery only",
    "size_addition": "SIZE says what the message has",
    "socks_proxy": "the connection is made without a proxy",
    "tls_crl": "no list of revoked certificates is read",
    "tls_dh_min_bits": "the TLS library decides",
    "transport_filter": _CONTENT,
    "utf8_downconvert": "addresses are sent as they are",
}  # fmt: skip

WEAKENING = frozenset((
    "hosts_require_alpn", "hosts_require_dane", "hosts_require_ocsp", "socks_proxy",
    "tls_crl", "tls_dh_min_bits", "dane_require_tls_ciphers",
))  # fmt: skip
"""Of those the ones without which a delivery is less safe than it was meant to be."""

_GENERIC = frozenset(("client_condition", "public_name", "driver"))
AUTHENTICATORS: dict[str, frozenset[str]] = {
    "plaintext": _GENERIC | {"client_send", "client_ignore_invalid_base64"},
    "cram_md5": _GENERIC | {"client_name", "client_secret"},
}
"""The authenticators that a client can use here, and the options it follows."""
