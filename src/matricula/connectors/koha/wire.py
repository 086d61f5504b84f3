"""Calls to one Koha, each ending in an answer or in one of the kit's errors.

The only file that knows addresses. What an answer means for a patron is for the callers to
say; here it is told apart from what it means for the system, and a permission that our
account lacks is named.

Source: Koha's own interface description (`x-koha-authorization`, embeds), and its answers as
measured on 23.05.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from matricula.connectors.kit import http
from matricula.connectors.kit.errors import ReadBack, Stop
from matricula.connectors.kit.oauth import FetchedToken, Grant
from matricula.connectors.kit.secrets import credential
from matricula.connectors.kit.transport import Access
from matricula.connectors.koha.settings import BASE_PATH

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from matricula.connectors.koha.mapping import Patron
    from matricula.connectors.koha.settings import KohaSettings

_FORBIDDEN = 403
_API_KEY = (
    "Look at the API key in Koha, and that `RESTOAuth2ClientCredentials` is on; the key's "
    "identifier and secret stand in the charter by reference."
)
COUNTS = "checkouts+count,overdues+count"
BALANCE = "account_balance"
ATTRIBUTES = "extended_attributes"
# No patron has this number: Koha counts from 1. A call about it tells what we may do.
_NOBODY = "0"
_LONGEST_ID = 18


@dataclass(frozen=True, slots=True)
class Answer:
    """What Koha said.

    Attributes:
        status: 2xx, or a refusal that concerns one patron.
        body: The JSON, None when there was none.
        day: The system's own day, from its `Date`.
        total: How many a listing would have without pages, where it says so.
    """

    status: int
    body: Any
    day: date | None = None
    total: int | None = None

    @property
    def good(self) -> bool:
        """It did what it was asked."""
        return 200 <= self.status < 300  # noqa: PLR2004 - the class of good answers in HTTP

    @property
    def record(self) -> Patron:
        """The body as an object; empty where it is none."""
        return self.body if isinstance(self.body, dict) else {}

    @property
    def records(self) -> list[Patron]:
        """The body as a list of objects.

        Raises:
            GiveUp: It is none (M615).
        """
        if isinstance(self.body, list) and all(isinstance(one, dict) for one in self.body):
            return self.body
        raise http.not_understood("a listing that should be a list of records is not")


class Wire:
    """One Koha. Opens its connections with the first call; safe to use from threads."""

    def __init__(self, settings: KohaSettings) -> None:
        self._settings = settings
        self._http: http.Http | None = None
        self._lock = threading.Lock()

    def close(self) -> None:
        """Let go of connections; a later call opens new ones."""
        if self._http is not None:
            self._http.close()
            self._http = None

    def patrons(
        self,
        query: Mapping[str, Any],
        *,
        embed: Sequence[str] = (),
        size: int = -1,
        falling: bool = False,
    ) -> Answer:
        """List patrons by their number, rising.

        Args:
            query: In Koha's own language, its columns written `me.` so that none is ambiguous
                once attributes are joined to it.
            embed: What else to show of each.
            size: Patrons in one answer; -1 for all.
            falling: From the highest number down.
        """
        order = "-me.patron_id" if falling else "me.patron_id"
        asked: dict[str, str | int] = {"_order_by": order, "_per_page": size}
        given = {**asked, "q": json.dumps(query)} if query else asked
        return self._read("/patrons", "patrons", params=given, embed=embed)

    def patron(self, patron_id: str) -> Answer:
        """Fetch one patron with its attributes; 404 where the number is none at all."""
        if not _is_number(patron_id):
            return _NOTHING
        return self._read(f"/patrons/{patron_id}", "patrons", embed=[ATTRIBUTES])

    def account(self, patron_id: str) -> Answer:
        """Fetch what a patron owes and is owed."""
        return self._read(f"/patrons/{patron_id}/account", "account")

    def holds(self, patron_id: str) -> Answer:
        """List what a patron has reserved."""
        return self._read(f"/patrons/{patron_id}/holds", "holds", params={"_per_page": -1})

    def create(self, patron: Patron) -> Answer:
        """Make a patron."""
        return self._call("POST", "/patrons", "patrons", json=patron)

    def change(self, patron_id: str, patron: Patron) -> Answer:
        """Change a patron; what is absent stays."""
        return self._call("PUT", f"/patrons/{patron_id}", "patrons", json=patron)

    def delete(self, patron_id: str) -> Answer:
        """Remove a patron; Koha keeps one with loans or debts."""
        if not _is_number(patron_id):
            return _NOTHING
        return self._call("DELETE", f"/patrons/{patron_id}", "patrons")

    def add_attribute(self, patron_id: str, code: str, value: str) -> Answer:
        """Give a patron an extended attribute."""
        path = f"/patrons/{patron_id}/extended_attributes"
        return self._call("POST", path, ATTRIBUTES, json={"type": code, "value": value})

    def change_attribute(self, patron_id: str, number: int, value: str) -> Answer:
        """Give an extended attribute another value."""
        path = f"/patrons/{patron_id}/extended_attributes/{number}"
        return self._call("PATCH", path, ATTRIBUTES, json={"value": value})

    def drop_attribute(self, patron_id: str, number: int) -> Answer:
        """Take an extended attribute away."""
        path = f"/patrons/{patron_id}/extended_attributes/{number}"
        return self._call("DELETE", path, ATTRIBUTES)

    def lacking(self, use: str) -> list[str]:
        """Name the permissions that our account lacks for a use, by calls that do nothing.

        Koha looks at permissions first: a body that it must refuse, or a patron that cannot
        be, shows whether we would be let in.

        Args:
            use: One of `Use`, or `create` and `update` for the halves of `patrons`.

        Raises:
            TryAgain: It is away. Stop: it does not let us in at all.
        """
        found: dict[str, None] = {}
        for method, path, given in _PROBES[use]:
            answer = self._open().send(
                method, BASE_PATH + path, what=path.split("/")[-1], expect=_JUDGED, **given
            )
            lacking = _lacking(answer)
            if answer.status == _FORBIDDEN and lacking is None:
                raise _not_let_in(f"{method} patrons")
            found.update(dict.fromkeys([lacking] if lacking else []))
        return list(found)

    def _read(self, path: str, what: str, *, embed: Sequence[str] = (), **given: Any) -> Answer:  # noqa: ANN401 - passed on as it is
        headers = {"x-koha-embed": ",".join(embed)} if embed else {}
        return self._call("GET", path, what, headers=headers, **given)

    def _call(self, method: str, path: str, what: str, **given: Any) -> Answer:  # noqa: ANN401 - passed on as it is
        answer = self._open().send(method, BASE_PATH + path, what=what, expect=_JUDGED, **given)
        if answer.status == _FORBIDDEN:
            return _judged(method, what, answer)
        if method in http.SAFE:
            if answer.status != _NOT_FOUND:
                http.must_succeed(answer, what=what)
            body = answer.json() if answer.body else None
            return Answer(answer.status, body, _day(answer), _total(answer))
        return Answer(answer.status, _body(method, what, answer))

    def _open(self) -> http.Http:
        # The first calls of a batch come from several threads at once.
        with self._lock:
            if self._http is None:
                self._http = self._opened()
            return self._http

    def _opened(self) -> http.Http:
        settings = self._settings
        access = Access(
            settings.url,
            user=settings.user or "",
            password=settings.password or "",
            timeout_seconds=settings.timeout_seconds,
            deadline_seconds=settings.timeout_seconds,
            per_second=settings.per_second,
        )
        if not settings.client_id:
            return http.Http(access)
        key = Grant(
            f"{settings.url}{BASE_PATH}/oauth/token", credential(settings.client_id),
            settings.client_secret or "", timeout_seconds=settings.timeout_seconds, in_form=True,
            cure=_API_KEY,
        )  # fmt: skip
        return http.Http(access, auth=FetchedToken(key))


_NOT_FOUND = 404
_NOTHING = Answer(_NOT_FOUND, None)
_JUDGED = frozenset({_FORBIDDEN})
_CREATE: tuple[str, str, dict[str, Any]] = ("POST", "/patrons", {"json": {}})
_CHANGE: tuple[str, str, dict[str, Any]] = ("PUT", f"/patrons/{_NOBODY}", {"json": {}})
_LIST: tuple[str, str, dict[str, Any]] = ("GET", "/patrons", {"params": {"_per_page": 1}})
_ONE: tuple[str, str, dict[str, Any]] = ("GET", f"/patrons/{_NOBODY}", {})
_PROBES: Mapping[str, Sequence[tuple[str, str, dict[str, Any]]]] = {
    "reading": (_LIST, _ONE),
    "create": (_CREATE,),
    "update": (_CHANGE,),
    "patrons": (_LIST, _ONE, _CREATE, _CHANGE),
    "deletion": (("DELETE", f"/patrons/{_NOBODY}", {}),),
    "clearance": (
        ("GET", f"/patrons/{_NOBODY}/account", {}),
        ("GET", f"/patrons/{_NOBODY}/holds", {}),
    ),
}


def unknown(why: str) -> ReadBack:
    """Say that a patron was sent, and that nobody knows what became of it."""
    return ReadBack(why, code="M612", cure="The record is read back before anything else.")


def _is_number(patron_id: str) -> bool:
    return patron_id.isascii() and patron_id.isdigit() and len(patron_id) <= _LONGEST_ID


def _judged(method: str, what: str, answer: http.Answer) -> Answer:
    """Tell a permission that we lack from a patron that is not ours to change."""
    lacking = _lacking(answer)
    if lacking is not None:
        raise Stop(
            f"{method} {what}: our account in Koha lacks the permission {lacking}.",
            code="M613",
            cure="Have the library grant it to the account that the charter names.",
        )
    if method == "PUT" and "superlibrarian" in str(_said(answer).get("error")):
        return Answer(_FORBIDDEN, _said(answer))
    raise _not_let_in(f"{method} {what}")


def _not_let_in(called: str) -> Stop:
    return Stop(
        f"{called}: Koha does not let us in (status {_FORBIDDEN}).",
        code="M613",
        cure="Look at the user name and password, or the API key, that the charter names.",
    )


def _lacking(answer: http.Answer) -> str | None:
    """Name the permission that a refusal asks for; None where it asks for none."""
    asked = _said(answer).get("required_permissions")
    if answer.status != _FORBIDDEN or not asked:
        return None
    some = asked if isinstance(asked, list) else [asked]
    return " or ".join(_written(one) for one in some if isinstance(one, dict)) or None


def _written(permissions: Mapping[str, object]) -> str:
    parts = [
        # 1 asks for everything below a flag.
        flag if str(part) == "1" else f"{flag}:{part}"
        for flag, part in sorted(permissions.items())
    ]
    return " with ".join(parts)


def _said(answer: http.Answer) -> dict[str, Any]:
    try:
        said = json.loads(answer.body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _body(method: str, what: str, answer: http.Answer) -> object:
    if not answer.is_success:
        return _said(answer)
    try:
        return json.loads(answer.body) if answer.body.strip() else None
    except ValueError:
        message = f"{method} {what} is answered with {answer.status} and no JSON."
        raise unknown(message) from None


def _total(answer: http.Answer) -> int | None:
    told = answer.headers.get("x-total-count", "").strip()
    return int(told) if told.isascii() and told.isdigit() else None


def _day(answer: http.Answer) -> date | None:
    try:
        return parsedate_to_datetime(answer.headers.get("date", "")).date()
    except ValueError:
        return None
