"""The key that signs checkpoints: Ed25519, made when the operator asks, kept off the database."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from matricula.kernel.errors import SettingMissing
from matricula.kernel.secrets import reveal

if TYPE_CHECKING:
    from pathlib import Path


def generate_key(path: Path) -> str:
    """Write a new private key that its owner alone can read; never over another file.

    Returns:
        The public key, 64 hexadecimal digits, to be published.

    Raises:
        SettingMissing: The file is there already (M703).
    """
    key = Ed25519PrivateKey.generate()
    try:
        # Created with its mode: written first and closed afterwards, others could read it.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise SettingMissing(
            "M703",
            f"{path} is there already, and a key is never replaced.",
            cure="Name a file that does not exist.",
        ) from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return key.public_key().public_bytes_raw().hex()


def load_key(reference: str) -> Ed25519PrivateKey:
    """Load the key that `env:NAME` or `file:PATH` refers to.

    Raises:
        SettingMissing: It is not there (M803), no such reference or no Ed25519 key (M703).
    """
    if reference.partition(":")[0] not in {"env", "file"}:
        raise SettingMissing(
            "M703",
            "MATRICULA_AUDIT_KEY says where the key is, and begins with `file:` or `env:`.",
            cure="Write MATRICULA_AUDIT_KEY=file:PATH, or env:NAME for a key in a variable.",
        )
    try:
        key = load_pem_private_key(reveal(reference).encode(), password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingMissing(
            "M703",
            f"{reference} holds no Ed25519 private key in PEM without a password.",
            cure="Make one with `matricula audit key FILE`.",
        )
    return key
