"""What each event name means to a person, and what to do about it; the source of the reference.

python -m stockade.watch.meanings > docs/reference/events.md
"""

from __future__ import annotations

import sys

from stockade.core.events import CATALOGUE, Event, Outcome

__all__ = ["MEANINGS", "advice", "markdown", "meaning"]

MEANINGS: dict[str, str] = {
    "access_log_replaced": "The server's own access log is off; this log has its lines.",
    "answer_refused": "An answer of the application was refused before it left.",
    "app_failed_silently": "Something of the application failed where nobody would have noticed.",
    "app_log": "The application logged a line.",
    "audit_checkpoint": "What the audit log holds by now was signed; keep it to detect edits.",
    "audit_key_changed": "Another key signs the audit log from here on.",
    "audit_opened": "The audit log begins, and names the key that signs it.",
    "audit_pruned": "Entries of the audit log were removed for their age; their hashes stay.",
    "authn_impossible_travel": "One account signed in from places too far apart.",
    "authn_login_fail": "A sign-in failed.",
    "authn_login_fail_max": "One client reached the limit of failed sign-ins for one account.",
    "authn_login_lock": "An account was locked.",
    "authn_login_success": "Somebody signed in.",
    "authn_login_successafterfail": "Somebody signed in after failed attempts.",
    "authn_password_change": "A password was changed.",
    "authn_password_change_fail": "A password could not be changed.",
    "authn_token_created": "A token or API key was made.",
    "authn_token_delete": "A token or API key was deleted.",
    "authn_token_reuse": "A revoked token was used again.",
    "authn_token_revoked": "A token or API key was revoked.",
    "authz_admin": "An administrator acted.",
    "authz_change": "What somebody may do was changed.",
    "authz_fail": "Somebody tried what they may not do.",
    "client_throttled": "A client must wait before it tries to sign in to this account again.",
    "confine_missing": "A layer of confinement that was asked for is not in force.",
    "confine_report": "Which layers of confinement are in force.",
    "crypt_decrypt_fail": "A sealed record could not be opened.",
    "crypt_encrypt_fail": "A record could not be sealed.",
    "crypt_verify_fail": "A signature, a MAC or a stored password hash does not hold.",
    "csp_violation": "A browser reports that a page tried what its policy does not allow.",
    "defence_failed": "A defence could not do its work.",
    "defence_recovered": "A defence that had failed works again.",
    "detection_raised": "Several events together look like an attack.",
    "events_dropped": "Events came faster than they could be written, and some were dropped.",
    "excess_rate_limit_exceeded": "A client sent more requests than it may.",
    "events_sampled": "Events of a kind came so fast that the rest were counted, not written.",
    "http_request": "A request was answered.",
    "input_limit_exceeded": "A request brought more input than the firewall indexes.",
    "input_validation_discrete_fail": "A value is not one of those offered.",
    "input_validation_fail": "Input does not match its declared contract.",
    "job_failed": "A job of the application ended with an error, or its process died.",
    "job_missed": "A job of the application did not run when it was due.",
    "job_recovered": "A job that had failed or was missed has run again.",
    "key_created": "An encryption or signing key was made.",
    "key_deactivated": "A key no longer seals or signs; it still opens and verifies.",
    "key_destroyed": "A key was destroyed; what only it could open is gone.",
    "key_rotated": "A new key took over.",
    "log_write_failed": "A log cannot be written.",
    "loop_stalled": "The event loop stood still: every request waited.",
    "malicious_attack_tool": "A known attack tool is at work.",
    "malicious_code": "A value would have become program code.",
    "malicious_command": "A value would have changed a shell command or program call.",
    "malicious_cors": "Another site's page tried what it may not.",
    "malicious_deserialisation": "A value would have been unpickled or built into objects.",
    "malicious_direct_reference": "Somebody asked for an object that is not theirs.",
    "malicious_excess_404": "A client asks for many things that do not exist.",
    "malicious_extraneous": "A request brought fields that nobody asked for.",
    "malicious_header": "A value would have added a header line.",
    "malicious_ldap": "A value would have changed an LDAP filter.",
    "malicious_log": "A value would have forged a log line.",
    "malicious_mail": "A value would have added a mail header or recipient.",
    "malicious_markup": "A value would have become markup or script.",
    "malicious_nosqli": "A value would have changed a document query.",
    "malicious_path": "A value would have led out of its folder.",
    "malicious_regex": "A value would have changed a regular expression.",
    "malicious_sqli": "A value would have changed an SQL statement.",
    "malicious_ssrf": "A value would have sent a request elsewhere.",
    "malicious_template": "A value would have become template code.",
    "malicious_xml": "A value would have changed an XML document, or its entities.",
    "malicious_xpath": "A value would have changed an XPath expression.",
    "policy_failed": "The policies cannot be read or evaluated; access is denied.",
    "policy_loaded": "Policies were loaded.",
    "privilege_permissions_changed": "The permissions of an object were changed.",
    "request_refused": "A request was refused before the application saw it.",
    "response_released": "A response of the responder ended.",
    "response_throttle": "The responder slowed a client down.",
    "secret_failed": "A secret cannot be resolved.",
    "secret_read": "A secret was read.",
    "secret_rotated": "A secret was replaced.",
    "sensitive_create": "Sensitive data was made.",
    "sensitive_delete": "Sensitive data was deleted.",
    "sensitive_read": "Sensitive data was read.",
    "sensitive_update": "Sensitive data was changed.",
    "sequence_fail": "Steps of a business process came out of order.",
    "session_created": "A session began.",
    "session_expired": "A session ended.",
    "session_renewed": "A session was extended.",
    "session_use_after_expire": "A session was used after its end.",
    "sink_checked": "A guarded sink was called.",
    "sink_unattributed": "A guarded sink was called outside any request.",
    "sink_shape_new": "A call site sent a query of a shape that it never had before.",
    "sink_unguarded": "A sink cannot be guarded here.",
    "store_failed": "The store that defences share cannot answer.",
    "sys_crash": "The service crashed.",
    "sys_monitor_disabled": "A defence or monitor was turned off.",
    "sys_monitor_enabled": "A defence or monitor was turned on.",
    "sys_restart": "The service restarted.",
    "sys_shutdown": "The service stopped.",
    "sys_startup": "The service started.",
    "upload_complete": "An upload arrived.",
    "upload_delete": "An uploaded file was deleted.",
    "upload_stored": "An uploaded file was stored.",
    "upload_validation": "An uploaded file was checked.",
    "upstream_failed": "Another service cannot be called, or did not answer as declared.",
    "user_archived": "An account was archived.",
    "user_created": "An account was made.",
    "user_deleted": "An account was deleted.",
    "user_updated": "An account was changed.",
    "waiver_used": "A way around a defence was used, as somebody allowed with a reason.",
}

_INJECTION = (
    "keep the value out of the code: bind it, quote it or look it up; if it belongs there, say so "
    "with a reason through stockade.unsafe"
)
_ADVICE = {
    "answer_refused": "if a redirect is honest, list its origin in browser.redirects; else mend it",
    "app_failed_silently": "mend the code that the event names; nobody else will tell of it",
    "authn_": "if this was you, wait and try again; otherwise look who the client is",
    "authz_fail": "if this should be allowed, change the policy; otherwise look who asks",
    "client_throttled": "if this was you, wait and try again; otherwise look who the client is",
    "confine_missing": "run on a kernel that has this layer, or change the confine settings",
    "crypt_": "check that the keyring holds the key, and that record and context belong together",
    "detection_raised": "look at this client's other events by its address",
    "events_dropped": "find out what is slow: disk, log reader, or a flood of requests",
    "excess_rate_limit_exceeded": "if the client is honest, raise request.rate or request.burst",
    "input_limit_exceeded": "if such requests are honest, raise firewall.max_inputs",
    "input_validation_": "if the input is honest, widen the model; otherwise do nothing",
    "job_": "look at the job's own output, and whether what runs it still does",
    "log_write_failed": "make room, or repair the path; the lines wait in memory",
    "loop_stalled": "move the blocking call that the event names into a thread",
    "malicious_": _INJECTION,
    "malicious_cors": "if the other site is yours, allow its origin: browser.trusted_origins",
    "malicious_direct_reference": "look who asks, and what else they asked for",
    "malicious_extraneous": "if the field is honest, declare it in the model",
    "malicious_ssrf": "if the address is honest, allow it: AddressPolicy, or stockade.unsafe",
    "request_refused": "if the request is honest, change the limit in [request]",
    "secret_failed": "check the reference, and whether its source answers",
    "store_failed": "check the store's file or server, its permissions and its space",
    "upstream_failed": "look at the other service; if its answer is honest, widen limit or model",
}


def meaning(name: str) -> str:
    """One sentence on what `name` says; the name itself where the catalogue lacks it."""
    return MEANINGS.get(name, name)


def advice(name: str, outcome: str) -> str:
    """What a person may do about it; empty where nothing is to be done."""
    if outcome == Outcome.ALLOWED:
        return ""
    fitting = [start for start in _ADVICE if name.startswith(start)]
    return _ADVICE[max(fitting, key=len)] if fitting else ""


def markdown() -> str:
    """The reference page, docs/reference/events.md."""
    from stockade.watch.tellers import tellers

    told_by = tellers()
    fields = ", ".join(f"`{field}`" for field in Event.__struct_fields__)
    lines = [
        "# Events",
        "",
        "Made by `python -m stockade.watch.meanings`; a test compares it with the code.",
        "",
        f"An event is one JSON object on a line, with {fields}. `time` is UTC (RFC 3339,",
        "microseconds); `outcome` is `allowed`, `blocked`, `observed` or `failed`, the last one",
        "where a defence itself could not do its work; `principal` is an account id, or a keyed",
        "fingerprint while nobody is signed in; `resource` is the route template, never the raw",
        "path; `details` hold fingerprints, lengths and positions, never a raw value or a secret.",
        "",
        "**Audit** events are in the [audit log](../how-to/keep-an-audit-log.md) before the",
        "request is answered; they survive a SIGKILL, and all but the last second of them a power",
        "cut. **Telemetry** events leave in batches; under overload they are dropped and counted,",
        "and `events_dropped` says so.",
        "Names come from the OWASP Logging Vocabulary where it has one.",
        "",
        "**Told by** names the parts of Stockade; *your application* tells an event through",
        "`stockade.event` ([how to](../how-to/hear-what-fails.md)); *nobody yet* means that the",
        "name is reserved, and no such event comes.",
        "",
        "| name | meaning | severity | lane | told by | coined by |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| `{name}` | {meaning(name)} | {spec.severity} | {spec.lane} | "
        f"{', '.join(told_by[name])} | {spec.source} |"
        for name, spec in sorted(CATALOGUE.items())
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(markdown())
