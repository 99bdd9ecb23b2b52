"""Settings: typed, from three places, and none passes in silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from shopnode.config import ConfigError, data_folder, is_loopback, read_settings


def test_the_command_line_beats_the_environment_beats_the_file(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("port = 1001\nthreads = 30\nhost = '127.0.0.3'\n")
    environ = {"SHOPNODE_PORT": "1002", "SHOPNODE_THREADS": "40", "PATH": "x"}
    settings = read_settings(data_folder(tmp_path), environ, {"port": 1003, "host": None})
    assert (settings.port, settings.threads, settings.host) == (1003, 40, "127.0.0.3")


def test_defaults_listen_to_this_computer_only(tmp_path: Path) -> None:
    assert is_loopback(read_settings(data_folder(tmp_path), {}).host)


def test_names_under_which_it_answers_are_a_list(tmp_path: Path) -> None:
    environ = {"SHOPNODE_HOST_NAMES": "shop.local,till.local"}
    assert read_settings(data_folder(tmp_path), environ).host_names == ("shop.local", "till.local")


def test_every_wrong_setting_is_named_with_its_place_and_never_its_value(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("prot = 8300\nthreads = 'secret-word'\n")
    with pytest.raises(ConfigError) as refusal:
        read_settings(data_folder(tmp_path), {"SHOPNODE_HOTS": "secret-word"}, {"port": 70_000})
    words = str(refusal.value)
    for name in ("“prot” in config.toml", "“threads” in config.toml", "SHOPNODE_HOTS", "the command line"):
        assert name in words
    assert "secret-word" not in words


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("port = = 1")
    with pytest.raises(ConfigError, match=r"config\.toml cannot be read"):
        read_settings(data_folder(tmp_path), {})


def test_names_of_the_data_folder_and_failpoints_are_no_settings(tmp_path: Path) -> None:
    read_settings(data_folder(tmp_path), {"SHOPNODE_DATA": "x", "SHOPNODE_FAILPOINTS": ""})


@pytest.mark.parametrize(
    ("host", "is_ours"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False),
     ("192.168.1.9", False), ("::", False), ("localhost.evil.example", False)],
)  # fmt: skip
def test_loopback_is_this_computer_and_nothing_else(host: str, is_ours: bool) -> None:
    assert is_loopback(host) is is_ours
