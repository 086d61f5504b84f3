"""Where systems announce that something changed: `POST /hooks/SYSTEM`.

Nobody is let in but by the signature on the message itself. The answer says that it was
taken, or a code and what to do; never what was in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import OperationalError
from django.http import JsonResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from matricula.api import agreement
from matricula.hub import announced
from matricula.kernel.errors import MatriculaError

if TYPE_CHECKING:
    from django.http import HttpRequest

_TAKEN, _TOO_LARGE = 202, 413
_STATUSES = {"M596": 401, "M597": 400, "M598": 429, "M599": 404}
_UNUSABLE = "M806"
_SOON_SECONDS = 60


@csrf_exempt
def announce(request: HttpRequest, system: str) -> JsonResponse:
    """Take an announcement, or say why not."""
    if request.method != "POST":
        answer = JsonResponse({"message": "Announcements are posted."}, status=405)
        answer["Allow"] = "POST"
        return answer
    headers = {name.lower(): value for name, value in request.headers.items()}
    # One byte more than is taken is enough to know that there is too much.
    body = request.read(announced.LARGEST + 1)
    posted = announced.Posted(system, headers, body, timezone.now())
    try:
        announced.take(agreement.present(), posted)
    except MatriculaError as error:
        return _refused(error)
    except OperationalError:
        # A long delivery may hold an embedded database; nothing was taken.
        return _not_now(_UNUSABLE)
    return JsonResponse({}, status=_TAKEN)


def _refused(error: MatriculaError) -> JsonResponse:
    is_large = isinstance(error, announced.TooLarge)
    status = _TOO_LARGE if is_large else _STATUSES.get(error.code)
    if status is None:
        # What is not there on our side is no business of the sender's.
        return _not_now(error.code)
    told = {"code": error.code, "message": error.message, "cure": error.cure}
    answer = JsonResponse(told, status=status)
    if isinstance(error, announced.TooMany):
        answer["Retry-After"] = str(error.after_seconds)
    return answer


def _not_now(code: str) -> JsonResponse:
    answer = JsonResponse({"code": code}, status=503)
    answer["Retry-After"] = str(_SOON_SECONDS)
    return answer


urlpatterns = [path("<str:system>", announce)]
