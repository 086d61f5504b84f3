"""The key that signs checkpoints: Ed25519, kept by the operator, away from the database."""

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


def generate_key(path: Path) -> None:
    """Write a new private key, readable by its owner alone; never over another file.

    Raises:
        SettingMissing: The file is there already (M703).
    """
    pem = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise SettingMissing(
            "M703", f"{path} is there already.", cure="Name another file; a key is never replaced."
        ) from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)


def load_key(reference: str) -> Ed25519PrivateKey:
    """Load the key that `env:NAME` or `file:PATH` refers to.

    Raises:
        SettingMissing: There is none, or it is no Ed25519 key (M702, M803).
    """
    try:
        key = load_pem_private_key(reveal(reference).encode(), password=None)
    except ValueError:
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingMissing(
            "M702", f"{reference} holds no Ed25519 key in PEM.",
            cure="Make one with `matricula audit key FILE`.",
        )  # fmt: skip
    return key
