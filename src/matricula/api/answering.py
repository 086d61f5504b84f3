"""What every answer to another system has in common, whatever standard it is written in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import OperationalError
from django.views.decorators.csrf import csrf_exempt

from matricula.api.rules import NotAllowed, NotServed
from matricula.kernel.errors import MatriculaError

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

    View = Callable[..., HttpResponse]
_AWHILE_SECONDS = "5"
_BUSY = "The database is busy; ask again in a while."
_UNKNOWN, _READ_ONLY = 401, 405


@dataclass(frozen=True, slots=True)
class Voice:
    """How one standard tells a refusal.

    Attributes:
        refused: Of one that a rule of ours makes.
        busy: With a sentence, when the database does not answer in time.
        not_now: With a sentence, when there is no charter to judge by.
        allows: The methods that `Allow` names where another was used.
    """

    refused: Callable[[NotServed], HttpResponse]
    busy: Callable[[str], HttpResponse]
    not_now: Callable[[str], HttpResponse]
    allows: str = "GET, HEAD"


def answering(view: View, voice: Voice) -> View:
    """Turn refusals into the standard's payload; what is told is never kept by a cache."""

    @csrf_exempt
    @wraps(view)
    def answered(request: HttpRequest, **named: str) -> HttpResponse:
        # Whoever names another host is refused by Django itself.
        request.get_host()
        try:
            answer = view(request, **named)
        except NotServed as error:
            answer = _refused(voice, error)
        except (MatriculaError, OperationalError) as error:
            answer = _put_off(voice, error)
        answer["Cache-Control"] = "no-store"
        if request.method == "HEAD":
            answer["Content-Length"], answer.content = str(len(answer.content)), b""
        return answer

    return answered


def _refused(voice: Voice, error: NotServed) -> HttpResponse:
    answer = voice.refused(error)
    if answer.status_code == _UNKNOWN:
        # RFC 6750 section 3 wants this header, RFC 9110 section 15.5.6 the next.
        answer["WWW-Authenticate"] = 'Bearer realm="matricula"'
    if answer.status_code == _READ_ONLY:
        answer["Allow"] = error.allowed if isinstance(error, NotAllowed) else voice.allows
    return answer


def _put_off(voice: Voice, error: MatriculaError | OperationalError) -> HttpResponse:
    if isinstance(error, MatriculaError):
        # That the charter is broken is no business of the consumer's but by its code.
        answer = voice.not_now(f"{error.code}: Ask again in a while.")
    else:
        answer = voice.busy(_BUSY)
    answer["Retry-After"] = _AWHILE_SECONDS
    return answer


def base_of(request: HttpRequest) -> str:
    """Give the address that references begin with."""
    return settings.API_URL or request.build_absolute_uri("/").rstrip("/")
