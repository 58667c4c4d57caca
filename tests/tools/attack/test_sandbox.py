from pathlib import Path

import pytest

from stockade.tools.attack.sandbox import AttackError, sandbox


def test_the_copy_leaves_out_keys_environments_and_links(tmp_path: Path) -> None:
    for name in (
        "shop.py",
        ".env",
        ".env.production",
        ".git/config",
        ".stockade/keys.json",
        "a/b.txt",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "pyvenv.cfg").touch()
    (tmp_path / "hosts").symlink_to("/etc/hosts")
    (tmp_path / "etc").symlink_to("/etc")
    with sandbox(tmp_path) as box:
        copied = sorted(str(file.relative_to(box.project)) for file in box.project.rglob("*"))
    assert copied == ["a", "a/b.txt", "shop.py"]
    assert not box.root.exists()


def test_nothing_of_this_environment_gets_in_unless_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://production")
    monkeypatch.setenv("SHOP_MODE", "test")
    with sandbox(tmp_path, env=["SHOP_MODE"]) as box:
        assert box.environment["SHOP_MODE"] == "test"
        assert "DATABASE_URL" not in box.environment
        assert box.environment["HOME"] == str(box.home)


def test_a_variable_that_is_not_set_is_said(tmp_path: Path) -> None:
    with pytest.raises(AttackError, match="SHOP_NOWHERE"), sandbox(tmp_path, env=["SHOP_NOWHERE"]):
        pass


def test_a_folder_that_is_too_large_is_not_copied(tmp_path: Path) -> None:
    (tmp_path / "film").write_bytes(bytes(2048))
    with pytest.raises(AttackError, match="raise --max-copy"), sandbox(tmp_path, limit=1024):
        pass
