"""The key that signs checkpoints."""

from __future__ import annotations

import stat

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from matricula.audit.keys import generate_key, load_key
from matricula.kernel.errors import SettingMissing


def test_a_new_key_is_readable_by_its_owner_alone(tmp_path):
    public = generate_key(tmp_path / "key.pem")

    key = load_key(f"file:{tmp_path / 'key.pem'}")

    assert stat.S_IMODE((tmp_path / "key.pem").stat().st_mode) == 0o600
    assert key.public_key().public_bytes_raw().hex() == public


def test_a_key_is_never_replaced(tmp_path):
    generate_key(tmp_path / "key.pem")
    kept = (tmp_path / "key.pem").read_bytes()

    with pytest.raises(SettingMissing, match="M703"):
        generate_key(tmp_path / "key.pem")

    assert (tmp_path / "key.pem").read_bytes() == kept


def test_a_key_may_come_from_the_environment(tmp_path, monkeypatch):
    public = generate_key(tmp_path / "key.pem")
    monkeypatch.setenv("SIGNING", (tmp_path / "key.pem").read_text())

    key = load_key("env:SIGNING")

    assert key.public_key().public_bytes_raw().hex() == public


def test_a_key_of_another_kind_is_refused_without_being_shown(tmp_path):
    other = generate_private_key(SECP256R1())
    pem = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "other.pem").write_bytes(pem)

    with pytest.raises(SettingMissing, match="M703") as refused:
        load_key(f"file:{tmp_path / 'other.pem'}")

    assert pem.decode().splitlines()[1] not in str(refused.value)


def test_a_key_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SettingMissing, match="M803"):
        load_key(f"file:{tmp_path / 'absent.pem'}")
