"""Every address that is served, from the rooms that serve them."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [
    path("hooks/", include("matricula.api.hooks")),
    path("", include("matricula.api.urls")),
]
handler500 = "matricula.api.urls.broken"
