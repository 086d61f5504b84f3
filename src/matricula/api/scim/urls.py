"""The addresses of the SCIM server."""

from __future__ import annotations

from django.urls import path, re_path

from matricula.api.scim import discovery, views
from matricula.connectors.scim_provider.kinds import kinds

urlpatterns = [
    path("ServiceProviderConfig", views.config),
    path("ResourceTypes", views.described(discovery.resource_types)),
    path("ResourceTypes/<str:identifier>", views.described(discovery.resource_types)),
    path("Schemas", views.described(discovery.schemas)),
    path("Schemas/<str:identifier>", views.described(discovery.schemas)),
    *(path(f"{one.path}/.search", views.search_of(one.name)) for one in kinds().values()),
    *(path(one.path, views.listing_of(one.name)) for one in kinds().values()),
    *(path(f"{one.path}/<str:identifier>", views.single_of(one.name))
      for one in kinds().values()),
    re_path(r"^(?:Bulk|Me|\.search)?$", views.not_offered),
    re_path(r"^.*$", views.nothing),
]  # fmt: skip
