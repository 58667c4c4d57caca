"""`stockade.toml` and STOCKADE_* into frozen settings.

Unknown keys are refused with the nearest known one. `STOCKADE_<SECTION>__<KEY>` overrides the file
(only names with a double underscore are settings). Secrets stay references here: a setting holds
`env:DATABASE_URL`, never the address itself.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from stockade.core.errors import ConfigError

__all__ = [
    "AccessSettings",
    "BrowserSettings",
    "ConfineSettings",
    "CryptoSettings",
    "DefenceSettings",
    "FirewallSettings",
    "GraphqlSettings",
    "OtelSettings",
    "RateSettings",
    "RequestSettings",
    "RouteSettings",
    "Settings",
    "StoreSettings",
    "WatchSettings",
    "load",
]

Mode = Literal["block", "observe", "off"]
SinkMode = Literal["inherit", "block", "observe", "off"]


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class DefenceSettings(_Section, frozen=True, kw_only=True):
    """What happens when a defence finds something."""

    mode: Mode = "block"
    """`block` refuses, `observe` only reports, `off` does neither (for comparisons)."""


class RequestSettings(_Section, frozen=True, kw_only=True):
    """Limits of a request; sizes in bytes. Each breach is a 4xx and an event."""

    max_body: int = 8 << 20
    """As it is sent, and without its content codings."""
    max_inflation_ratio: int = 200
    """What a compressed body may become for each byte of it, beyond 1 MiB; 0: no limit."""
    unknown_codings: Literal["pass", "refuse"] = "pass"
    """A body with a content coding that cannot be undone here."""
    max_headers: int = 100
    max_header_bytes: int = 16_384
    max_path: int = 4_096
    max_query: int = 8_192
    max_json_depth: int = 64
    """Nesting of arrays, objects and XML elements in a body."""
    max_fields: int = 1_000
    """Fields of a form, parts of a multipart body."""
    max_field_bytes: int = 1 << 20
    """One field that is no file."""
    hosts: tuple[str, ...] = ()
    """Host names that are served; empty: all."""
    trusted_proxies: tuple[str, ...] = ()
    """Networks whose X-Forwarded-For is believed."""
    rate: float = 0.0
    """Requests a second for each client address; 0: no limit."""
    burst: int = 200
    security_headers: bool = True
    https: bool = False
    """Serve nothing over http: pages are redirected, programs refused, WebSockets closed."""
    max_concurrent: int = 0
    """Requests that are served at one time in this process; 0: no limit."""
    max_seconds: float = 0.0
    """Seconds that the application may take until its answer begins (ASGI); 0: no limit."""
    body_seconds: float = 30.0
    """Seconds in which the body has to arrive (ASGI); 0: no limit."""


class BrowserSettings(_Section, frozen=True, kw_only=True):
    """What pages may do: our own, and those of other origins."""

    csrf: bool = True
    """Refuse what another origin's page sends with a cookie."""
    csrf_exempt: tuple[str, ...] = ()
    """Beginnings of paths where other origins' pages may send."""
    trusted_origins: tuple[str, ...] = ()
    """Origins whose pages may send, such as "https://admin.shop.example"."""
    origins: tuple[str, ...] = ()
    """Origins whose pages may send and read (CORS); empty: the application's own CORS layer."""
    credentials: bool = False
    """Whether they may do so with cookies."""
    methods: tuple[str, ...] = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
    headers: tuple[str, ...] = ("Accept", "Content-Type", "Authorization")
    expose: tuple[str, ...] = ()
    """Fields of an answer that they may read beyond the safe ones."""
    max_age: int = 600
    """Seconds for which a browser remembers what is allowed."""
    cookies: bool = True
    """Add the flags that the application's cookies lack: Secure over https, SameSite=Lax."""
    http_only: bool = False
    """Hide cookies from scripts as well …"""
    script_cookies: tuple[str, ...] = ("csrftoken", "XSRF-TOKEN")
    """… but for these."""
    csp: str = ""
    """`strict`, `api`, or a policy; `{nonce}` stands for the nonce of each request."""
    csp_report_only: bool = False
    csp_reports: str = ""
    """The path at which browsers report violations; empty: none."""
    opener: Literal["", "same-origin", "same-origin-allow-popups"] = ""
    """Cross-Origin-Opener-Policy: whose pages keep a hold on our windows."""
    isolate: bool = False
    """Refuse what other origins' pages load or embed with a cookie; links may be followed."""
    isolate_exempt: tuple[str, ...] = ()
    """Beginnings of paths that other origins' pages may load."""
    own_pages: tuple[str, ...] = ()
    """Beginnings of paths that only our own pages may ask for, by a link neither."""
    outdated: bool = True
    """Admit browsers that say nothing of where a request comes from (Fetch Metadata)."""
    redirects: tuple[str, ...] = ("*",)
    """Origins beyond this host that redirects may lead to; `*`: all."""
    leaving: str = ""
    """The path of the page that asks before other redirects; empty: they are refused."""


class GraphqlSettings(_Section, frozen=True, kw_only=True):
    """How much one GraphQL request may ask for."""

    paths: tuple[str, ...] = ()
    """Where GraphQL is served, such as `/graphql`; empty: nowhere."""
    max_depth: int = 12
    """Fields within fields, fragments expanded."""
    max_fields: int = 500
    """Fields that are asked for by all documents of a request, fragments expanded."""
    introspection: bool = False
    """Whether clients may ask for the schema."""


class RateSettings(_Section, frozen=True, kw_only=True):
    """How often one client, one principal, or all together may ask."""

    rate: float
    """Tokens a second; a request takes one."""
    burst: int
    """Tokens that are kept at most."""
    by: Literal["client", "principal", "all"] = "client"
    route: str = ""
    """A template such as `/reports/{id}`; empty: every route."""
    methods: tuple[str, ...] = ()


class RouteSettings(_Section, frozen=True, kw_only=True):
    """Modes of the sinks on one route; `inherit` is the mode that the sink has elsewhere."""

    sql: SinkMode = "inherit"
    nosql: SinkMode = "inherit"
    shell: SinkMode = "inherit"
    argument: SinkMode = "inherit"
    path: SinkMode = "inherit"


class FirewallSettings(_Section, frozen=True, kw_only=True):
    """The sinks that are guarded, each with a mode of its own."""

    sql: SinkMode = "inherit"
    sql_fragments: SinkMode = "inherit"
    """A part of a value that acts in a query although the value does not stand there whole."""
    sql_shapes: SinkMode = "inherit"
    """A query of a shape that its call site never had, where a value accounts for the change."""
    sql_strict: bool = False
    """Report a bare name where the same query had a literal before."""
    nosql: SinkMode = "inherit"
    shell: SinkMode = "inherit"
    argument: SinkMode = "inherit"
    path: SinkMode = "inherit"
    routes: dict[str, RouteSettings] = {}
    """Other modes for single routes, by their template as in events: `/reports/{id}`."""
    max_inputs: int = 5_000
    max_input_chars: int = 4 << 20
    unattributed: Literal["count", "refuse"] = "count"
    """What the SQL and program sinks do outside any request, where nothing tells untrusted values
    from others; files are only counted, for imports open them."""


class CryptoSettings(_Section, frozen=True, kw_only=True):
    """Where the keys are."""

    keyring: str = ".stockade/keys.json"


class StoreSettings(_Section, frozen=True, kw_only=True):
    """State that defences share: `memory`, or the path of an SQLite file."""

    url: str = ".stockade/state.db"


class WatchSettings(_Section, frozen=True, kw_only=True):
    """Where events go."""

    log: str = "-"
    """A file for JSON lines, or `-` for standard output; empty: none."""
    format: Literal["stockade", "ocsf"] = "stockade"
    """The form of the log's lines; the audit log keeps ours."""
    audit: str = ".stockade/audit"
    """The folder of the audit log, which has each audit event before the answer; empty: none."""
    audit_origin: str = ""
    """The name of the log, such as "clinic.example/audit"; empty: one is made up once."""
    audit_store: str = ""
    """Where the log itself goes, as "s3://bucket/prefix"; empty: below the folder."""
    audit_seconds: float = 1.0
    """Seconds between two signatures: what was logged is durable after so long."""
    audit_checkpoints: float = 60.0
    """Seconds between two checkpoints in the event log, by which edits of the audit log show."""
    audit_days: float = 0.0
    """Days after which entries are removed; their hashes stay. 0: never."""
    audit_personal: Literal["plain", "sealed"] = "plain"
    """Addresses and accounts in the audit log: as they are, or sealed so that they can be
    forgotten."""
    audit_keys: str = ".stockade/persons.db"
    """The file with the keys of sealed persons; back it up apart from the log, and not for long."""
    audit_failure: Literal["serve", "refuse"] = "serve"
    """What happens to requests while the audit log cannot be written."""
    application_logs: Literal["copy", "replace", "leave"] = "copy"
    """Lines of the application and its libraries as events: beside their own output, in its place
    on the console, or not at all."""
    application_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    """Lines below this level are left to the application's own handlers."""
    application_lines: int = 10_000
    """Lines of one line of code in ten seconds that are written; the rest are counted. 0: all."""
    access_log: Literal["replace", "keep"] = "replace"
    """The server's own access log: switched off where the log has our events, or kept."""
    refusals_written: int = 100
    """Refusals of one kind in ten seconds that are written; the rest are counted. 0: all."""
    metrics: str = ""
    """host:port on which Prometheus may scrape, and which tells the health; empty: none."""
    run: str = ".stockade/run"
    """The folder by which the processes of this service add up; empty: each for itself."""
    health: str = ""
    """A path before /livez and /readyz on the service itself, or a host:port; empty: none."""
    otel: bool = False
    """Send logs, metrics and traces to where the OTEL_EXPORTER_OTLP_… variables say."""
    silence: bool = True
    """Tell of what fails where nobody would notice: tasks, threads, callbacks, destructors."""
    loop_stall: float = 0.25
    """Seconds that an event loop may stand still before that is told; 0: not watched."""
    heartbeat: float = 10.0
    """Seconds between the signs of life, in the store, of this process and its jobs; 0: none."""
    failed_sign_ins: int = 5
    """So many failures of one client for one account …"""
    failed_sign_ins_window: float = 300.0
    """… within so many seconds throttle that client for that account …"""
    throttle: float = 60.0
    """… for so many seconds."""


class OtelSettings(_Section, frozen=True, kw_only=True):
    """What OpenTelemetry gets, over OTLP/HTTP."""

    endpoint: str = ""
    """The collector, such as "http://127.0.0.1:4318"; empty: see `watch.otel`."""
    service: str = ""
    """The service's name; empty: OTEL_SERVICE_NAME."""
    logs: bool = True
    metrics: bool = True
    traces: bool = True
    ratio: float = 1.0
    """The share of requests that become spans; those refused or failed always do."""
    queue: int = 8_192
    """Items of a kind that wait for the collector at most; more are dropped and counted."""
    interval: float = 15.0
    """Seconds between two readings of the metrics."""


class AccessSettings(_Section, frozen=True, kw_only=True):
    """Who may do what."""

    policies: str = "policies"
    session_idle: float = 1_800.0
    session_absolute: float = 43_200.0


class ConfineSettings(_Section, frozen=True, kw_only=True):
    """What `stockade run` takes from the process before it starts."""

    no_new_privileges: bool = True
    core_dumps: bool = False
    umask: str = "077"
    required: bool = False
    """Refuse to start where a layer is missing."""


class Settings(_Section, frozen=True, kw_only=True):
    """Everything, by section; `secrets` and `rates` have names of the user's choice."""

    defence: DefenceSettings = DefenceSettings()
    request: RequestSettings = RequestSettings()
    browser: BrowserSettings = BrowserSettings()
    graphql: GraphqlSettings = GraphqlSettings()
    rates: dict[str, RateSettings] = {}
    firewall: FirewallSettings = FirewallSettings()
    crypto: CryptoSettings = CryptoSettings()
    store: StoreSettings = StoreSettings()
    watch: WatchSettings = WatchSettings()
    otel: OtelSettings = OtelSettings()
    access: AccessSettings = AccessSettings()
    confine: ConfineSettings = ConfineSettings()
    secrets: dict[str, str] = {}


_FREE = ("secrets", "rates")
"""Sections whose keys are names of the user's choice."""
_OVERRIDE = re.compile(r"STOCKADE_([A-Z]+)__([A-Z0-9_]+)\Z")


def load(
    path: str | Path | None = None,
    environ: Mapping[str, str] | None = None,
    *,
    default_mode: Mode | None = None,
) -> Settings:
    """Read the settings: `path`, else `STOCKADE_CONFIG`, else `./stockade.toml` if there is one.

    `default_mode` is `defence.mode` where neither file nor environment gives one. Raises
    ConfigError, with file, line and key, for anything that is not understood.
    """
    environ = os.environ if environ is None else environ
    named = path or environ.get("STOCKADE_CONFIG")
    file = Path(named) if named else Path("stockade.toml")
    text = ""
    document: dict[str, Any] = {}
    if named or file.is_file():
        text, document = _read(file)
    _check_names(document, file, text)
    for name, value in environ.items():
        if match := _OVERRIDE.match(name):
            _override(document, name, match[1].lower(), match[2].lower(), value)
    if default_mode is not None:
        document.setdefault("defence", {}).setdefault("mode", default_mode)
    return _convert(document, file, text)


def _read(file: Path) -> tuple[str, dict[str, Any]]:
    try:
        text = file.read_text("utf-8")
    except OSError as error:
        raise ConfigError(
            f"{file}: cannot be read ({error.strerror}); check path and permissions"
        ) from None
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{file}: is not UTF-8 (byte {error.start}); TOML files are UTF-8"
        ) from None
    try:
        return text, tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: is not TOML: {error}") from None


def _nearest(name: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(name, known, 1, 0.5)
    return f"did you mean {near[0]!r}?" if near else f"known are: {', '.join(known)}"


def _check_names(document: dict[str, Any], file: Path, text: str) -> None:
    sections = {field.name: field.type for field in msgspec.structs.fields(Settings)}
    for section, values in document.items():
        if section not in sections:
            where = _line(text, section, "")
            raise ConfigError(
                f"{file}:{where}: unknown section {section!r}; {_nearest(section, tuple(sections))}"
            )
        if not isinstance(values, dict):
            raise ConfigError(
                f"{file}:{_line(text, '', section)}: {section!r} is a section; write [{section}]"
            )
        if section in _FREE:
            continue
        known = tuple(field.name for field in msgspec.structs.fields(sections[section]))
        for key in values:
            if key not in known:
                raise ConfigError(
                    f"{file}:{_line(text, section, key)}: unknown key {key!r} in [{section}]; "
                    f"{_nearest(key, known)}"
                )


def _line(text: str, section: str, key: str) -> int:
    """The line of a key; of its section where the key stands in no line of its own; else 1."""
    header = re.compile(r"\s*\[\s*\"?" + re.escape(section) + r"\"?\s*[\].]")
    wanted = re.compile(
        r"\s*(?:" + re.escape(section) + r"\s*\.\s*)?[\"']?" + re.escape(key) + r"[\"']?\s*[=.]"
    )
    inside, found = not section, 0
    for number, line in enumerate(text.splitlines(), 1):
        if section and line.lstrip().startswith("["):
            inside = header.match(line) is not None
            if inside and not found:
                found = number
        elif key and (inside or "." in line) and wanted.match(line):
            return number
        elif section and not found and re.match(r"\s*" + re.escape(section) + r"\s*[=.]", line):
            found = number
    return found or 1


def _override(document: dict[str, Any], name: str, section: str, key: str, value: str) -> None:
    sections = {field.name: field.type for field in msgspec.structs.fields(Settings)}
    if section not in sections:
        raise ConfigError(
            f"{name}: unknown section {section!r}; {_nearest(section, tuple(sections))}"
        )
    if section == "secrets":
        document.setdefault(section, {})[key] = value
        return
    if section in _FREE:
        raise ConfigError(f"{name}: [{section}.…] is written in stockade.toml, not in a variable")
    fields = {field.name: field for field in msgspec.structs.fields(sections[section])}
    if key not in fields:
        raise ConfigError(
            f"{name}: unknown key {key!r} in [{section}]; {_nearest(key, tuple(fields))}"
        )
    text: object = value
    if str(fields[key].type).startswith("tuple"):
        text = [part.strip() for part in value.split(",") if part.strip()]
    try:
        parsed = msgspec.convert(text, fields[key].type, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{name}: {error}") from None
    document.setdefault(section, {})[key] = msgspec.to_builtins(parsed)


def _convert(document: dict[str, Any], file: Path, text: str) -> Settings:
    try:
        return msgspec.convert(document, Settings)
    except msgspec.ValidationError as error:
        where = re.search(r"\$\.([a-z_]+)(?:\.([A-Za-z0-9_]+))?", str(error))
        section, key = (where[1], where[2] or "") if where else ("", "")
        what = str(error).partition(" - at")[0]
        raise ConfigError(
            f"{file}:{_line(text, section, key)}: [{section}] {key or '…'}: "
            f"{what[:1].lower()}{what[1:]}"
        ) from None
