"""What a charter may say about a directory."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from matricula.connectors.kit.secrets import Secret  # noqa: TC001 - pydantic reads it
from matricula.connectors.ldap import names

LOOPBACK = ("localhost", "127.0.0.1", "::1")
MEMBERS = "_members"


def _must_lead_somewhere(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme not in ("ldap", "ldaps") or not parts.hostname or parts.username:
        message = "an address is ldaps://host or ldap://host, with a port where it is unusual"
        raise ValueError(message)
    if parts.path.strip("/") or parts.query or parts.fragment:
        message = "an address ends with its host or port; branches stand in `resources:`"
        raise ValueError(message)
    return address.rstrip("/")


def _must_be_a_name(dn: str) -> str:
    try:
        parsed = names.parse(dn)
    except names.Unnamed as error:
        message = "a branch is written as its distinguished name, such as ou=people,dc=example"
        raise ValueError(message) from error
    if not parsed:
        message = "the root of everything is no branch"
        raise ValueError(message)
    return dn


def _must_be_an_account(name: str) -> str:
    # Active Directory also lets in whoever gives a user principal name.
    return name if "@" in name and "=" not in name else _must_be_a_name(name)


Address = Annotated[str, AfterValidator(_must_lead_somewhere)]
Branch = Annotated[str, AfterValidator(_must_be_a_name)]
Account = Annotated[str, AfterValidator(_must_be_an_account)]


class Suspension(BaseModel):
    """How a person is kept out without being removed.

    Attributes:
        lock: Lock the account: `pwdAccountLockedTime` of the password policy, or a bit of
            `userAccountControl`. It is then what says whether somebody is suspended.
        move_to: The branch to which suspended people move.
    """

    model_config = ConfigDict(extra="forbid")

    lock: bool = False
    move_to: Branch | None = None

    @model_validator(mode="after")
    def _something_happens(self) -> Self:
        if not self.lock and self.move_to is None:
            message = "suspending needs `lock: true`, or a branch in `move_to`, or both"
            raise ValueError(message)
        return self


class Place(BaseModel):
    """One resource: entries of one kind below one branch.

    Attributes:
        kind: `people`, or `groups`, which have a second resource, `NAME_members`.
        base: The branch. Everything below it with the first of `object_classes` is a record.
        object_classes: Classes of a new entry, the structural one first.
        name: The attribute that names an entry below its branch.
        suspend: For people.
        creates: Whether a flow may make entries; `false` where another system makes them.
        deletes: Whether a flow may remove entries for good; by default groups and not people.
        member: For groups: the attribute that holds the names of members.
        groups_by: For groups: what a membership calls its group by. `name` makes a group with
            its first member, so that intakes and roles need no flow of their own.
        placeholder: For groups of a class that must not be empty: the member that every
            group has, so that the last real one can leave. By default `cn=nobody` in `base`.
    """

    model_config = ConfigDict(extra="forbid")

    kind: Literal["people", "groups"]
    base: Branch
    object_classes: tuple[str, ...] = ()
    name: str = ""
    suspend: Suspension | None = None
    creates: bool = True
    deletes: bool | None = None
    member: str = "member"
    groups_by: Literal["identifier", "name"] = "identifier"
    placeholder: Branch | None = None

    @model_validator(mode="after")
    def _of_its_kind(self) -> Self:
        if self.kind == "groups" and self.suspend is not None:
            message = "only people are suspended"
            raise ValueError(message)
        if self.kind == "people" and self.placeholder is not None:
            message = "only groups have a placeholder"
            raise ValueError(message)
        return self

    @property
    def bases(self) -> tuple[str, ...]:
        """The branches that hold its records: where they live, and where the suspended do."""
        away = self.suspend.move_to if self.suspend else None
        if away is None or names.lies_below(names.parse(away), names.parse(self.base)):
            return (self.base,)
        return (self.base, away)


class LdapSettings(BaseModel):
    """Settings of one directory.

    Attributes:
        url: `ldaps://host`, or `ldap://host`, which goes on encrypted (StartTLS) at once.
        starttls: `false` leaves `ldap://` in the clear; only on this machine itself.
        ca_file: Certificates to trust instead of the usual ones, for a private authority.
        bind_dn: The account we sign in as; in Active Directory also `name@domain`.
        password: Its password.
        layout: What the directory is: `openldap` (and relatives) or `active_directory`.
        resources: By name.
        lists: More attributes whose fields are JSON lists of values.
        read_only: Nothing is written, and no permission to write is looked for.
        page_size: Entries asked for at once.
        timeout_seconds: How long one answer may take.
        concurrency: Requests under way at once.
        batch_size: Writes that are handed over at once.
    """

    model_config = ConfigDict(extra="forbid")

    url: Address
    starttls: bool = True
    ca_file: str = ""
    bind_dn: Account
    password: Secret
    layout: Literal["openldap", "active_directory"] = "openldap"
    resources: dict[str, Place] = Field(min_length=1)
    lists: tuple[str, ...] = ()
    read_only: bool = False
    page_size: int = Field(default=500, ge=1, le=5000)
    timeout_seconds: float = Field(default=30.0, gt=0, le=600)
    concurrency: int = Field(default=32, ge=1, le=64)
    batch_size: int = Field(default=1000, ge=1, le=5000)

    @model_validator(mode="after")
    def _nothing_in_the_clear(self) -> Self:
        parts = urlsplit(self.url)
        if parts.scheme == "ldap" and not self.starttls and parts.hostname not in LOOPBACK:
            message = "`starttls: false` is only for a directory on this machine itself"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _names_are_free(self) -> Self:
        groups = [name for name, one in self.resources.items() if one.kind == "groups"]
        taken = sorted({name + MEMBERS for name in groups} & set(self.resources))
        if taken:
            message = f"{taken[0]} is the name of the members of a resource of groups"
            raise ValueError(message)
        return self
