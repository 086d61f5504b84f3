"""Functions on accounts: all or nothing when they are made, row by row when they change."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

from matricula.connectors.moodle.simulator.parameters import (
    BOOL,
    INT,
    NEEDED,
    NEEDED_INT,
    NEEDED_TEXT,
    RAW,
    TEXT,
    MoodleError,
    Shape,
    Value,
    wrong,
)
from matricula.connectors.moodle.simulator.site import (
    ADMIN,
    GUEST,
    Record,
    Site,
    must_fit,
    new_user,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

_CUSTOM: list[Shape] = [{"type": NEEDED, "value": NEEDED}]
_TEXTS: dict[str, Shape] = {
    "idnumber": RAW,
    "institution": TEXT,
    "department": TEXT,
    "address": TEXT,
    "city": TEXT,
    "country": Value("alpha"),
    "lang": Value("lang"),
}
_CREATED: dict[str, Shape] = {
    **_TEXTS,
    "createpassword": BOOL,
    "password": RAW,
    "auth": RAW,
    "username": Value("username", needed=True),
    "firstname": NEEDED_TEXT,
    "lastname": NEEDED_TEXT,
    "email": NEEDED,
}
_UPDATED: dict[str, Shape] = {
    **_TEXTS,
    "id": NEEDED_INT,
    "auth": RAW,
    "password": RAW,
    "username": Value("username"),
    "firstname": TEXT,
    "lastname": TEXT,
    "email": RAW,
    "suspended": BOOL,
}
_LIMITS = {
    "username": 100, "firstname": 100, "lastname": 100, "email": 100, "idnumber": 255,
    "institution": 255, "department": 255, "address": 255, "city": 120, "auth": 20,
}  # fmt: skip
# A few of them are enough to tell a country from none.
_COUNTRIES = frozenset({"GB", "IE", "NG", "HU", "ID", "DE", "FR", "US", "VN", "AU", "CZ"})
_WEAK = "<div>Passwords must be at least 8 characters long.</div>"


def with_custom(shape: dict[str, Shape], given: object) -> dict[str, Shape]:
    """Let a row have the list of custom fields, which may also be left out."""
    rows = given if isinstance(given, list) else []
    has = any(isinstance(one, dict) and "customfields" in one for one in rows)
    return {**shape, "customfields": _CUSTOM} if has else shape


def create_users(site: Site, users: Sequence[Record]) -> Any:  # noqa: ANN401 - an answer
    """`core_user_create_users`: all or nothing; the idnumber may be anybody's."""
    site.need("moodle/user:create")
    with site.transaction():
        return [_create(site, one) for one in users]


def _create(site: Site, user: Record) -> Record:
    for name in ("username", "firstname", "lastname"):
        if not user[name].strip():
            raise wrong(f"The field {name} cannot be blank")
    if site.users.by("username", user["username"]):
        raise wrong(f"Username already exists: {user['username']}")
    _can_sign_in(site, user)
    if not _is_address(user["email"]):
        raise wrong(f"Email address is invalid: {user['email']}")
    if any(not one["deleted"] for one in site.users.by("email", user["email"])):
        raise wrong(f"Email address already exists: {user['email']}")
    _must_be_strong(user)
    number = site.users.insert(new_user(_stored(site, user)))
    return {"id": number, "username": user["username"]}


def _can_sign_in(site: Site, user: Record) -> None:
    auth = user.get("auth", "manual")
    if auth not in site.auths:
        raise wrong(f"Invalid authentication type: {auth}")
    if auth == "manual" and not user.get("password") and not user.get("createpassword"):
        raise wrong("you must provide a password, or set createpassword")


def _must_be_strong(user: Record) -> None:
    if user.get("password") and len(user["password"]) < 8:  # noqa: PLR2004 - the usual policy
        raise MoodleError(_WEAK)


def _stored(site: Site, given: Record) -> Record:
    must_fit(given, _LIMITS)
    record = {n: v for n, v in given.items() if n not in ("customfields", "createpassword", "id")}
    record.pop("password", None)
    if record.get("country", "GB") not in {"", *_COUNTRIES}:
        # What is no country is stored as one that is left out.
        record["country"] = "0"
    custom = {one["type"]: one["value"] for one in given.get("customfields", ())}
    known = {name: value for name, value in custom.items() if name in site.profile_fields}
    return {**record, "custom": known} if known else record


def update_users(site: Site, users: Sequence[Record]) -> Any:  # noqa: ANN401 - an answer
    """`core_user_update_users`: good rows are kept, the others become warnings."""
    site.need("moodle/user:update")
    warnings = []
    is_spoilt = False
    for one in users:
        try:
            with site.transaction():
                _update(site, one)
        except MoodleError as error:
            # The warning of a weak password is no valid answer, after all the rest is done.
            is_spoilt |= error.code == _WEAK
            warnings.append(
                {
                    "item": "user",
                    "itemid": one["id"],
                    "warningcode": error.code,
                    "message": error.message,
                }
            )
    if is_spoilt:
        raise MoodleError("invalidresponse", "Invalid response value detected")
    return {"warnings": warnings}


def _update(site: Site, user: Record) -> None:
    present = site.users.get(user["id"])
    if present is None:
        raise MoodleError("invaliduserid", "Invalid user ID")
    if present["deleted"]:
        raise MoodleError("usernotupdateddeleted")
    if user["id"] == GUEST:
        raise MoodleError("usernotupdatedguest")
    _must_be_strong(user)
    _must_reach(site, user, present)
    others = site.users.by("username", user.get("username", present["username"]))
    if any(one["id"] != user["id"] for one in others):
        raise MoodleError("dmlwriteexception", "Error writing to database", user)
    stored = _stored(site, user)
    if "custom" in stored:
        stored["custom"] = {**present["custom"], **stored["custom"]}
    site.users.change(user["id"], stored)


def _must_reach(site: Site, user: Record, present: Record) -> None:
    email = str(user.get("email", present["email"]))
    if email == present["email"]:
        return
    if not _is_address(email):
        raise MoodleError("useremailinvalid")
    others = [one for one in site.users.by("email", email) if one["id"] != user["id"]]
    if any(not one["deleted"] for one in others):
        raise MoodleError("useremailduplicate", "Duplicate address")


def delete_users(site: Site, userids: Sequence[int]) -> None:
    """`core_user_delete_users`: all or nothing; what remains answers to its number alone."""
    with site.transaction():
        for number in userids:
            user = site.user(number)
            if number == ADMIN:
                raise MoodleError("useradminodelete")
            digest = hashlib.md5(user["username"].encode(), usedforsecurity=False).hexdigest()
            name = f"{user['email']}.{int(site.clock())}"
            left = {"deleted": True, "username": name, "email": digest, "idnumber": ""}
            site.users.change(number, left)


def by_field(site: Site, field: str, values: Sequence[str] = ()) -> Any:  # noqa: ANN401 - an answer
    """`core_user_get_users_by_field`: whom our account may not see is left out."""
    if field not in ("id", "idnumber", "username", "email"):
        raise MoodleError("codingerror", f"The search field '{field}' is not supported")
    if field == "username" and any(not re.fullmatch(r"[-.@_a-z0-9]*", one) for one in values):
        raise wrong("a value is not clean")
    if field == "id" and any(not one.isdigit() for one in values):
        raise wrong("a value is not clean")
    found: dict[int, Record] = {}
    for value in values:
        if field == "id":
            rows = [one for one in [site.users.get(int(value))] if one is not None]
        else:
            rows = [one for one in site.users.by(field, value) if one[field] == value]
        found.update((one["id"], one) for one in rows)
    details = [shown(site, found[number]) for number in sorted(found)]
    return [one for one in details if one.get(field)]


def search(site: Site, criteria: Sequence[Record]) -> Any:  # noqa: ANN401 - an answer
    """`core_user_get_users`: a key that it does not know is left out, and everybody is found."""
    if not criteria:
        raise wrong("criteria")
    known = {"id", "idnumber", "username", "auth", "email", "lastname", "firstname"}
    warnings = [
        {"item": one["key"], "warningcode": "invalidfieldparameter", "message": "not supported"}
        for one in criteria
        if one["key"] not in known
    ]
    asked = [one for one in criteria if one["key"] in known]
    rows = [one for one in site.users.all() if not one["deleted"]]
    for one in asked:
        rows = [row for row in rows if _matches(row, one["key"], one["value"])]
    details = [shown(site, row) for row in rows]
    users = [one for one in details if all(one.get(ask["key"]) for ask in asked)]
    return {"users": users, "warnings": warnings}


def _matches(row: Record, key: str, value: str) -> bool:
    if key not in ("email", "lastname", "firstname"):
        return str(row[key]) == value
    parts = re.split(r"(\\.|%|_)", value)
    signs = {"%": ".*", "_": "."}
    pattern = "".join(
        signs.get(p) or re.escape(p[1:] if p[:1] == "\\" and p[1:] else p) for p in parts
    )
    return re.fullmatch(pattern, str(row[key]), re.IGNORECASE | re.DOTALL) is not None


def shown(site: Site, user: Record) -> Record:
    """Show an account as far as ours may see it; what is empty is mostly left out."""
    name = f"{user['firstname']} {user['lastname']}"
    details: Record = {
        "id": user["id"],
        "firstname": user["firstname"],
        "lastname": user["lastname"],
    }
    details |= {"fullname": name, "suspended": user["suspended"], "confirmed": True}
    if "moodle/site:viewuseridentity" in site.capabilities:
        details["email"] = user["email"]
    if "moodle/user:viewalldetails" in site.capabilities:
        details |= {n: user[n] for n in ("username", "auth", "lang", "department")}
        details |= {n: user[n] for n in ("idnumber", "institution") if user[n]}
    details |= {n: user[n] for n in ("address", "city", "country") if user[n]}
    custom = [
        {"shortname": one, "name": one, "type": "text", "value": user["custom"].get(one, "")}
        for one in sorted(site.profile_fields)
    ]
    details = {**details, "customfields": custom} if custom else details
    return {name: value for name, value in details.items() if name not in site.hidden}


def _is_address(text: str) -> bool:
    return re.fullmatch(r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>.]+", text, re.ASCII) is not None


SHAPES: dict[str, Any] = {
    "core_user_create_users": lambda g: {"users": [with_custom(_CREATED, g.get("users"))]},
    "core_user_update_users": lambda g: {"users": [with_custom(_UPDATED, g.get("users"))]},
    "core_user_delete_users": {"userids": [INT]},
    "core_user_get_users_by_field": {"field": Value("alpha", needed=True), "values": [RAW]},
    "core_user_get_users": {"criteria": [{"key": Value("alpha", needed=True), "value": NEEDED}]},
}
FUNCTIONS = {
    "core_user_create_users": create_users,
    "core_user_update_users": update_users,
    "core_user_delete_users": delete_users,
    "core_user_get_users_by_field": by_field,
    "core_user_get_users": search,
}
