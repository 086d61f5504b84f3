"""Django's settings, all from the environment.

`MATRICULA_HOME` (default `./.matricula`) holds the embedded database, snapshots and runs;
`MATRICULA_DATABASE_URL` names another database, such as
`postgresql://user@host:5432/name` (its password may stand in `MATRICULA_DATABASE_PASSWORD`).
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from matricula.site.address import served_at
from matricula.site.database import database
from matricula.site.mail import daily_at, sender, server

HOME = Path(os.environ.get("MATRICULA_HOME") or ".matricula").absolute()

DATABASES = {
    "default": database(
        os.environ.get("MATRICULA_DATABASE_URL", ""),
        home=HOME,
        password=os.environ.get("MATRICULA_DATABASE_PASSWORD", ""),
    )
}
# A thread that answers requests keeps its connection for a while.
DATABASES["default"]["CONN_MAX_AGE"] = 60
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "matricula.audit",
    "matricula.accounts",
    "matricula.sis.acts",
    "matricula.sis.people",
    "matricula.sis.curriculum",
    "matricula.sis.holds",
    "matricula.sis.registration",
    "matricula.sis.admissions",
    "matricula.sis.enrolment",
    "matricula.sis.teaching",
    "matricula.sis.notices",
    "matricula.sis.received",
    "matricula.sis.record",
    "matricula.connectors.oneroster_provider",
    "matricula.connectors.scim_provider",
    "matricula.hub",
    "matricula.api",
]
ROOT_URLCONF = "matricula.site.urls"
# Nobody has a session here: whoever asks or tells proves who it is with each request.
MIDDLEWARE: list[str] = []
# The charter by which requests are answered; commands say theirs with --charter.
CHARTER = Path(os.environ.get("MATRICULA_CHARTER") or "charter").absolute()
# The address under which others reach us; without one, this machine alone does.
API_URL = served_at(os.environ.get("MATRICULA_API_URL", ""))
_OTHERS = [urlsplit(API_URL).hostname or ""] if API_URL else []
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]", *_OTHERS]
USE_TZ = True
TIME_ZONE = "UTC"
# How long a run that was killed keeps other workers from the systems it wrote to.
LEASE_SECONDS = float(os.environ.get("MATRICULA_LEASE_SECONDS") or 60)
# What Django's backend is given, or None: then offices are written no letters.
SMTP = server(
    os.environ.get("MATRICULA_SMTP_URL", ""),
    password=os.environ.get("MATRICULA_SMTP_PASSWORD", ""),
)
MAIL_FROM = sender(os.environ.get("MATRICULA_MAIL_FROM", ""), is_needed=SMTP is not None)
MAIL_AT = daily_at(os.environ.get("MATRICULA_MAIL_AT") or "07:00")
# No page is served yet. Django asks for a key; nothing is signed with this one.
SECRET_KEY = os.environ.get("MATRICULA_SECRET_KEY", "no-page-is-served-yet")
