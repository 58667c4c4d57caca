"""Every function of the parts that refuses, and the event that says so, or why there is none.

A key is `file::function`, below src/stockade; `*` stands for other characters, and the longest key
that fits counts. A new function that raises one of Stockade's errors needs a line here.
"""

from __future__ import annotations

from typing import NamedTuple


class Told(NamedTuple):
    """Refuses with `event`; a test in `test` observes it."""

    event: str
    test: str


class Silent(NamedTuple):
    """Has no event of its own, for this reason."""

    why: str


CALLERS = Silent("a mistake of the developer's, shown to the developer at the call")
PASSES_ON = Silent("raises on what was told where it was found")

REFUSALS: dict[str, Told | Silent] = {
    # -- boundary --------------------------------------------------------------------------------
    "boundary/accepted.py::*": Told("malicious_extraneous", "boundary/test_accepted.py"),
    "boundary/arguments.py::_pairs": Told("input_validation_fail", "boundary/test_arguments.py"),
    "boundary/bodies/refusal.py::refuse": Told(
        "input_validation_fail", "boundary/bodies/test_decoding.py"
    ),
    "boundary/client/*": Told("upstream_failed", "boundary/client/test_telling.py"),
    "boundary/client/addresses.py::*": Told("malicious_ssrf", "boundary/client/test_telling.py"),
    "boundary/client/answer.py::Answer.expect": Told(
        "upstream_failed", "boundary/client/test_contract.py"
    ),
    "boundary/client/target.py::read_target": Told(
        "input_validation_fail", "boundary/client/test_telling.py"
    ),
    "boundary/consumers.py::upheld": PASSES_ON,
    "boundary/gate/csrf_token.py::CsrfTokens.verify": Told(
        "request_refused", "boundary/gate/test_csrf_token.py"
    ),
    "boundary/gate/graphql.py::*": Told("input_validation_fail", "boundary/gate/test_graphql.py"),
    "boundary/gate/steps.py::*": Told("sequence_fail", "boundary/gate/test_steps.py"),
    "boundary/gate/violation.py::_document": Told(
        "input_validation_fail", "boundary/gate/test_violation.py"
    ),
    "boundary/problems.py::*": Told("input_validation_fail", "boundary/test_problems.py"),
    "boundary/program.py::_operand": Told("input_validation_fail", "boundary/test_program.py"),
    "boundary/root.py::*": Told("input_validation_fail", "boundary/test_root.py"),
    "boundary/uploads/*": Told("upload_validation", "boundary/uploads/test_quarantine.py"),
    "boundary/validator.py::Validator.__call__": Told(
        "input_validation_fail", "boundary/test_validator.py"
    ),
    # -- firewall --------------------------------------------------------------------------------
    "firewall/alarm.py::alarm": Told("malicious_sqli", "firewall/test_callers.py"),
    "firewall/alarm.py::detector_failed": Told("defence_failed", "firewall/test_engine.py"),
    "firewall/alarm.py::too_many_inputs": Told("input_limit_exceeded", "firewall/test_engine.py"),
    "firewall/alarm.py::unattributed": Told("sink_unattributed", "firewall/test_engine.py"),
    # -- crypto ----------------------------------------------------------------------------------
    "crypto/keyfile.py::KeyFile.*": Told("defence_failed", "crypto/test_keyring.py"),
    "crypto/keyfile.py::MemoryKeys.load": CALLERS,
    "crypto/keyring.py::Keyring._load": Told("defence_failed", "crypto/test_keyring.py"),
    "crypto/keyring.py::Keyring.signer": CALLERS,
    "crypto/keys.py::Key.reveal": Silent("no key without material is ever chosen for use"),
    "crypto/keys.py::KeySet.primary": CALLERS,
    "crypto/keys.py::KeySet.with_state": Told("defence_failed", "crypto/test_keyring.py"),
    "crypto/log_signing.py::LogSigner.sign": Silent(
        "the audit log, which alone signs with it, tells of a checkpoint that it cannot sign"
    ),
    "crypto/mac.py::Mac.verify": Told("crypt_verify_fail", "crypto/test_mac.py"),
    "crypto/passwords.py::_parse": Told("crypt_verify_fail", "crypto/test_passwords.py"),
    "crypto/personal_file.py::KeyFile.*": Silent(
        "whoever forgets a person is told on the spot that a key is left"
    ),
    "crypto/personal_keys.py::PersonalKeys.open": Silent(
        "an auditor opens what the audit log sealed, and is told on the spot"
    ),
    "crypto/personal_keys.py::PersonalKeys.*": Told(
        "defence_failed", "watch/audit/test_personal.py"
    ),
    "crypto/sealing.py::Sealer.open": Told("crypt_decrypt_fail", "crypto/test_sealing.py"),
    "crypto/sealing.py::Sealer.seal": Told("crypt_encrypt_fail", "crypto/test_sealing.py"),
    "crypto/signing.py::Signer.verify": Told("crypt_verify_fail", "crypto/test_signing.py"),
    "crypto/sqlalchemy.py::*": CALLERS,
    "crypto/sqlalchemy.py::_record": Told("crypt_decrypt_fail", "crypto/test_sqlalchemy.py"),
    # -- secrets ---------------------------------------------------------------------------------
    "secrets/references.py::*": Told("secret_failed", "secrets/test_resolver.py"),
    "secrets/sources/*": Told("secret_failed", "secrets/test_resolver.py"),
    # -- watch -----------------------------------------------------------------------------------
    "watch/audit/*": Silent("the verdict of an audit, which is said to whoever asked for it"),
    "watch/detection.py::FailedSignIns.__call__": Silent(
        "the bus, which calls it, tells of a receiver that fails (defence_failed)"
    ),
    # -- access ----------------------------------------------------------------------------------
    "access/fastapi.py::permit.permitted": Told("authz_fail", "access/test_fastapi.py"),
    "access/fastapi.py::same_origin": Told("malicious_cors", "access/test_fastapi.py"),
    "access/fastapi.py::signed_in": Told("request_refused", "access/test_fastapi.py"),
    "access/sessions.py::Sessions.create": Told("session_expired", "access/test_sessions.py"),
    "access/signin.py::SignIn.__call__": Told("authn_login_fail", "access/test_signin.py"),
    "access/signin.py::SignIn._turn_away_throttled": Told(
        "excess_rate_limit_exceeded", "access/test_signin.py"
    ),
    # -- confine ---------------------------------------------------------------------------------
    "confine/enforcement.py::_insist": Told("confine_missing", "confine/test_enforcement.py"),
    # -- stores, integrations --------------------------------------------------------------------
    "stores/memory.py::MemoryStore._now": Told("store_failed", "stores/test_behaviour.py"),
    "stores/sqlite.py::SQLiteStore._using": Told("store_failed", "stores/test_sqlite.py"),
    "stores/sqlite_file.py::_check_schema": Told("store_failed", "stores/test_sqlite.py"),
    "integrations/asgi_exchange.py::AsgiExchange._send_refusal": PASSES_ON,
    "integrations/exchange.py::Exchange.stop": Told("request_refused", "integrations/test_asgi.py"),
    "integrations/reports.py::*": Told("request_refused", "boundary/gate/test_violation.py"),
    "integrations/wsgi_exchange.py::*": PASSES_ON,
}
