"""Ways into learning management systems and rosters, on their simulators."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from matricula.connectors.canvas.simulator import running_canvas
from matricula.connectors.moodle.simulator import serve
from matricula.connectors.oneroster.simulator import provider
from tests.conformance.door import SECRET, VARIABLE, Door, Porter
from tests.counterparts.authority import authority_in

if TYPE_CHECKING:
    from collections.abc import Iterator

_FUNCTIONS = (
    "core_enrol_get_enrolled_users", "core_user_get_users_by_field", "core_user_create_users",
    "core_user_update_users",
)  # fmt: skip
_CANVAS = ("read_sis", "import_sis", "read_roster", "read_course_list", "manage_user_logins")


@contextmanager
def _moodle(_: Any) -> Iterator[Porter]:
    with serve() as moodle:
        moodle.token = SECRET
        settings = {
            "url": moodle.url, "token": f"env:{VARIABLE}", "auth": "oauth2",
            "resources": ["users"], "attempts": 1,
        }  # fmt: skip
        yield Porter(settings, take=moodle.functions.discard)


@contextmanager
def _canvas(request: Any) -> Iterator[Porter]:
    with running_canvas() as canvas:
        canvas.token = SECRET
        settings = {
            "url": canvas.url, "token": f"env:{VARIABLE}",
            "ca_file": authority_in(request.getfixturevalue("tmp_path")),
        }  # fmt: skip

        def take(permission: str) -> None:
            # Managing SIS is as good as reading and importing.
            canvas.granted.difference_update({permission, "manage_sis"})

        yield Porter(settings, expire=lambda: canvas.expired.add(SECRET), take=take)


def _oneroster(version: str) -> Any:
    @contextmanager
    def opened(_: Any) -> Iterator[Porter]:
        with provider() as running:
            running.client_secret = SECRET
            running.signed = version == "1.1"
            way = (
                {"signature": "HMAC-SHA256"}
                if running.signed
                else {"token_url": running.token_url}
            )
            settings = {
                "url": running.url, "client_id": running.client_id,
                "client_secret": f"env:{VARIABLE}", "version": version, **way,
            }  # fmt: skip
            yield Porter(
                settings,
                take=lambda _: running.forbidden.add("users"),
                handed_out=lambda: running.tokens,
            )

    return opened


@contextmanager
def _oneroster_token(_: Any) -> Iterator[Porter]:
    with provider() as running:
        running.tokens.add(SECRET)
        settings = {"url": running.url, "token": f"env:{VARIABLE}"}
        yield Porter(
            settings,
            expire=running.tokens.clear,
            take=lambda _: running.forbidden.add("users"),
        )


DOORS = [
    Door(
        "Moodle, token", "moodle", "users", "idnumber", _moodle,
        wrong=("Moodle does not let us in (invalidtoken)", "Renew the token"),
        endless="Moodle answers `invalidtoken` to a token that has ended, as to a wrong one",
        lacking=_FUNCTIONS,
        writes=True,
    ),
    Door(
        "Canvas, token", "canvas", "users", "user_id", _canvas,
        wrong=("Canvas does not know the token", "Have a new one made"),
        expired=("Canvas does not know the token", "expired"),
        lacking=_CANVAS,
        writes=True,
    ),
    Door(
        "OneRoster, OAuth 2", "oneroster", "users", "sourcedId", _oneroster(version="1.2"),
        wrong=("token address answers 401", "secret"),
        endless="a token lasts an hour and a new one is fetched; a secret ends when it is "
        "replaced, and is wrong then",
        lacking=("scope/roster-core.readonly",),
    ),
    Door(
        "OneRoster, OAuth 1", "oneroster", "users", "sourcedId", _oneroster(version="1.1"),
        wrong=("does not let us in",),
        endless="nothing is handed out that could end",
        lacking=("read users",),
    ),
    Door(
        "OneRoster, token", "oneroster", "users", "sourcedId", _oneroster_token,
        wrong=("does not let us in",),
        expired=("does not let us in", "Renew the credentials"),
        lacking=("read users",),
    ),
]  # fmt: skip
