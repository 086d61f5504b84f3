"""Calls to Moodle's REST server, each ending in an answer or in one of the kit's errors.

The only file that knows addresses. The token is the last variable of every call: PHP drops
what goes beyond `max_input_vars` and answers as if all were well, so a call that is too long
must lose its token and be refused as a whole (decision 0036).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote_plus

from matricula.connectors.kit import http
from matricula.connectors.kit.errors import ConnectorError, GiveUp, ReadBack, TryAgain
from matricula.connectors.kit.secrets import credential
from matricula.connectors.kit.transport import Access
from matricula.connectors.moodle.refusals import judged, of_no_record, unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from matricula.connectors.moodle.settings import MoodleSettings

One = TypeVar("One")
_PATH = "/webservice/rest/server.php"
# PHP's own limit is 1000, and Moodle asks for 5000; a few go into the call itself.
MOST_VARIABLES = 900
_PAUSE_SECONDS = 0.5


class Wire:
    """One site. Opens its connections with the first call; safe to use from threads."""

    def __init__(self, settings: MoodleSettings, clock: http.Clock | None = None) -> None:
        self._settings = settings
        self._clock = clock or http.Clock()
        self._http: http.Http | None = None

    def close(self) -> None:
        """Let go of connections; a later call opens new ones."""
        if self._http is not None:
            self._http.close()
            self._http = None

    def read(self, function: str, **arguments: object) -> Any:  # noqa: ANN401 - a JSON value
        """Call a function that changes nothing; it is sent again when no answer comes.

        Raises:
            TryAgain: It cannot be answered now. Stop: Moodle does not let us in.
            GiveUp: This is no Moodle, or it has no such function.
            Refused: It is answered with an error that may be about a record.
        """
        for attempt in range(1, self._settings.attempts + 1):
            try:
                return self._call(function, arguments)
            except (TryAgain, ReadBack) as error:
                later = _only_later(error)
                if attempt == self._settings.attempts or later.after_seconds:
                    raise later from error
            self._clock.sleep(_PAUSE_SECONDS * attempt)
        raise http.not_understood("no attempt was allowed")

    def must_read(self, function: str, **arguments: object) -> Any:  # noqa: ANN401 - a JSON value
        """Call a function that changes nothing and is about no single record.

        Raises:
            ConnectorError: Of the kit; never `Refused`.
        """
        with of_no_record():
            return self.read(function, **arguments)

    def write(self, function: str, **arguments: object) -> Any:  # noqa: ANN401 - a JSON value
        """Call a function that changes something; it is sent once.

        Raises:
            TryAgain: Nothing happened. ReadBack: it was sent, and nobody knows.
            Stop: Moodle does not let us in. GiveUp: it has no such function.
            Refused: It is answered with an error that may be about a record.
        """
        return self._call(function, arguments, writes=True)

    def _call(
        self, function: str, arguments: Mapping[str, object], *, writes: bool = False
    ) -> Any:  # noqa: ANN401
        pairs = flattened(arguments)
        if len(pairs) > MOST_VARIABLES:
            raise http.not_understood(f"{function}: {len(pairs)} variables are too many")
        answer = self._open().send(
            "POST",
            _PATH,
            what=function,
            content=self._form(function, pairs),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        if not answer.is_success:
            raise GiveUp(
                f"{function} is answered with status {answer.status}.",
                code="M615",
                cure="Look at `url` in the charter: it must be the address of the Moodle site, "
                "and its REST protocol must be enabled.",
            )
        return _understood(function, answer.body, writes=writes)

    def _form(self, function: str, pairs: list[tuple[str, str]]) -> bytes:
        every = [
            # Raw: names and descriptions as they are stored, not as a page shows them.
            ("moodlewsrestformat", "json"),
            ("moodlewssettingraw", "1"),
            ("moodlewssettingfilter", "0"),
            ("wsfunction", function),
            *pairs,
            ("wstoken", credential(self._settings.token)),
        ]
        text = "&".join([f"{quote_plus(name, '[]')}={quote_plus(value)}" for name, value in every])
        # Quoted last and at once: most of a call is names with brackets. No value has any left.
        return text.replace("[", "%5B").replace("]", "%5D").encode("ascii")

    def _open(self) -> http.Http:
        if self._http is None:
            settings = self._settings
            access = Access(
                settings.url,
                ca_file=settings.ca_file,
                timeout_seconds=settings.timeout_seconds,
                deadline_seconds=settings.timeout_seconds,
                per_second=settings.per_second,
            )
            self._http = http.Http(access)
        return self._http


def flattened(value: object, name: str = "") -> list[tuple[str, str]]:
    """Write nested values the way PHP reads them back: `users[0][username]=...`."""
    found: list[tuple[str, str]] = []
    _gather(value, name, found)
    return found


def _gather(value: object, name: str, found: list[tuple[str, str]]) -> None:
    if isinstance(value, str):
        found.append((name, value))
    elif isinstance(value, dict):
        for key, one in value.items():
            _gather(one, f"{name}[{key}]" if name else str(key), found)
    elif isinstance(value, list | tuple):
        for number, one in enumerate(value):
            _gather(one, f"{name}[{number}]", found)
    elif isinstance(value, bool):
        found.append((name, str(int(value))))
    else:
        found.append((name, "" if value is None else str(value)))


def width(form: object) -> int:
    """Count the variables that a value takes in a call."""
    if isinstance(form, str):
        return 1
    return len(flattened({"": form}))


def portions(
    rows: Sequence[One], size: int, wide: Callable[[One], int] = width
) -> list[Sequence[One]]:
    """Divide rows so that no call has more than `size` of them, or too many variables.

    Args:
        rows: What is to be sent.
        size: Of a call, in rows.
        wide: How many variables a row takes at most.
    """
    widest = max(map(wide, rows), default=1)
    step = max(1, min(size, MOST_VARIABLES // max(widest, 1)))
    return [rows[start : start + step] for start in range(0, len(rows), step)]


def _understood(function: str, body: bytes, *, writes: bool) -> Any:  # noqa: ANN401 - a JSON value
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as error:
        message = f"{function} is answered with something that is not JSON."
        if writes:
            raise unknown(message) from error
        raise GiveUp(
            message,
            code="M615",
            cure="Look at `url` in the charter and at Moodle's own log: notices of PHP must "
            "not be shown on a site in use.",
        ) from error
    if isinstance(answer, dict) and "exception" in answer:
        raise judged(function, answer)
    return answer


def _only_later(error: ConnectorError) -> TryAgain:
    if isinstance(error, TryAgain):
        return error
    return TryAgain(error.message, code="M610", cure="It is tried again by itself.")
