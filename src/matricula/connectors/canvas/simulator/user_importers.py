"""How the small Canvas imports users and further logins.

Source: lib/sis/user_importer.rb of Canvas; the messages are in its words.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from matricula.connectors.canvas.simulator.batch import RowError

if TYPE_CHECKING:
    from matricula.connectors.canvas.simulator.batch import Batch, Line
    from matricula.connectors.canvas.simulator.campus import Campus, Pseudonym, User

_LONGEST = 255
_STATUSES = ("active", "suspended", "deleted")
_ADDRESS = re.compile(r"\A[^@\s]+@[^@\s]+\.[^@\s.]+\Z")


def user_row(campus: Campus, batch: Batch, line: Line) -> str | None:
    """Import a row of users.csv; what it says of a row that took effect, if it says something.

    Raises:
        RowError: The row is not imported.
    """
    status = line.get("status").lower()
    _sound(campus, line, status)
    pseudonym = _whose(campus, line, status)
    if status == "deleted" and pseudonym is not None:
        if pseudonym.workflow_state == "deleted":
            return None
        _remove_enrollments_if_last_login(campus, pseudonym)
    pseudonym = pseudonym or _newcomer(campus, line)
    user = campus.users[pseudonym.user_id]
    _put_user(batch, user, line)
    _put_login(campus, batch, pseudonym, line, status)
    return _put_email(user, line)


def login_row(campus: Campus, batch: Batch, line: Line) -> None:  # noqa: ARG001 - as all importers
    """Import a row of logins.csv.

    Raises:
        RowError: The row is not imported.
    """
    sis_id, login = line.get("user_id"), line.get("login_id")
    _named(line)
    if not line.get("existing_user_id"):
        raise RowError(f"No existing user provided for login with SIS ID {sis_id}")
    if campus.pseudonym(sis_id) or campus.login(login):
        raise RowError(
            f"An existing Canvas user with the SIS ID {sis_id} or login of {login} already "
            "exists, skipping"
        )
    existing = campus.pseudonym(line.get("existing_user_id"))
    if existing is None or existing.workflow_state == "deleted":
        raise RowError(
            f"Could not find the existing user for login with SIS ID {sis_id}, skipping"
        )
    added = campus.add_pseudonym(existing.user_id, login, sis_id)
    added.integration_id = line.get("integration_id") or None
    added.authentication_provider_id = line.get("authentication_provider_id") or None


def _named(line: Line) -> None:
    if not line.get("user_id"):
        raise RowError("No user_id given for a user")
    if not line.get("login_id"):
        raise RowError(f"No login_id given for user {line.get('user_id')}")


def _sound(campus: Campus, line: Line, status: str) -> None:
    sis_id, provider = line.get("user_id"), line.get("authentication_provider_id")
    _named(line)
    if not status:
        raise RowError(f"No status given for user {sis_id}")
    if not status.startswith(_STATUSES):
        raise RowError(f"Improper status for user {sis_id}")
    if provider and provider not in campus.providers:
        raise RowError(f"unrecognized authentication provider {provider} for {sis_id}, skipping")
    texts = ("full_name", "sortable_name", "short_name", "login_id")
    if any(len(line.get(name)) > _LONGEST for name in texts):
        raise RowError(
            f"Could not save the user with user_id: '{sis_id}'. Unknown reason: name is too long"
        )


def _whose(campus: Campus, line: Line, status: str) -> Pseudonym | None:
    """Find whose row it is: by SIS ID, and else by the login, which may be somebody's already."""
    sis_id = line.get("user_id")
    mine, by_login = campus.pseudonym(sis_id), campus.login(line.get("login_id"))
    pseudonym = mine or by_login
    _integration_free(campus, pseudonym, line, status)
    holder = None
    if pseudonym is not None and pseudonym.sis_user_id and pseudonym.sis_user_id != sis_id:
        holder = pseudonym
    elif by_login is not None and by_login is not pseudonym and status != "deleted":
        holder = by_login
    if holder is not None:
        raise RowError(
            f"An existing Canvas user with the {_called(holder)} has already claimed {sis_id}'s "
            "user_id requested login information, skipping"
        )
    if status == "deleted" and pseudonym is not None and pseudonym.user_id == campus.owner:
        raise RowError(f"Can't remove yourself user_id '{sis_id}'")
    return pseudonym


def _called(holder: Pseudonym) -> str:
    if holder.sis_user_id:
        return f"SIS ID {holder.sis_user_id}"
    return f"Canvas ID {holder.user_id}"


def _integration_free(
    campus: Campus, pseudonym: Pseudonym | None, line: Line, status: str
) -> None:
    wanted = line.get("integration_id")
    if not wanted or status == "deleted":
        return
    for other in campus.pseudonyms.values():
        if other.integration_id == wanted and other is not pseudonym:
            raise RowError(
                f"An existing Canvas user with the {_called(other)} has already claimed "
                f"{line.get('user_id')}'s requested integration_id, skipping"
            )


def _newcomer(campus: Campus, line: Line) -> Pseudonym:
    user = campus.add_user(line.get("full_name") or line.get("login_id"))
    user.sortable_name, user.short_name = _sortable(user.name), user.name
    return campus.add_pseudonym(user.id, line.get("login_id"))


def _put_user(batch: Batch, user: User, line: Line) -> None:
    override = batch.on("override_sis_stickiness")
    name, sortable = line.get("full_name"), line.get("sortable_name")
    if name and ("name" not in user.stuck or override):
        user.name = name
    if "sortable_name" not in user.stuck or override:
        if sortable:
            user.sortable_name = sortable
        elif name:
            user.sortable_name = _sortable(name)
    if line.get("short_name") and ("short_name" not in user.stuck or override):
        user.short_name = line.get("short_name")
    if override and batch.on("clear_sis_stickiness"):
        user.stuck.clear()


def _put_login(
    campus: Campus, batch: Batch, pseudonym: Pseudonym, line: Line, status: str
) -> None:
    override = batch.on("override_sis_stickiness")
    if "unique_id" not in pseudonym.stuck or override:
        campus.rename_login(pseudonym, line.get("login_id"))
    # A provider that is not named is taken away.
    pseudonym.authentication_provider_id = line.get("authentication_provider_id") or None
    if pseudonym.sis_user_id != line.get("user_id"):
        campus.give_sis_id(pseudonym, line.get("user_id"))
    pseudonym.integration_id = line.get("integration_id") or pseudonym.integration_id
    told = line.get("declared_user_type")
    if told:
        pseudonym.declared_user_type = None if told == "<delete>" else told
    if "workflow_state" not in pseudonym.stuck or override:
        pseudonym.workflow_state = status
    if override and batch.on("clear_sis_stickiness"):
        pseudonym.stuck.clear()


def _put_email(user: User, line: Line) -> str | None:
    address, sis_id = line.get("email"), line.get("user_id")
    if not address:
        return None
    if not _ADDRESS.match(address):
        return f"The email address associated with user '{sis_id}' is invalid (email: '{address}')"
    user.email = address
    return None


def _remove_enrollments_if_last_login(campus: Campus, pseudonym: Pseudonym) -> None:
    if any(one is not pseudonym for one in campus.logins_of(pseudonym.user_id)):
        return
    for one in campus.enrollments.values():
        if one.user_id == pseudonym.user_id:
            one.workflow_state = "deleted"


def _sortable(name: str) -> str:
    given, _, family = name.rpartition(" ")
    return f"{family}, {given}" if given else name
