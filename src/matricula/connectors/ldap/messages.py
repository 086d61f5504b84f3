"""The messages of LDAP (RFC 4511) that the connector sends and takes. Pure.

An operation is bytes; `wrapped` gives it a number and its controls. Answers are read into
plain values; the value of an attribute stays bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from matricula.connectors.ldap import ber
from matricula.connectors.ldap.ber import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

PAGED = "1.2.840.113556.1.4.319"
ASSERTION = "1.3.6.1.1.12"
POST_READ = "1.3.6.1.1.13.2"
PERMISSIVE = "1.2.840.113556.1.4.1413"
NO_OPERATION = "1.3.6.1.4.1.4203.1.10.2"
PASSWORD_POLICY = "1.3.6.1.4.1.42.2.27.8.5.1"  # noqa: S105 - the name of a control
START_TLS = "1.3.6.1.4.1.1466.20037"

BASE, SUBTREE = 0, 2
UNBIND = b"\x42\x00"
_ENTRY, _DONE, _REFERENCE, _EXTENDED, _INTERMEDIATE = 0x64, 0x65, 0x73, 0x78, 0x79
_BIND_DONE = 0x61
_RESULTS = frozenset({_BIND_DONE, _DONE, 0x67, 0x69, 0x6B, 0x6D, _EXTENDED})
_CONTROLS, _EXTENDED_NAME, _POLICY_ERROR = 0xA0, 0x8A, 0x81

_SHORT = 0x80

Attributes = dict[str, list[bytes]]
_CHANGES = {"add": 0, "delete": 1, "replace": 2}


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one attribute; `replace` without values takes it away."""

    how: Literal["add", "delete", "replace"]
    attribute: str
    values: Sequence[bytes] = ()


@dataclass(frozen=True, slots=True)
class Control:
    """A control (RFC 4511 4.1.11); a critical one is honoured, or the operation is not done."""

    kind: str
    value: bytes | None = None
    critical: bool = True


@dataclass(frozen=True, slots=True)
class Request:
    """One operation, with its controls.

    Attributes:
        operation: As it is sent.
        controls: Whatever goes with it.
        writes: It may change something, so that an answer that is lost leaves us not knowing.
    """

    operation: bytes
    controls: tuple[Control, ...] = ()
    writes: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as the directory shows it; attributes by the names it uses."""

    dn: str
    attributes: Attributes


@dataclass(slots=True)
class Answer:
    """What the directory says of one request.

    Attributes:
        code: A result code; 0 is success.
        said: Its own words. They may hold personal values and are never repeated.
        entries: For a search.
        controls: Values by kind.
        name: Of an extended response.
        elsewhere: Parts of a search that lie in other directories.
    """

    code: int = 0
    said: str = ""
    entries: list[Entry] = field(default_factory=list)
    controls: dict[str, bytes] = field(default_factory=dict)
    name: str = ""
    elsewhere: int = 0


def wrapped(number: int, request: Request) -> bytes:
    """Write a whole message."""
    parts = [ber.integer(number), request.operation]
    if request.controls:
        parts.append(ber.sequence(*map(_control, request.controls), tag=_CONTROLS))
    return ber.sequence(*parts)


def _control(one: Control) -> bytes:
    parts = [ber.octets(one.kind)]
    if one.critical:
        parts.append(ber.boolean(value=True))
    if one.value is not None:
        parts.append(ber.octets(one.value))
    return ber.sequence(*parts)


def bind(dn: str, password: str) -> Request:
    """Sign in with a name and a password."""
    simple = ber.octets(password, 0x80)
    operation = ber.sequence(ber.integer(3), ber.octets(dn), simple, tag=0x60)
    return Request(operation, (Control(PASSWORD_POLICY, critical=False),))


def start_tls() -> Request:
    """Ask to go on encrypted (RFC 4511 4.14)."""
    return Request(ber.sequence(ber.octets(START_TLS, 0x80), tag=0x77))


def search(
    base: str,
    scope: int,
    wanted: bytes,
    attributes: Iterable[str],
    *controls: Control,
) -> Request:
    """Look entries up.

    Args:
        base: Where.
        scope: BASE or SUBTREE.
        wanted: A filter, of `filters`.
        attributes: What to show of them; `*` is everything that users keep there.
        controls: Whatever goes with it.
    """
    operation = ber.sequence(
        ber.octets(base),
        ber.integer(scope, ber.ENUMERATED),
        # Aliases are entries of their own: what they point to is found where it lies.
        ber.integer(0, ber.ENUMERATED),
        ber.integer(0),
        ber.integer(0),
        ber.boolean(value=False),
        wanted,
        ber.sequence(*map(ber.octets, attributes)),
        tag=0x63,
    )
    return Request(operation, controls)


def add(dn: str, attributes: Mapping[str, Sequence[bytes]], *controls: Control) -> Request:
    """Make an entry."""
    listed = [_attribute(name, values) for name, values in attributes.items()]
    return Request(ber.sequence(ber.octets(dn), ber.sequence(*listed), tag=0x68), controls, True)  # noqa: FBT003 - it writes


def modify(dn: str, changes: Iterable[Change], *controls: Control) -> Request:
    """Change an entry, all or nothing."""
    listed = [
        ber.sequence(
            ber.integer(_CHANGES[one.how], ber.ENUMERATED), _attribute(one.attribute, one.values)
        )
        for one in changes
    ]
    operation = ber.sequence(ber.octets(dn), ber.sequence(*listed), tag=0x66)
    return Request(operation, controls, writes=True)


def move(dn: str, name: str, parent: str | None, *controls: Control) -> Request:
    """Rename an entry, and move it where a parent is given."""
    parts = [ber.octets(dn), ber.octets(name), ber.boolean(value=True)]
    if parent is not None:
        parts.append(ber.octets(parent, 0x80))
    return Request(ber.sequence(*parts, tag=0x6C), controls, writes=True)


def delete(dn: str) -> Request:
    """Remove an entry."""
    return Request(ber.octets(dn, 0x4A), writes=True)


def _attribute(name: str, values: Sequence[bytes]) -> bytes:
    return ber.sequence(ber.octets(name), ber.sequence(*map(ber.octets, values), tag=ber.SET))


def paged(size: int, cookie: bytes) -> Control:
    """Ask for a page (RFC 2696)."""
    return Control(PAGED, ber.sequence(ber.integer(size), ber.octets(cookie)))


def cookie_of(answer: Answer) -> bytes:
    """Read where the next page begins; empty at the end.

    Raises:
        Malformed: The server promised pages and says nothing of them.
    """
    value = answer.controls.get(PAGED)
    if value is None:
        raise Malformed
    _, at, end = ber.element(value, 0, len(value))
    parts = ber.elements(value, at, end)
    if len(parts) != 2:  # noqa: PLR2004 - size and cookie
        raise Malformed
    return value[parts[1][1] : parts[1][2]]


def post_read(*attributes: str) -> Control:
    """Ask to be shown attributes of what was written (RFC 4527)."""
    return Control(POST_READ, ber.sequence(*map(ber.octets, attributes)))


def written(answer: Answer) -> Attributes:
    """Read what a `post_read` shows; nothing when the server shows nothing that makes sense."""
    value = answer.controls.get(POST_READ)
    if value is None:
        return {}
    try:
        _, at, end = ber.element(value, 0, len(value))
        return _entry(value, at, end).attributes
    except (Malformed, IndexError, UnicodeDecodeError):
        return {}


def policy_error(answer: Answer) -> int | None:
    """Read why a password policy refused a sign-in (draft-behera-ldap-password-policy)."""
    value = answer.controls.get(PASSWORD_POLICY)
    if not value:
        return None
    try:
        _, at, end = ber.element(value, 0, len(value))
        parts = ber.elements(value, at, end)
    except Malformed:
        return None
    return next((ber.number(value[a:b]) for tag, a, b in parts if tag == _POLICY_ERROR), None)


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the directory: of which request, and what. `answer` ends a request."""

    number: int
    entry: Entry | None = None
    answer: Answer | None = None
    elsewhere: bool = False


def read_message(data: bytes, at: int, end: int) -> Message:
    """Read one whole message.

    Args:
        data: What holds it.
        at: Where its content begins, after its own head.
        end: Where it ends.

    Raises:
        Malformed: It is none.
    """
    try:
        return _message(data, at, end)
    except (IndexError, UnicodeDecodeError) as error:
        raise Malformed from error


def _message(data: bytes, at: int, end: int) -> Message:
    _, start, stop = ber.element(data, at, end)
    number = ber.number(data[start:stop])
    tag, start, stop = ber.element(data, stop, end)
    if tag == _ENTRY:
        return Message(number, entry=_entry(data, start, stop))
    if tag == _REFERENCE:
        return Message(number, elsewhere=True)
    if tag == _INTERMEDIATE:
        return Message(number)
    if tag not in _RESULTS:
        raise Malformed
    answer = _result(data, start, stop)
    for kind, begins, ends in ber.elements(data, stop, end):
        if kind == _CONTROLS:
            answer.controls.update(_controls(data, begins, ends))
    return Message(number, answer=answer)


def _entry(data: bytes, at: int, end: int) -> Entry:
    _, start, stop = ber.element(data, at, end)
    dn = _text(data[start:stop])
    _, at, end = ber.element(data, stop, end)
    attributes: Attributes = {}
    while at < end:
        # Most heads are two bytes. These two loops are most of what a full read takes.
        size = data[at + 1]
        if size < _SHORT:
            start, at = at + 2, at + 2 + size
        else:
            _, start, at = ber.element(data, at, end)
        _, name_at, name_end = ber.element(data, start, at)
        _, start, stop = ber.element(data, name_end, at)
        attributes[data[name_at:name_end].decode()] = _values(data, start, stop)
    if at != end:
        raise Malformed
    return Entry(dn, attributes)


def _values(data: bytes, at: int, end: int) -> list[bytes]:
    values = []
    while at < end:
        size = data[at + 1]
        if size < _SHORT:
            start, at = at + 2, at + 2 + size
        else:
            _, start, at = ber.element(data, at, end)
        values.append(data[start:at])
    if at != end:
        raise Malformed
    return values


def _result(data: bytes, at: int, end: int) -> Answer:
    parts = ber.elements(data, at, end)
    if len(parts) < 3:  # noqa: PLR2004 - code, name, words
        raise Malformed
    (_, a, b), _, (_, c, d) = parts[:3]
    answer = Answer(ber.number(data[a:b]), data[c:d].decode(errors="replace"))
    for tag, start, stop in parts[3:]:
        if tag == _EXTENDED_NAME:
            answer.name = _text(data[start:stop])
    return answer


def _controls(data: bytes, at: int, end: int) -> dict[str, bytes]:
    found = {}
    for _, start, stop in ber.elements(data, at, end):
        parts = ber.elements(data, start, stop)
        if not parts:
            raise Malformed
        value = next((data[a:b] for tag, a, b in parts[1:] if tag == ber.OCTETS), b"")
        found[_text(data[parts[0][1] : parts[0][2]])] = value
    return found


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise Malformed from error
