"""Write rows of the tables as the JSON of the REST binding, quickly and always alike.

A pen is cut once for a page: which properties, under which address. Then it writes column by
column, with no value between, for a page has a thousand rows and a full pull a thousand pages.
"""

from __future__ import annotations

import json
import math
import re
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, NamedTuple

from matricula.connectors.kit.oneroster.objects import METADATA_COLUMN, rest_tables, shapes

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from matricula.connectors.kit.oneroster.objects import Property, Service, Shape

    Writer = Callable[[str], str]
    Row = Mapping[str, str | None]

_quoted: Callable[[str], str] = encode_basestring
_PAIR = re.compile(r"\{([^{}:]+):([^{}]*)\}")
_EVERY = ("sourcedId", "status", "dateLastModified")
_PROFILE = "urn:oneroster:userProfile:"


class Stroke(NamedTuple):
    """How one property is written: what stands before its value, and what makes the value.

    `place`: of its column; -1 where it comes from other tables. `required`: written blank
    where there is no value.
    """

    name: str
    before: str
    place: int
    writer: Writer
    required: bool


class Pen:
    """Writes rows of one table as objects.

    Args:
        shape: The kind of object.
        base: The address before `/ims/oneroster/`, for references.
        fields: The only properties to write; None for all.

    Attributes:
        columns: What a row holds, in this order.
        needed: The properties that come from other tables.
    """

    def __init__(self, shape: Shape, base: str, fields: Collection[str] | None = None) -> None:
        chosen = [one for one in shape.properties if fields is None or one.name in fields]
        own = [one for one in chosen if one.column]
        self.columns: tuple[str, ...] = (*_EVERY, *(one.column for one in own), METADATA_COLUMN)
        self.needed: tuple[Property, ...] = tuple(one for one in chosen if not one.column)
        self._strokes = [
            *_common(fields),
            *(
                Stroke(one.name, _before(one.name), place, _writer(one, base), one.required)
                for place, one in enumerate(own, len(_EVERY))
            ),
        ]
        self._metadata = fields is None or METADATA_COLUMN in fields

    def page(
        self,
        rows: Sequence[Sequence[str | None]],
        others: Sequence[tuple[str, Mapping[str | None, str]]] = (),
    ) -> list[str]:
        """Write rows, each as an object.

        Args:
            rows: Values of `columns`.
            others: The properties of `needed`, each with the JSON that a record has there.
        """
        if not rows:
            return []
        columns = list(zip(*rows, strict=True))
        parts = [
            texts
            for _, before, place, writer, required in self._strokes
            if (texts := _column(columns[place], before, writer, required=required))
        ]
        for name, of in others:
            before = _before(name)
            parts.append([before + of[key] if key in of else "" for key in columns[0]])
        if self._metadata and any(columns[-1]):
            parts.append([f'"metadata":{value}' if value else "" for value in columns[-1]])
        written = zip(*parts, strict=True) if parts else ((),) * len(rows)
        return ["{" + ",".join(filter(None, texts)) + "}" for texts in written]


def _column(
    values: Sequence[str | None], before: str, writer: Writer, *, required: bool
) -> list[str]:
    """Write a property of many rows; nothing where no row has it and the binding lets it out."""
    if not required and not any(values):
        return []
    blank = before + '""' if required else ""
    if writer is _number:
        numbers = [writer(value) if value else "" for value in values]
        return [before + number if number else blank for number in numbers]
    return [before + writer(value) if value else blank for value in values]


def path_of(service: Service) -> str:
    """Give the path below which a service lies."""
    return f"/ims/oneroster/{service}/v1p2"


def reference(base: str, table: str) -> Writer:
    """Make what writes the identifier of a record as a reference to it."""
    shape = shapes()[table]
    before = f'{{"href":"{base}{path_of(shape.service)}/{table}/'
    after = f'","type":"{shape.one}"}}'

    def written(identifier: str) -> str:
        # Identifiers hold no sign that JSON or an address would spell otherwise, but this one.
        spelled = identifier.replace("/", "%2F") if "/" in identifier else identifier
        return f'{before}{spelled}","sourcedId":"{identifier}{after}'

    return written


def references(base: str, table: str) -> Writer:
    """Make what writes identifiers, parted by commas, as a list of references."""
    one = reference(base, table)
    return lambda value: "[" + ",".join(one(part.strip()) for part in value.split(",")) + "]"


def role_text(row: Row, base: str) -> str:
    """Write a row of `roles` as it stands inside a user."""
    profile = row.get("userProfileSourcedId")
    found = [
        f'"roleType":{_quoted(row["roleType"] or "")}',
        f'"role":{_quoted(row["role"] or "")}',
        f'"org":{reference(base, "orgs")(row["orgSourcedId"] or "")}',
    ]
    if profile:
        found.append(f'"userProfile":{_quoted(_PROFILE + profile)}')
    found += [f'"{n}":{_quoted(str(row[n]))}' for n in ("beginDate", "endDate") if row.get(n)]
    return "{" + ",".join(found) + "}"


def profile_text(row: Row, base: str) -> str:
    """Write a row of `userProfiles` as it stands inside a user; never a password."""
    del base
    told = {
        "profileId": f"{_PROFILE}{row['sourcedId']}", "profileType": row["profileType"] or "",
        "vendorId": row["vendorId"] or "", "applicationId": row.get("applicationId"),
        "description": row.get("description"),
        "credentials": [
            {"type": row["credentialType"] or "", "username": row["username"] or ""}
        ],
    }  # fmt: skip
    return json.dumps({n: v for n, v in told.items() if v is not None}, ensure_ascii=False)


def objectives_text(rows: Sequence[Row], *, scored: bool) -> str:
    """Write learning objectives, gathered by whose identifiers they are.

    Args:
        rows: Of one of the tables of learning objectives.
        scored: Whether each has a score of its own, as those of results have.
    """
    gathered: dict[str, list[object]] = {}
    for row in sorted(
        rows, key=lambda one: (one["source"] or "", one["learningObjectiveId"] or "")
    ):
        named = gathered.setdefault(row["source"] or "", [])
        if not scored:
            named.append(row["learningObjectiveId"])
            continue
        score, text = row.get("score"), row.get("textScore")
        named.append(
            {"learningObjectiveId": row["learningObjectiveId"]}
            | ({"score": float(score)} if score and math.isfinite(float(score)) else {})
            | ({"textScore": text} if text else {})
        )
    word = "learningObjectiveResults" if scored else "learningObjectiveIds"
    told = [{"source": source, word: named} for source, named in gathered.items()]
    return json.dumps(told, ensure_ascii=False)


_PARTS: Mapping[str, Callable[[Row, str], str]] = {
    "roles": role_text,
    "userProfiles": profile_text,
}


def outside(one: Property, base: str) -> Callable[[Sequence[Row]], str]:
    """Make what writes a property of `Pen.needed` from the rows of its table.

    Args:
        one: The property.
        base: The address before `/ims/oneroster/`, for references.

    Returns:
        Takes the rows that a record has there, of which there is at least one.
    """
    if one.how == "parts":
        write = _PARTS[one.table]
        return lambda rows: "[" + ",".join(write(row, base) for row in rows) + "]"
    if one.how == "objectives":
        scored = any(column.name == "score" for column in rest_tables()[one.table].columns)
        return lambda rows: objectives_text(rows, scored=scored)
    leads, refers = one.leads, rest_tables()[one.table].column(one.leads).refers
    if one.how == "one":
        lead = reference(base, refers)
        return lambda rows: lead(str(rows[0][leads]))
    lead_all = references(base, refers)
    return lambda rows: lead_all(",".join(str(row[leads]) for row in rows))


def _common(fields: Collection[str] | None) -> list[Stroke]:
    return [
        Stroke(name, _before(name), place, _quoted, required=True)
        for place, name in enumerate(_EVERY)
        if fields is None or name in fields
    ]


def _before(name: str) -> str:
    return f'"{name}":'


def _writer(one: Property, base: str) -> Writer:
    if one.how == "ref":
        return reference(base, one.table)
    if one.how == "refs":
        return references(base, one.table)
    return _PLAIN[one.how]


def _number(value: str) -> str:
    found = float(value)
    if not math.isfinite(found):
        return ""
    return str(int(found)) if found.is_integer() else repr(found)


def _list(value: str) -> str:
    return "[" + ",".join(_quoted(part.strip()) for part in value.split(",")) + "]"


def _pairs(first: str, second: str) -> Writer:
    def written(value: str) -> str:
        told = [{first: a.strip(), second: b.strip()} for a, b in _PAIR.findall(value)]
        return json.dumps(told, ensure_ascii=False)

    return written


_PLAIN: Mapping[str, Writer] = {
    "text": _quoted,
    "number": _number,
    "list": _list,
    "instant": lambda value: f'"{value}"' if "T" in value else f'"{value}T00:00:00.000Z"',
    "ids": _pairs("type", "identifier"),
    "values": _pairs("itemValueLHS", "itemValueRHS"),
}
