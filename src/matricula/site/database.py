"""From a database's URL to Django's settings for it; refused at the start, not on first use."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from matricula.kernel.errors import SettingMissing

if TYPE_CHECKING:
    from pathlib import Path

# UPDATE ... FROM came with 3.33, RETURNING and safe ALTER TABLE with 3.35.
OLDEST_SQLITE = (3, 35, 0)


def database(url: str, *, home: Path, password: str = "") -> dict[str, object]:
    """Say what Django needs to know about the database.

    Args:
        url: `postgresql://user@host:5432/name` with libpq's options after `?`,
            `sqlite:///path`, or empty for SQLite in the home. A `host` among the options
            may be the folder of a socket.
        home: Where the embedded database lies.
        password: Wins over one in the URL.

    Raises:
        SettingMissing: The URL names neither database (M801), or SQLite is too old (M802).
    """
    scheme = urlsplit(url).scheme
    if not url or scheme == "sqlite":
        return _sqlite(url.partition("///")[2] or str(home / "matricula.sqlite3"))
    if scheme in {"postgresql", "postgres"}:
        return _postgresql(url, password)
    # The scheme alone: the rest of a URL may hold a password.
    raise _not_understood(f"begins with {scheme or 'no scheme'}; it is SQLite or PostgreSQL")


def _not_understood(why: str) -> SettingMissing:
    return SettingMissing(
        "M801",
        f"The database's URL {why}.",
        cure="Write postgresql://user@host:5432/name or sqlite:///path, or leave it out.",
        place="MATRICULA_DATABASE_URL",
    )


def _sqlite(path: str) -> dict[str, object]:
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        needed = ".".join(map(str, OLDEST_SQLITE))
        raise SettingMissing(
            "M802",
            f"This Python brings SQLite {sqlite3.sqlite_version}; {needed} is needed.",
            cure="Use a newer Python, or PostgreSQL through MATRICULA_DATABASE_URL.",
        )
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 30,
            # A large batch touches pages of every index: they are kept at hand, and the log
            # is folded into the file less often, than SQLite does for a telephone.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; "
            "PRAGMA cache_size=-65536; PRAGMA wal_autocheckpoint=10000;",
        },
    }


def _postgresql(url: str, password: str) -> dict[str, object]:
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    try:
        port = str(parts.port or options.pop("port", ""))
    except ValueError:
        raise _not_understood("has a port that is no number up to 65535") from None
    if not parts.path.lstrip("/"):
        raise _not_understood("names no database after the host")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": password or unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or "") or options.pop("host", ""),
        "PORT": port,
        "OPTIONS": {name: value for name, value in options.items() if name != "host"},
    }
