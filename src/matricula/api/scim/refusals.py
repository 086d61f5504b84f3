"""Refusals in the words of RFC 7644 section 3.12."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from django.http import HttpResponse

from matricula.api.answering import Voice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest

    from matricula.api.rules import NotServed

MEDIA = "application/scim+json"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
# The status in HTTP and, where the standard has one, the type in SCIM.
MEANINGS: Mapping[str, tuple[int, str]] = {
    "M751": (401, ""),
    "M752": (403, ""),
    "M753": (400, "invalidFilter"),
    "M754": (400, "invalidValue"),
    "M755": (400, "invalidValue"),
    "M756": (404, ""),
    "M757": (400, "invalidValue"),
    "M758": (405, ""),
    "M760": (403, ""),
    "M761": (400, "invalidSyntax"),
    "M762": (501, ""),
    "M763": (400, "invalidCursor"),
    "M764": (503, ""),
}
_BUSY, _BROKEN = 503, 500


def told(status: int, why: str, kind: str = "") -> HttpResponse:
    """Write a refusal."""
    # The standard writes the status as text.
    body = {"schemas": [ERROR], "status": str(status), "detail": why}
    if kind:
        body["scimType"] = kind
    return HttpResponse(json.dumps(body), content_type=MEDIA, status=status)


def refused(error: NotServed) -> HttpResponse:
    """Write a refusal that a rule of ours makes, with its cure."""
    status, kind = MEANINGS[error.code]
    return told(status, f"{error.code}: {error.message} {error.cure}", kind)


def busy(why: str) -> HttpResponse:
    """Write that the database does not answer in time."""
    return told(_BUSY, why)


def broken(request: HttpRequest) -> HttpResponse:
    """Answer when something was not foreseen: in the standard's words, and with no more."""
    del request
    return told(_BROKEN, "Something was not foreseen; whoever runs this is told.")


VOICE = Voice(refused, busy, busy)
