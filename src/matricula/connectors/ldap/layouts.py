"""How OpenLDAP (and relatives) and Active Directory differ. Pure.

Identifiers: `entryUUID` (RFC 4530) and `objectGUID`; both survive a rename and a move, which
a distinguished name does not.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from matricula.connectors.ldap.messages import Change

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matricula.connectors.ldap.messages import Attributes

# draft-behera-ldap-password-policy 5.3.3: locked for good, and only by hand.
_FOR_GOOD = b"000001010000Z"
_DISABLED = 0x2
_NORMAL_DISABLED = 0x202


class Lock(Protocol):
    """What locks an account."""

    @property
    def attribute(self) -> str:
        """The attribute in which the lock lies."""
        ...

    def holds(self, attributes: Attributes) -> bool:
        """Say whether an entry is locked."""
        ...

    def changes(self, attributes: Attributes, *, locked: bool) -> list[Change]:
        """Say what locks or releases an entry; nothing when it is so already."""
        ...


@dataclass(frozen=True, slots=True)
class PolicyLock:
    """The password policy's lock.

    A lock that the directory itself put on after failed sign-ins is another thing: it passes,
    and says nothing about who may have an account.
    """

    attribute: str = "pwdAccountLockedTime"

    def holds(self, attributes: Attributes) -> bool:
        """Say whether an entry is locked for good."""
        return _FOR_GOOD in attributes.get(self.attribute, ())

    def changes(self, attributes: Attributes, *, locked: bool) -> list[Change]:
        """Lock for good, or release."""
        if self.holds(attributes) == locked:
            return []
        return [Change("replace", self.attribute, [_FOR_GOOD] if locked else [])]


@dataclass(frozen=True, slots=True)
class AccountControlLock:
    """A bit of `userAccountControl`.

    The other bits stay. The old value is named, so that the change fails when somebody else
    changed a bit meanwhile: Active Directory has no assertion control.
    """

    attribute: str = "userAccountControl"

    def holds(self, attributes: Attributes) -> bool:
        """Say whether the account is disabled."""
        return bool(_flags(attributes) & _DISABLED)

    def changes(self, attributes: Attributes, *, locked: bool) -> list[Change]:
        """Disable, or enable."""
        if self.holds(attributes) == locked:
            return []
        flags = _flags(attributes)
        wanted = flags | _DISABLED if locked else flags & ~_DISABLED
        old, new = (str(number).encode() for number in (flags, wanted))
        return [Change("delete", self.attribute, [old]), Change("add", self.attribute, [new])]


def _flags(attributes: Attributes) -> int:
    values = attributes.get("userAccountControl") or [b"0"]
    try:
        return int(values[0])
    except ValueError:
        return 0


@dataclass(frozen=True, slots=True)
class Layout:
    """One kind of directory.

    Attributes:
        id_attribute: What identifies an entry for good.
        version: What changes with every change of an entry; empty where nothing does that an
            assertion could name.
        people: Classes and naming attribute of a person, where the settings name none.
        groups: The same of a group.
        lock: How an account is locked.
        made_with: What a new person has besides what the charter grants.
        follows: Members' names in groups follow a person who moves.
        required: Only these are required, whatever the schema says that the directory itself
            fills; None believes the schema.
    """

    id_attribute: Literal["entryUUID", "objectGUID"]
    version: str
    people: tuple[tuple[str, ...], str]
    groups: tuple[tuple[str, ...], str]
    lock: Lock
    made_with: Mapping[str, Sequence[bytes]]
    follows: bool
    required: frozenset[str] | None

    def identifier(self, attributes: Attributes) -> str:
        """Read an entry's identifier; empty when the directory shows none."""
        values = attributes.get(self.id_attribute)
        if not values:
            return ""
        if self.id_attribute == "entryUUID":
            return values[0].decode("ascii", "replace").lower()
        try:
            # Its first three parts stand the other way round (MS-DTYP 2.3.4.2).
            return str(uuid.UUID(bytes_le=values[0]))
        except ValueError:
            return ""

    def raw_identifier(self, identifier: str) -> bytes | None:
        """Write an identifier as the directory compares it; None when it is none."""
        try:
            known = uuid.UUID(identifier)
        except ValueError:
            return None
        return known.bytes_le if self.id_attribute == "objectGUID" else str(known).encode()


LAYOUTS: Mapping[str, Layout] = {
    "openldap": Layout(
        "entryUUID", "entryCSN",
        (("inetOrgPerson",), "uid"), (("groupOfNames",), "cn"),
        PolicyLock(), {}, follows=False, required=None,
    ),
    # An account without a password cannot be enabled there, and we never set one.
    "active_directory": Layout(
        "objectGUID", "",
        (("user",), "cn"), (("group",), "cn"),
        AccountControlLock(), {"userAccountControl": (str(_NORMAL_DISABLED).encode(),)},
        follows=True, required=frozenset(),
    ),
}  # fmt: skip
