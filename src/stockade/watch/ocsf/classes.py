"""Which OCSF class and activity each event is; the numbers are those of OCSF 1.8.0."""

from __future__ import annotations

import enum
from typing import NamedTuple

__all__ = ["MAPPING", "OTHER", "Activity", "Class", "class_of"]

OTHER = 99
"""The activity of whatever a class has no number for; its name says which."""


class Class(enum.Enum):
    """An event class: its number, its caption, and its category's number and caption."""

    DETECTION_FINDING = (2004, "Detection Finding", 2, "Findings")
    ACCOUNT_CHANGE = (3001, "Account Change", 3, "Identity & Access Management")
    AUTHENTICATION = (3002, "Authentication", 3, "Identity & Access Management")
    ENTITY_MANAGEMENT = (3004, "Entity Management", 3, "Identity & Access Management")
    USER_ACCESS = (3005, "User Access Management", 3, "Identity & Access Management")
    HTTP_ACTIVITY = (4002, "HTTP Activity", 4, "Network Activity")
    APPLICATION_LIFECYCLE = (6002, "Application Lifecycle", 6, "Application Activity")
    API_ACTIVITY = (6003, "API Activity", 6, "Application Activity")
    FILE_HOSTING = (6006, "File Hosting Activity", 6, "Application Activity")
    APPLICATION_ERROR = (6008, "Application Error", 6, "Application Activity")


class Activity(NamedTuple):
    """A class, one of its activities, and what that is called."""

    of: Class
    number: int
    caption: str


def _class(of: Class, **activities: str) -> dict[str, Activity]:
    """`a3_Update="name name"`: events that are activity 3 of the class, called "Update"."""
    found = {}
    for activity, names in activities.items():
        number, _, caption = activity.removeprefix("a").partition("_")
        for name in names.split():
            found[name] = Activity(of, int(number), caption.replace("_", " "))
    return found


MAPPING: dict[str, Activity] = {
    **_class(
        Class.AUTHENTICATION,
        a1_Logon="authn_login_success authn_login_successafterfail authn_login_fail"
        " authn_login_fail_max",
        a2_Logoff="session_expired",
        a3_Authentication_Ticket="session_created session_use_after_expire authn_token_created"
        " authn_token_reuse",
        a5_Service_Ticket_Renew="session_renewed",
        a6_Preauth="client_throttled",
        a99_Token_withdrawn="authn_token_revoked authn_token_delete",  # noqa: S106  no password
    ),
    **_class(
        Class.ACCOUNT_CHANGE,
        a1_Create="user_created",
        a3_Password_Change="authn_password_change authn_password_change_fail",  # noqa: S106  no password
        a5_Disable="user_archived",
        a6_Delete="user_deleted",
        a9_Lock="authn_login_lock",
        a99_Update="user_updated",
    ),
    **_class(Class.USER_ACCESS, a1_Assign_Privileges="authz_change"),
    **_class(
        Class.ENTITY_MANAGEMENT,
        a1_Create="key_created",
        a2_Read="secret_read",
        a3_Update="audit_key_changed key_rotated secret_rotated privilege_permissions_changed",
        a4_Delete="key_destroyed",
        a10_Activate="policy_loaded",
        a11_Deactivate="key_deactivated",
    ),
    **_class(
        Class.HTTP_ACTIVITY,
        a0_Unknown="http_request",
        a99_Refusal="request_refused answer_refused excess_rate_limit_exceeded"
        " input_validation_fail input_validation_discrete_fail input_limit_exceeded csp_violation",
    ),
    **_class(
        Class.API_ACTIVITY,
        a1_Create="sensitive_create",
        a2_Read="sensitive_read",
        a3_Update="sensitive_update",
        a4_Delete="sensitive_delete",
        a99_Administration="authz_admin",
        a99_Denial="authz_fail",
        a99_Outgoing_call="upstream_failed",
    ),
    **_class(
        Class.FILE_HOSTING,
        a1_Upload="upload_complete",
        a4_Delete="upload_delete",
        a7_Move="upload_stored",
        a17_Access_Check="upload_validation",
    ),
    **_class(
        Class.APPLICATION_LIFECYCLE,
        a3_Start="sys_startup",
        a4_Stop="sys_shutdown",
        a5_Restart="sys_restart",
        a6_Enable="sys_monitor_enabled defence_recovered",
        a7_Disable="sys_monitor_disabled",
        a99_Log="app_log",
        a99_Recovery="job_recovered",
        a99_Report="access_log_replaced audit_checkpoint audit_opened audit_pruned confine_report"
        " events_sampled sink_checked",
    ),
    **_class(
        Class.APPLICATION_ERROR,
        a1_General_Error="app_failed_silently confine_missing crypt_decrypt_fail"
        " crypt_encrypt_fail crypt_verify_fail defence_failed events_dropped job_failed job_missed"
        " log_write_failed loop_stalled policy_failed secret_failed sink_unattributed"
        " sink_unguarded store_failed sys_crash",
    ),
    **_class(
        Class.DETECTION_FINDING,
        a1_Create="authn_impossible_travel detection_raised malicious_attack_tool malicious_code"
        " malicious_command malicious_cors malicious_deserialisation malicious_direct_reference"
        " malicious_excess_404 malicious_extraneous malicious_header malicious_ldap malicious_log"
        " malicious_mail malicious_markup malicious_nosqli malicious_path malicious_regex"
        " malicious_sqli malicious_ssrf malicious_template malicious_xml malicious_xpath"
        " sequence_fail sink_shape_new waiver_used",
        a2_Update="response_throttle",
        a3_Close="response_released",
    ),
}
"""Every event of the catalogue. `http_request` takes its activity from the method."""

METHODS = {
    "DELETE": Activity(Class.HTTP_ACTIVITY, 2, "Delete"),
    "GET": Activity(Class.HTTP_ACTIVITY, 3, "Get"),
    "HEAD": Activity(Class.HTTP_ACTIVITY, 4, "Head"),
    "OPTIONS": Activity(Class.HTTP_ACTIVITY, 5, "Options"),
    "POST": Activity(Class.HTTP_ACTIVITY, 6, "Post"),
    "PUT": Activity(Class.HTTP_ACTIVITY, 7, "Put"),
    "PATCH": Activity(Class.HTTP_ACTIVITY, 9, "Patch"),
}
_FINDING = Activity(Class.DETECTION_FINDING, 1, "Create")
_OTHER_METHOD = Activity(Class.HTTP_ACTIVITY, OTHER, "Other")


def class_of(name: str, method: object, *, in_request: bool) -> Activity:
    """The class and activity of an event; a name that is not in the catalogue is a finding.

    A refusal outside any HTTP request, such as that of a queue's message, is a finding as well.
    """
    activity = MAPPING.get(name, _FINDING)
    if activity.of is not Class.HTTP_ACTIVITY:
        return activity
    if name == "http_request":
        return METHODS.get(str(method), _OTHER_METHOD)
    return activity if in_request else _FINDING
