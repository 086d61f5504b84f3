"""Django's settings, all from the environment.

`MATRICULA_HOME` (default `./.matricula`) holds the embedded database, snapshots and runs;
`MATRICULA_DATABASE_URL` names another database, such as
`postgresql://user@host:5432/name` (its password may stand in `MATRICULA_DATABASE_PASSWORD`).
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

HOME = Path(os.environ.get("MATRICULA_HOME", ".matricula")).absolute()
DATABASE_URL = os.environ.get("MATRICULA_DATABASE_URL", "")


def _database(url: str) -> dict[str, object]:
    if not url or url.startswith("sqlite"):
        path = url.partition("///")[2] if url else str(HOME / "matricula.sqlite3")
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": path,
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 30,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
            },
        }
    parts = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": os.environ.get("MATRICULA_DATABASE_PASSWORD", unquote(parts.password or "")),
        "HOST": parts.hostname or dict(parse_qsl(parts.query)).get("host", ""),
        "PORT": str(parts.port or ""),
    }


DATABASES = {"default": _database(DATABASE_URL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["matricula.audit", "matricula.hub"]
USE_TZ = True
TIME_ZONE = "UTC"
# No page is served yet. Django asks for a key; nothing is signed with this one.
SECRET_KEY = os.environ.get("MATRICULA_SECRET_KEY", "no-page-is-served-yet")
