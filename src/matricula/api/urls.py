"""The addresses of the room: tokens, the operations of OneRoster, its discovery files, SCIM."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.urls import include, path, re_path

from matricula.api import tokens
from matricula.api.oneroster import views
from matricula.api.oneroster.discovery import files
from matricula.api.oneroster.operations import Operation, operations
from matricula.api.scim import refusals
from matricula.api.scim import views as scim
from matricula.connectors.kit.oneroster.json_text import path_of

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

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
    path("scim/v2/", include("matricula.api.scim.urls")),
    path("scim/v2", scim.not_offered),
]


def broken(request: HttpRequest) -> HttpResponse:
    """Answer when something was not foreseen, in the words of whichever standard was asked."""
    is_scim = request.path.startswith("/scim/")
    return refusals.broken(request) if is_scim else views.broken(request)
