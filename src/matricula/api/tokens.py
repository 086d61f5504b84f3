"""The address where clients ask for tokens.

OAuth 2.0 client credentials (RFC 6749 sections 4.4 and 2.3.1): the client's name and secret
come in the Basic header or in the form. Errors are those of section 5.2.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from django.core.exceptions import TooManyFieldsSent
from django.db import OperationalError
from django.http import JsonResponse, QueryDict
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from matricula.api.actions import issue
from matricula.kernel.errors import Refused

if TYPE_CHECKING:
    from django.http import HttpRequest

_LONGEST = 16 << 10
_ERRORS = {"M750": ("invalid_client", 401), "M752": ("invalid_scope", 400)}


@csrf_exempt
def token(request: HttpRequest) -> JsonResponse:
    """Hand out a token, or say in the words of OAuth why not."""
    if request.method != "POST":
        answer = _refused("invalid_request", "Tokens are asked for by POST.", 405)
        answer["Allow"] = "POST"
        return answer
    request.get_host()
    form = _form(request)
    if form is None:
        return _refused("invalid_request", "The form is no form, or too long.", 400)
    if form.get("grant_type") != "client_credentials":
        kind = "unsupported_grant_type" if form.get("grant_type") else "invalid_request"
        return _refused(kind, "The only grant is client_credentials.", 400)
    name, secret = _credentials(request, form)
    try:
        issued = issue(name, secret, scopes=form.get("scope", "").split(), at=timezone.now())
    except Refused as error:
        kind, status = _ERRORS[error.code]
        return _refused(kind, error.message, status)
    except OperationalError:
        return _refused("temporarily_unavailable", "The database is busy; ask again.", 503)
    return _told(
        {
            "access_token": issued.token, "token_type": "bearer", "expires_in": issued.seconds,
            "scope": " ".join(issued.scopes),
        },
        200,
    )  # fmt: skip


def _form(request: HttpRequest) -> QueryDict | None:
    """Read the form, and nothing else: a stranger's files would be written to the disk."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    is_short = length.isdigit() and int(length) <= _LONGEST
    if request.content_type != "application/x-www-form-urlencoded" or not is_short:
        return None
    try:
        return QueryDict(request.body, encoding="utf-8")
    except TooManyFieldsSent:
        return None


def _credentials(request: HttpRequest, form: QueryDict) -> tuple[str, str]:
    kind, _, told = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "basic":
        return str(form.get("client_id", "")), str(form.get("client_secret", ""))
    try:
        pair = base64.b64decode(told, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    name, _, secret = pair.partition(":")
    return unquote_plus(name), unquote_plus(secret)


def _refused(kind: str, why: str, status: int) -> JsonResponse:
    answer = _told({"error": kind, "error_description": why}, status)
    if status == 401:  # noqa: PLR2004 - as RFC 6749 section 5.2 wants it
        answer["WWW-Authenticate"] = 'Basic realm="matricula"'
    return answer


def _told(value: dict[str, object], status: int) -> JsonResponse:
    answer = JsonResponse(value, status=status)
    answer["Cache-Control"] = "no-store"
    answer["Pragma"] = "no-cache"
    return answer
