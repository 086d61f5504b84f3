"""How the small Canvas imports users and further logins.

Source: lib/sis/user_importer.rb of Canvas; the messages are in its words.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matricula.connectors.canvas.simulator.batch import Batch, Line
    from matricula.connectors.canvas.simulator.campus import Campus, Pseudonym, User

_LONGEST = 255
_STATUSES = ("active", "suspended", "deleted")
_ADDRESS = re.compile(r"\A[^@\s]+@[^@\s]+\.[^@\s.]+\Z")


def user_row(campus: Campus, batch: Batch, line: Line) -> str | None:
    """Import a row of users.csv; what it says, if it says something."""
    sis_id, login, status = line.get("user_id"), line.get("login_id"), line.get("status").lower()
    wrong = _unusable(line, status)
    if wrong:
        return wrong
    pseudonym = campus.pseudonym(sis_id)
    by_login = campus.login(login)
    taken = _integration_taken(campus, pseudonym or by_login, line, status)
    if taken:
        return taken
    pseudonym = pseudonym or by_login
    if pseudonym is not None:
        claimed = _claimed(pseudonym, by_login, sis_id, status)
        if claimed:
            return claimed
    provider = line.get("authentication_provider_id")
    if provider and provider not in campus.providers:
        return f"unrecognized authentication provider {provider} for {sis_id}, skipping"
    too_long = [
        n for n in ("full_name", "sortable_name", "short_name") if len(line.get(n)) > _LONGEST
    ]
    if too_long or len(login) > _LONGEST:
        return (
            f"Could not save the user with user_id: '{sis_id}'. Unknown reason: name is too long"
        )
    if pseudonym is None:
        user = campus.add_user(line.get("full_name") or login)
        user.sortable_name, user.short_name = _sortable(user.name), user.name
        pseudonym = campus.add_pseudonym(user.id, login)
    user = campus.users[pseudonym.user_id]
    if status == "deleted" and user.id == campus.owner:
        return f"Can't remove yourself user_id '{sis_id}'"
    if status == "deleted" and pseudonym.workflow_state == "deleted":
        return None
    if status == "deleted":
        _remove_enrollments_if_last_login(campus, user, pseudonym)
    _put_user(batch, user, line)
    _put_login(campus, batch, pseudonym, line, status)
    return _put_email(user, line, sis_id)


def login_row(campus: Campus, batch: Batch, line: Line) -> str | None:  # noqa: ARG001 - as all importers
    """Import a row of logins.csv; what it says, if it says something."""
    sis_id, login = line.get("user_id"), line.get("login_id")
    if not sis_id:
        return "No user_id given for a user"
    if not login:
        return f"No login_id given for user {sis_id}"
    if not line.get("existing_user_id"):
        return f"No existing user provided for login with SIS ID {sis_id}"
    if campus.pseudonym(sis_id) or campus.login(login):
        return (
            f"An existing Canvas user with the SIS ID {sis_id} or login of {login} already exists, "
            "skipping"
        )
    existing = campus.pseudonym(line.get("existing_user_id"))
    if existing is None or existing.workflow_state == "deleted":
        return f"Could not find the existing user for login with SIS ID {sis_id}, skipping"
    added = campus.add_pseudonym(existing.user_id, login, sis_id)
    added.integration_id = line.get("integration_id") or None
    added.authentication_provider_id = line.get("authentication_provider_id") or None
    return None


def _unusable(line: Line, status: str) -> str | None:
    sis_id = line.get("user_id")
    if not sis_id:
        return "No user_id given for a user"
    if not line.get("login_id"):
        return f"No login_id given for user {sis_id}"
    if not status:
        return f"No status given for user {sis_id}"
    if not status.startswith(_STATUSES):
        return f"Improper status for user {sis_id}"
    return None


def _integration_taken(
    campus: Campus, pseudonym: Pseudonym | None, line: Line, status: str
) -> str | None:
    wanted = line.get("integration_id")
    if not wanted or status == "deleted":
        return None
    for other in campus.pseudonyms.values():
        if other.integration_id == wanted and other is not pseudonym:
            return (
                f"An existing Canvas user with the SIS ID {other.sis_user_id} has already claimed "
                f"{line.get('user_id')}'s requested integration_id, skipping"
            )
    return None


def _claimed(
    pseudonym: Pseudonym, by_login: Pseudonym | None, sis_id: str, status: str
) -> str | None:
    holder = None
    if pseudonym.sis_user_id and pseudonym.sis_user_id != sis_id:
        holder = pseudonym
    elif by_login is not None and by_login is not pseudonym and status != "deleted":
        holder = by_login
    if holder is None:
        return None
    who = f"SIS ID {holder.sis_user_id}" if holder.sis_user_id else f"Canvas ID {holder.user_id}"
    return (
        f"An existing Canvas user with the {who} has already claimed {sis_id}'s user_id requested "
        "login information, skipping"
    )


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


def _put_email(user: User, line: Line, sis_id: str) -> str | None:
    address = line.get("email")
    if not address:
        return None
    if not _ADDRESS.match(address):
        return f"The email address associated with user '{sis_id}' is invalid (email: '{address}')"
    user.email = address
    return None


def _remove_enrollments_if_last_login(campus: Campus, user: User, pseudonym: Pseudonym) -> None:
    if any(one is not pseudonym for one in campus.logins_of(user.id)):
        return
    for one in campus.enrollments.values():
        if one.user_id == user.id:
            one.workflow_state = "deleted"


def _sortable(name: str) -> str:
    given, _, family = name.rpartition(" ")
    return f"{family}, {given}" if given else name
