"""The library behind the interface: its patrons, what they have, and its rules."""

from __future__ import annotations

import re
import threading
import unicodedata
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from matricula.connectors.koha.simulator.columns import COLUMNS, DEFAULTS, stored

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Patron = dict[str, Any]
_TRIM = re.compile(r"^\s*|\s*$")


class Refused(Exception):
    """An answer other than a good one.

    Attributes:
        status: Of HTTP.
        body: JSON.
    """

    def __init__(
        self, status: int, said: list[dict[str, str]] | None = None, /, **body: object
    ) -> None:
        self.status: int = status
        self.body: object = body if said is None else said
        super().__init__(str(status))


def folded(value: object) -> str:
    """Write a text as its database compares it: no case, no accents, no space at the end."""
    bare = unicodedata.normalize("NFD", str(value))
    kept = "".join(sign for sign in bare if not unicodedata.combining(sign))
    return kept.casefold().rstrip(" ")


@dataclass
class Library:
    """What a Koha holds; changes with every call.

    Attributes:
        categories: Codes, and how many days a card of each is good.
        libraries: Codes.
        attribute_types: Codes of extended attributes, and whether each is unique.
        uppercase_surnames: The preference `uppercasesurnames`.
        today: The library's day.
        patrons: By number.
        attributes: Of all patrons: number, patron, type, value.
        loans: By patron, the days on which they are due.
        holds: By patron, how many.
        debits: By patron, open charges.
        credits: By patron, open credits.
        debarred: Patrons whom staff have restricted.
    """

    categories: Mapping[str, int] = field(default_factory=lambda: {"ST": 365, "STAFF": 3650})
    libraries: tuple[str, ...] = ("CPL", "MPL")
    attribute_types: Mapping[str, bool] = field(
        default_factory=lambda: {"STUDENT": True, "FACULTY": False}
    )
    uppercase_surnames: bool = False
    today: Callable[[], date] = lambda: datetime.now(UTC).date()
    patrons: dict[int, Patron] = field(default_factory=dict)
    attributes: list[dict[str, Any]] = field(default_factory=list)
    loans: dict[int, list[date]] = field(default_factory=dict)
    holds: dict[int, int] = field(default_factory=dict)
    debits: dict[int, list[float]] = field(default_factory=dict)
    credits: dict[int, list[float]] = field(default_factory=dict)
    debarred: set[int] = field(default_factory=set)
    lock: threading.RLock = field(default_factory=threading.RLock)
    _numbers: int = 0
    _attribute_numbers: int = 0
    # Where a number is, so that a large library is as quick as a real one.
    _by_unique: dict[tuple[str, str], int] = field(default_factory=dict)

    def numbered(self, card: str) -> int:
        """Give the number of the patron with a card, for whoever sets a scene."""
        return next(n for n, one in self.patrons.items() if one["cardnumber"] == card)

    def number_of(self, name: str, value: str) -> int | None:
        """Look into the index of card numbers or logins."""
        return self._by_unique.get((name, folded(stored(name, value))))

    def shown(self, number: int) -> Patron:
        """Show a patron as the interface does, every property there."""
        patron = self.patrons[number]
        shown = {name: patron.get(name) for name, one in COLUMNS.items() if one.stored}
        return {**shown, "restricted": number in self.debarred}

    def of(self, number: int) -> list[dict[str, Any]]:
        """List a patron's extended attributes as the interface shows them."""
        return [_attribute(one) for one in self.attributes if one["patron_id"] == number]

    def overdue(self, number: int) -> int:
        """Count loans that are due before today."""
        return sum(due < self.today() for due in self.loans.get(number, ()))

    def add(self, body: Patron) -> Patron:
        """Make a patron; the answer is sparse, shows its own dates as instants and nothing cut."""
        sent = dict(body)
        attributes = sent.pop("extended_attributes", [])
        patron = self._tidied(sent)
        self._must_exist(patron)
        patron["userid"] = patron.get("userid") or self._user(patron)
        days = timedelta(days=self.categories[patron["category_id"]])
        usual = {"expiry_date": self.today() + days, "date_enrolled": self.today()}
        made_up = {n: day.isoformat() for n, day in usual.items() if not patron.get(n)}
        patron |= made_up
        if self.number_of("userid", patron["userid"]) is not None:
            raise Refused(400, error=f"Problem with {patron['userid']}")
        self._must_be_free(patron, None)
        for one in attributes:
            self._must_take(one["type"], one["value"], None, status=400)
        self._numbers += 1
        number = self._numbers
        self._keep(number, {**DEFAULTS, **patron})
        for one in attributes:
            self._add_attribute(number, one["type"], one["value"])
        dates = {name: f"{day}T00:00:00" for name, day in made_up.items()}
        return {**patron, **dates, "patron_id": number, "restricted": False}

    def change(self, number: int, body: Patron) -> Patron:
        """Change a patron: what is absent stays, null takes away."""
        if "extended_attributes" in body:
            raise Refused(500, error="Something went wrong, check Koha logs for details.")
        sent = self._tidied({name: value for name, value in body.items() if name != "patron_id"})
        patron = {**self.patrons[number], **sent}
        self._must_exist(patron)
        patron["userid"] = patron.get("userid") or self._user(patron)
        if self.number_of("userid", patron["userid"]) not in (None, number):
            raise Refused(400, error=f"Problem with {patron['userid']}")
        self._must_be_free(patron, number)
        self._keep(number, patron)
        return self.shown(number)

    def remove(self, number: int) -> None:
        """Delete a patron who has nothing open."""
        if self.loans.get(number):
            raise Refused(
                409, error="Pending checkouts prevent deletion", error_code="has_checkouts"
            )
        if sum(self.debits.get(number, ())) > 0:
            raise Refused(409, error="Pending debts prevent deletion", error_code="has_debt")
        self._forget(number)
        del self.patrons[number]
        self.attributes = [one for one in self.attributes if one["patron_id"] != number]

    def account(self, number: int) -> dict[str, Any]:
        """Show what a patron owes and is owed."""
        owed, credit = self.debits.get(number, []), self.credits.get(number, [])
        return {
            "balance": sum(owed) - sum(credit),
            "outstanding_debits": {"total": sum(owed), "lines": _lines(number, owed)},
            "outstanding_credits": {"total": -sum(credit), "lines": _lines(number, credit)},
        }

    def add_attribute(self, number: int, body: Mapping[str, Any]) -> dict[str, Any]:
        """Give a patron an extended attribute."""
        self._must_take(body["type"], body["value"], None, status=409)
        return _attribute(self._add_attribute(number, body["type"], body["value"]))

    def change_attribute(self, number: int, which: int, value: str) -> dict[str, Any]:
        """Give an extended attribute another value."""
        found = self._attribute(number, which)
        self._must_take(found["type"], value, which, status=409)
        found["value"] = value[:255]
        return _attribute(found)

    def drop_attribute(self, number: int, which: int) -> None:
        """Take an extended attribute away."""
        self.attributes.remove(self._attribute(number, which))

    def _attribute(self, number: int, which: int) -> dict[str, Any]:
        for one in self.attributes:
            if one["extended_attribute_id"] == which and one["patron_id"] == number:
                return one
        raise Refused(404, error="Attribute not found")

    def _add_attribute(self, number: int, code: str, value: str) -> dict[str, Any]:
        self._attribute_numbers += 1
        made = {
            "extended_attribute_id": self._attribute_numbers, "patron_id": number, "type": code,
            "value": value[:255],
        }  # fmt: skip
        self.attributes.append(made)
        return made

    def _must_take(self, code: str, value: str, which: int | None, *, status: int) -> None:
        if code not in self.attribute_types:
            raise Refused(400, error=f"Tried to use an invalid attribute type. type={code}")
        if self.attribute_types[code] and any(
            one["type"] == code
            and folded(one["value"]) == folded(value)
            and one["extended_attribute_id"] != which
            for one in self.attributes
        ):
            message = "Your action breaks a unique constraint on the attribute."
            raise Refused(status, error=f"{message} type={code} value={value}")

    def _tidied(self, sent: Patron) -> Patron:
        tidied = {n: _TRIM.sub("", v) if isinstance(v, str) else v for n, v in sent.items()}
        if self.uppercase_surnames and isinstance(tidied.get("surname"), str):
            tidied["surname"] = tidied["surname"].upper()
        return tidied

    def _must_exist(self, patron: Patron) -> None:
        if patron["category_id"] not in self.categories:
            raise Refused(400, error="Given category_id does not exist")
        if patron["library_id"] not in self.libraries:
            raise Refused(400, error="Given library_id does not exist")

    def _must_be_free(self, patron: Patron, number: int | None) -> None:
        card = patron.get("cardnumber")
        if card is not None and self.number_of("cardnumber", card) not in (None, number):
            raise Refused(409, error="Duplicate ID", conflict="cardnumber")

    def _user(self, patron: Patron) -> str:
        parts = (patron.get("firstname"), patron.get("surname"))
        plain = folded(".".join(str(part) for part in parts if part))
        base = re.sub(r"\s", "", plain)[:70]
        number = 0
        while self.number_of("userid", f"{base}{number or ''}") is not None:
            number += 1
        return f"{base}{number or ''}"

    def _keep(self, number: int, patron: Patron) -> None:
        self._forget(number)
        kept = {name: stored(name, value) for name, value in patron.items()}
        kept["patron_id"] = number
        kept["updated_on"] = datetime.now(UTC).isoformat(timespec="seconds")
        self.patrons[number] = kept
        for name in ("cardnumber", "userid"):
            if kept.get(name) is not None:
                self._by_unique[name, folded(kept[name])] = number

    def _forget(self, number: int) -> None:
        before = self.patrons.get(number, {})
        for name in ("cardnumber", "userid"):
            if before.get(name) is not None:
                self._by_unique.pop((name, folded(before[name])), None)


def _attribute(one: Mapping[str, Any]) -> dict[str, Any]:
    return {name: one[name] for name in ("extended_attribute_id", "type", "value")}


def _lines(number: int, amounts: list[float]) -> list[dict[str, Any]]:
    return [{"patron_id": number, "amount": one, "amount_outstanding": one} for one in amounts]
