"""What a charter may say about a Moodle site."""

from __future__ import annotations

from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from matricula.connectors.kit.address import Address  # noqa: TC001 - pydantic reads it
from matricula.connectors.kit.secrets import Secret  # noqa: TC001 - pydantic reads it

# Moodle gives these numbers to its own roles when it is installed.
STANDARD_ROLES = {"manager": 1, "editingteacher": 3, "teacher": 4, "student": 5}
Resource = Literal[
    "users",
    "categories",
    "courses",
    "cohorts",
    "cohort_members",
    "groups",
    "group_members",
    "enrolments",
    "marks",
    "coursework",
    "grade_items",
]


def _must_be_known(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        message = "a time zone is named like Europe/London"
        raise ValueError(message) from None
    return name


class MoodleSettings(BaseModel):
    """Settings of one Moodle site.

    Attributes:
        url: The site's address: what stands before `/webservice/rest/server.php`.
        token: A token of an external service with the functions in the connector's README.
        auth: How a new account signs in: the name of Moodle's authentication plugin
            (`oauth2`, `saml2`, `ldap`, ...). With `manual` Moodle mails everybody a password.
        roles: Role to its number in this Moodle, for enrolments.
        profile_fields: Short names of custom profile fields, as fields `profile.NAME`.
        resources: What the charter uses, where the token's service has no functions for
            the others.
        timezone: Where a day begins, for the first and last day of a course.
        coursework_item: ID number of the grade item that is a course's coursework mark;
            the course total when left out.
        batch_size: Records in one call.
        concurrency: Calls under way at once.
        per_second: Calls a second, at most; left out, as many as Moodle answers.
        page_size: Records asked for at once when everything is read.
        timeout_seconds: How long one answer may take.
        attempts: How often a call that only reads is sent at most.
        ca_file: Certificates to trust instead of the usual ones, for a private authority.
    """

    model_config = ConfigDict(extra="forbid")

    url: Address
    token: Secret
    auth: str = Field(default="", pattern=r"^[a-z0-9]{0,20}$")
    roles: dict[str, int] = STANDARD_ROLES
    profile_fields: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$")], ...] = ()
    resources: tuple[Resource, ...] = ()
    timezone: Annotated[str, AfterValidator(_must_be_known)] = "UTC"
    coursework_item: str = ""
    batch_size: int = Field(default=50, ge=1, le=100)
    concurrency: int = Field(default=4, ge=1, le=16)
    per_second: float | None = Field(default=None, gt=0, le=1000)
    page_size: int = Field(default=500, ge=2, le=850)
    timeout_seconds: float = Field(default=120.0, gt=0, le=3600)
    attempts: int = Field(default=3, ge=1, le=10)
    ca_file: str = ""
