"""The addresses of the room: tokens, the operations of OneRoster, its discovery files."""

from __future__ import annotations

import re

from django.urls import path, re_path

from matricula.api import tokens
from matricula.api.oneroster import views
from matricula.api.oneroster.discovery import files
from matricula.api.oneroster.operations import Operation, operations
from matricula.connectors.kit.oneroster.json_text import path_of

# Of line ends too, which no full stop stands for.
_ANY = r"[\s\S]"


def _route(operation: Operation) -> str:
    """Write a path as a pattern. Only the last identifier of all may hold a slash."""
    path_ = f"{path_of(operation.shape.service)}/{operation.path}".lstrip("/")
    one = f"{_ANY}+" if operation.is_single else "[^/]+"
    return "^" + re.sub(r"\{(\w+)\}", lambda found: f"(?P<{found[1]}>{one})", path_) + "$"


urlpatterns = [
    path("oauth/token", tokens.token),
    *(path(file, views.described, {"service": service}) for file, service in files()),
    *(re_path(_route(one), views.view_of(one)) for one in operations()),
    re_path(f"^ims/oneroster/{_ANY}*$", views.nothing),
]
