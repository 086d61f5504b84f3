"""The way in for a web server that speaks WSGI: `matricula.site.wsgi:application`."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "matricula.site.settings")
application = get_wsgi_application()
