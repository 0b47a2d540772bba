"""Every main option: followed by the server, of no account to it, or not.

Of no account is what is about queues, deliveries, files and lookups, which a server
that only takes messages has not. What is not followed is named where a configuration
sets it. A test holds these tables against the catalogue.
"""

from __future__ import annotations

_FOLLOWED = """
    accept_8bitmime auth_advertise_hosts chunking_advertise_hosts daemon_smtp_port
    daemon_smtp_ports dsn_advertise_hosts host_reject_connection limits_advertise_hosts
    local_interfaces log_selector message_size_limit pipelining_advertise_hosts
    pipelining_connect_advertise_hosts prdr_enable primary_hostname recipients_max
    retry_data_expire smtp_accept_max smtp_accept_max_nonmail
    smtp_accept_max_nonmail_hosts smtp_accept_max_per_connection
    smtp_accept_max_per_host smtp_active_hostname smtp_banner smtp_enforce_sync
    smtp_max_synprot_errors smtp_max_unknown_commands smtp_receive_timeout
    smtputf8_advertise_hosts tls_advertise_hosts tls_certificate tls_on_connect_ports
    tls_privatekey
"""
FOLLOWED = frozenset(_FOLLOWED.split())

_NO_ACCOUNT = """
    acl_not_smtp acl_not_smtp_mime acl_not_smtp_start add_environment admin_groups
    allow_insecure_tainted_data allow_mx_to_ip allow_utf8_domains auto_thaw
    av_scanner bi_command bmi_config_file bounce_message_file bounce_message_text
    bounce_return_body bounce_return_linesize_limit bounce_return_message
    bounce_return_size_limit bounce_sender_authentication
    callout_domain_negative_expire callout_domain_positive_expire
    callout_negative_expire callout_positive_expire callout_random_local_part
    check_rfc2047_length commandline_checks_require_admin daemon_modules_load
    daemon_startup_retries daemon_startup_sleep dccifd_address dccifd_options
    debug_store delay_warning delay_warning_condition deliver_drop_privilege
    deliver_queue_load_max delivery_date_remove disable_fsync disable_ipv6
    dkim_verify_hashes dkim_verify_keytypes dkim_verify_min_keysizes
    dkim_verify_minimal dmarc_forensic_sender dmarc_history_file dmarc_tld_file
    dns_again_means_nonexist dns_check_names_pattern dns_cname_loops
    dns_csa_search_limit dns_csa_use_reverse dns_dnssec_ok dns_ipv4_lookup
    dns_retrans dns_retry dns_trust_aa dns_use_edns0 drop_cr dsn_from
    envelope_to_remove errors_copy errors_reply_to exim_group exim_path exim_user
    exim_version extra_local_interfaces extract_addresses_remove_arguments
    finduser_retries freeze_tell gecos_name gecos_pattern gnutls_allow_auto_pkcs11
    headers_charset helo_lookup_domains hold_domains host_lookup_order
    hosts_treat_as_local ibase_servers ignore_bounce_errors_after
    ignore_fromline_hosts ignore_fromline_local keep_environment keep_malformed
    ldap_ca_cert_dir ldap_ca_cert_file ldap_cert_file ldap_cert_key
    ldap_cipher_suite ldap_default_servers ldap_require_cert ldap_start_tls
    ldap_version local_from_check local_from_prefix local_from_suffix
    local_sender_retain localhost_number log_file_path log_ports lookup_open_max
    max_username_length message_body_newlines message_body_visible
    message_id_header_domain message_id_header_text message_logs
    move_frozen_messages mua_wrapper mysql_servers never_users notifier_socket
    oracle_servers panic_coredump percent_hack_domains perl_at_start perl_startup
    perl_taintmode pgsql_servers pid_file_path preserve_message_logs
    print_topbitchars process_log_path prod_requires_admin proxy_protocol_timeout
    qualify_domain qualify_recipient queue_domains queue_fast_ramp
    queue_list_requires_admin queue_only queue_only_file queue_only_load
    queue_only_load_latch queue_only_override queue_run_in_order queue_run_max
    queue_smtp_domains receive_timeout received_header_text redis_servers
    remote_max_parallel remote_sort_domains retry_interval_max return_path_remove
    return_size_limit rfc1413_hosts rfc1413_query_timeout slow_lookup_log
    smtp_accept_keepalive smtp_accept_queue smtp_accept_queue_per_connection
    smtp_backlog_monitor smtp_connect_backlog smtp_etrn_command smtp_etrn_serialize
    spamd_address spf_smtp_comment_template split_spool_directory spool_directory
    spool_wireformat sqlite_dbfile sqlite_lock_timeout srs_config srs_hashlength
    srs_hashmin srs_maxage srs_secrets srs_usehash srs_usetimestamp strict_acl_vars
    strip_excess_angle_brackets strip_trailing_dot syslog_duplication
    syslog_facility syslog_pid syslog_processname syslog_timestamp system_filter
    system_filter_directory_transport system_filter_file_transport
    system_filter_group system_filter_pipe_transport system_filter_reply_transport
    system_filter_user tcp_nodelay timeout_frozen_after timezone
    tls_advertise_requiretls tls_remember_esmtp trusted_groups trusted_users
    unknown_login unknown_username untrusted_set_sender uucp_from_pattern
    uucp_from_sender warn_message_file write_rejectlog
"""
NO_ACCOUNT = frozenset(_NO_ACCOUNT.split())

ACLS = {
    "acl_smtp_auth": "AUTH", "acl_smtp_connect": "a connection",
    "acl_smtp_data": "a message", "acl_smtp_data_prdr": "a message",
    "acl_smtp_dkim": "a signature", "acl_smtp_etrn": "ETRN", "acl_smtp_expn": "EXPN",
    "acl_smtp_helo": "EHLO", "acl_smtp_mail": "MAIL", "acl_smtp_mailauth": "MAIL",
    "acl_smtp_mime": "a part of a message", "acl_smtp_notquit": "the end",
    "acl_smtp_predata": "DATA", "acl_smtp_quit": "QUIT", "acl_smtp_rcpt": "RCPT",
    "acl_smtp_starttls": "STARTTLS", "acl_smtp_vrfy": "VRFY", "acl_smtp_atrn": "ATRN",
    "acl_smtp_wellknown": "WELLKNOWN",
}  # fmt: skip
"""The ACLs, and what each decides on."""

_CLIENT_CERTIFICATE = "no certificate of a client is asked for"
_LIBRARY = "the TLS library decides"
_NAMES = "no names of clients are looked up"
_HEADERS = "header lines are not looked at"
_LOAD = "the load of the machine is not looked at"

NOT_FOLLOWED: dict[str, str] = {
    "allow_domain_literals": "recipients at address literals are taken",
    "check_log_inodes": "free space is not looked at",
    "check_log_space": "free space is not looked at",
    "check_spool_inodes": "free space is not looked at",
    "check_spool_space": "free space is not looked at",
    "header_line_maxsize": _HEADERS,
    "header_maxsize": _HEADERS,
    "helo_accept_junk_hosts": "what is no host name is refused in EHLO",
    "helo_allow_chars": "what is no host name is refused in EHLO",
    "helo_try_verify_hosts": _NAMES,
    "helo_verify_hosts": _NAMES,
    "host_lookup": _NAMES,
    "hosts_connection_nolog": "a log has all connections or none",
    "hosts_proxy": "the PROXY protocol is not understood",
    "hosts_require_alpn": "no protocol is negotiated under TLS",
    "hosts_require_helo": "EHLO or HELO has to come first",
    "hosts_xclient": "XCLIENT is not understood",
    "received_headers_max": _HEADERS,
    "recipient_unqualified_hosts": "addresses need a domain",
    "recipients_max_reject": "only the recipients beyond the limit are refused",
    "sender_unqualified_hosts": "addresses need a domain",
    "smtp_accept_reserve": "no connections are kept for some hosts",
    "smtp_check_spool_space": "free space is not looked at",
    "smtp_load_reserve": _LOAD,
    "smtp_ratelimit_hosts": "nobody is slowed down",
    "smtp_ratelimit_mail": "nobody is slowed down",
    "smtp_ratelimit_rcpt": "nobody is slowed down",
    "smtp_reserve_hosts": "no connections are kept for some hosts",
    "smtp_return_error_details": "replies are of this server's own wording",
    "tls_alpn": "no protocol is negotiated under TLS",
    "tls_crl": _CLIENT_CERTIFICATE,
    "tls_dh_max_bits": _LIBRARY,
    "tls_dhparam": _LIBRARY,
    "tls_early_banner_hosts": "the banner follows the handshake",
    "tls_eccurve": _LIBRARY,
    "tls_ocsp_file": "no OCSP response is stapled",
    "tls_require_ciphers": _LIBRARY,
    "tls_resumption_hosts": "every client may take its session up again",
    "tls_try_verify_hosts": _CLIENT_CERTIFICATE,
    "tls_verify_certificates": _CLIENT_CERTIFICATE,
    "tls_verify_hosts": _CLIENT_CERTIFICATE,
    "wellknown_advertise_hosts": "WELLKNOWN is not offered",
    "log_timezone": "stamps in the log have no zone",
    "openssl_options": _LIBRARY,
    "gnutls_compat_mode": _LIBRARY,
    "spf_guess": "SPF is not checked",
    "dkim_verify_signers": "signatures are not verified",
    "event_action": "no events are raised here",
    "local_scan_timeout": "no local_scan() is run",
    "local_scan_path": "no local_scan() is run",
    "tcp_wrappers_daemon_name": "TCP wrappers are not asked",
}  # fmt: skip

WEAKENING = frozenset((
    "helo_verify_hosts", "hosts_require_alpn", "tls_crl", "tls_require_ciphers",
    "tls_verify_hosts", "openssl_options", "tcp_wrappers_daemon_name",
))  # fmt: skip
"""Of those the ones without which the server lets in what it was meant to keep out."""
