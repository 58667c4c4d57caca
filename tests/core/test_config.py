from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.core.config import RateSettings, Settings, load
from stockade.core.errors import ConfigError

REFERENCE = Path(__file__).parents[2] / "docs/reference/configuration.md"


def read(tmp_path: Path, text: str, **environ: str) -> Settings:
    file = tmp_path / "stockade.toml"
    file.write_text(text)
    return load(file, environ)


def test_a_whole_file(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        """
        [defence]
        mode = "observe"
        [request]
        hosts = ["clinic.example"]
        rate = 10
        [secrets]
        database = "env:DATABASE_URL"
        """,
    )
    assert settings.defence.mode == "observe"
    assert settings.request.hosts == ("clinic.example",)
    assert settings.request.rate == 10.0
    assert settings.secrets == {"database": "env:DATABASE_URL"}
    assert settings.firewall == Settings().firewall


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('\n[defense]\nmode = "block"', ":2: unknown section 'defense'; did you mean 'defence'?"),
        ("[defence]\n\nmoed = 1", ":3: unknown key 'moed' in [defence]; did you mean 'mode'?"),
        ("[request]\nzzz = 1", ":2: unknown key 'zzz' in [request]; known are: max_body, "),
        ('request = "x"', ":1: 'request' is a section; write [request]"),
        ('[firewall]\nsql = "inherit"\n[request]\nburst = "many"', ":4: [request] burst: expected"),
        ('[defence]\n# mode = 1\nmode = "blok"', ":3: [defence] mode: invalid enum value"),
        ("[request]\nhosts = [1]", ":2: [request] hosts: expected `str`"),
        ("request.burts = 3", ":1: unknown key 'burts' in [request]; did you mean 'burst'?"),
        ('request = { rate = 1.0, burst = "x" }', ":1: [request] burst: expected"),
        ("[secrets]\ndatabase = 5", "[secrets]"),
        ("[defence\nmode", ": is not TOML: "),
    ],
)
def test_a_broken_file_is_told_with_file_line_and_key(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith(str(tmp_path / "stockade.toml"))
    assert message in str(caught.value)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "absent.toml", {})
    (tmp_path / "latin.toml").write_bytes(b'[secrets]\na = "\xe9"')
    with pytest.raises(ConfigError, match="is not UTF-8"):
        load(tmp_path / "latin.toml", {})


def test_no_file_is_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load(environ={}) == Settings()
    with pytest.raises(ConfigError, match="cannot be read"):
        load(environ={"STOCKADE_CONFIG": "absent.toml"})


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        '[request]\nburst = 1\n[secrets]\na = "env:A"',
        STOCKADE_REQUEST__BURST="7",
        STOCKADE_REQUEST__HOSTS="a.example, b.example",
        STOCKADE_REQUEST__SECURITY_HEADERS="false",
        STOCKADE_SECRETS__B="env:B",
        STOCKADE_CONFIG="ignored",
        STOCKADE_BURST="no double underscore, no setting",
    )
    assert settings.request.burst == 7
    assert settings.request.hosts == ("a.example", "b.example")
    assert settings.request.security_headers is False
    assert settings.secrets == {"a": "env:A", "b": "env:B"}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("STOCKADE_DEFENSE__MODE", "block", "unknown section 'defense'; did you mean 'defence'?"),
        ("STOCKADE_DEFENCE__MOOD", "block", "unknown key 'mood' in [defence]"),
        ("STOCKADE_DEFENCE__MODE", "blok", "Invalid enum value"),
        ("STOCKADE_REQUEST__BURST", "many", "Expected `int`"),
    ],
)
def test_a_broken_override_is_told_by_its_name(
    tmp_path: Path, name: str, value: str, message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, "", **{name: value})
    assert str(caught.value).startswith(f"{name}: ")
    assert message in str(caught.value)


def test_a_default_mode_gives_way_to_file_and_environment(tmp_path: Path) -> None:
    file = tmp_path / "stockade.toml"
    file.write_text("")
    assert load(file, {}, default_mode="observe").defence.mode == "observe"
    environ = {"STOCKADE_DEFENCE__MODE": "off"}
    assert load(file, environ, default_mode="observe").defence.mode == "off"
    file.write_text('[defence]\nmode = "block"')
    assert load(file, {}, default_mode="observe").defence.mode == "block"


def test_settings_are_frozen() -> None:
    with pytest.raises(AttributeError):
        Settings().defence.mode = "off"  # type: ignore[misc]


WORDS = st.sampled_from(["[", "]", "request", "burst", "=", "1", '"x"', "\n", ".", "{", "}", "'"])


@given(st.lists(WORDS, max_size=12).map("".join))
def test_any_file_is_settings_or_a_config_error(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.toml"
    file.write_text(text)
    message = str(file)
    try:
        load(file, {})
    except ConfigError as error:
        message = str(error)
    assert message.startswith(str(file))


def documented_sections() -> dict[str, str]:
    pieces = REFERENCE.read_text("utf-8").split("\n## [")[1:]
    return {piece.partition("]")[0]: piece for piece in pieces}


def default_of(key: msgspec.structs.FieldInfo) -> str:
    """As the reference spells it; nothing where a value must be given."""
    if key.required:
        return ""
    made = key.default_factory() if key.default is msgspec.NODEFAULT else key.default
    return msgspec.json.encode(made).decode()


def test_every_setting_is_in_the_reference_with_its_default_and_nothing_else_is() -> None:
    sections = {field.name: field for field in msgspec.structs.fields(Settings)}
    documented = documented_sections()
    assert list(documented) == list(sections)
    for name, field in sections.items():
        if name == "secrets":
            continue
        section = RateSettings if name == "rates" else field.type
        known = {key.name: default_of(key) for key in msgspec.structs.fields(section)}
        rows = [line.split("|") for line in documented[name].splitlines() if line.startswith("| `")]
        assert [row[1].strip(" `") for row in rows] == list(known)
        for row in rows:
            assert row[2].strip(" `") == known[row[1].strip(" `")], row
