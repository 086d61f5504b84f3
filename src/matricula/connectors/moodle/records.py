"""Write records that Moodle gives a number of its own: accounts, courses, cohorts, groups.

A creation looks first, and takes over what is there. What Moodle does as a whole is sent in
calls of some fifty records and divided when it is refused. What it does row by row is settled
row by row; when its answer is spoilt it may have been done all the same, and is read back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar

from matricula.connectors.kit.batches import Job, run
from matricula.connectors.kit.claims import Claims
from matricula.connectors.kit.errors import ConnectorError, SkipRow
from matricula.connectors.kit.protocol import Outcome
from matricula.connectors.moodle import mapping
from matricula.connectors.moodle.halves import settled
from matricula.connectors.moodle.refusals import (
    AFTER_THE_EFFECT,
    Refused,
    ambiguous,
    gone,
    kept_otherwise,
    of_record,
    unknown,
)
from matricula.connectors.moodle.service import WRITES
from matricula.connectors.moodle.wire import portions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from matricula.connectors.kit.protocol import Value, Write
    from matricula.connectors.moodle.desk import Desk
    from matricula.connectors.moodle.fields import Table
    from matricula.connectors.moodle.mapping import Row


@dataclass(frozen=True, slots=True)
class Change:
    """One record that is to hold some values.

    Attributes:
        write: What it is done for.
        record_id: Moodle's number of the record.
        wanted: Field to value.
        adopted: It was there before we wrote it.
        present: What it held when it was looked at, where it was.
    """

    write: Write
    record_id: str
    wanted: Mapping[str, Value]
    adopted: bool = False
    present: Row | None = field(default=None, compare=False)

    @property
    def done(self) -> Outcome:
        """The outcome when it is done."""
        return Outcome(self.write.key, self.record_id, adopted=self.adopted)


@dataclass(frozen=True, slots=True)
class Creation:
    """One record that is to be made."""

    write: Write

    @property
    def wanted(self) -> Mapping[str, Value]:
        """Field to value."""
        return self.write.fields


# What a function wants beside the fields: the number, where it stands, how one signs in.
_SPARE = 5
Made = TypeVar("Made", Creation, Change)


class Keeper(Protocol):
    """One kind of record in Moodle's own terms.

    Attributes:
        table: Its fields.
        is_atomic: Whether an update is all or nothing.
    """

    table: Table
    is_atomic: bool

    def existing(self, writes: Sequence[Write]) -> list[Row | SkipRow | None]:
        """Find, for each creation, the record that it would double."""
        ...

    def create(self, made: Sequence[Creation]) -> list[str]:
        """Make records, all or none, and give their numbers. Raises `Refused`."""
        ...

    def update(self, changes: Sequence[Change]) -> dict[str, str]:
        """Change records; give the codes of those that are refused. Raises `Refused`."""
        ...

    def by_ids(self, ids: Sequence[str]) -> dict[str, Row]:
        """Fetch records; what is gone is left out."""
        ...

    def must_be_free(self, changes: Sequence[Change]) -> list[SkipRow | None]:
        """Say of each change whether what it writes must be refused for others' sake."""
        ...

    def why(self, row: Creation | Change, refused: Refused) -> SkipRow:
        """Say why one row was refused, after looking again where Moodle does not tell."""
        ...


def jobs(
    desk: Desk,
    keeper: Keeper,
    writes: Sequence[Write],
    delete: Callable[[str], None] | None = None,
) -> list[Job]:
    """Look up what is there, and say what is to be done.

    Args:
        desk: The way to Moodle.
        keeper: The kind of record.
        writes: What is intended.
        delete: Deletes a record by its number, where records are ever deleted.

    Raises:
        ConnectorError: Of the kit; nothing has happened.
    """
    plan = _Plan(desk, keeper)
    plan.create([one for one in writes if one.kind == "create"])
    plan.change([one for one in writes if one.kind in ("update", "suspend", "resume")])
    for write in writes:
        if write.kind == "delete" and delete is not None:
            plan.jobs.append(Job((write.key,), partial(_delete, delete, write)))
    return plan.jobs


class _Plan:
    """What is gathered while the writes of a batch are looked through."""

    def __init__(self, desk: Desk, keeper: Keeper) -> None:
        self._desk, self._keeper = desk, keeper
        self._claims = Claims()
        # Two keys of one batch with one match must not end as two records.
        self._twins: dict[tuple[tuple[str, str], ...], str] = {}
        self.jobs: list[Job] = []

    def create(self, writes: Sequence[Write]) -> None:
        """Plan creations: what is there is taken over, the others are made."""
        sound = [one for one in writes if self._is_sound(one, one.fields)]
        fresh: list[Creation] = []
        found: list[Change] = []
        for write, present in zip(sound, self._keeper.existing(sound), strict=True):
            try:
                self._sort(write, present, fresh, found)
            except SkipRow as error:
                self._settle(write, error)
        for made in self._portions(fresh):
            keys = [one.write.key for one in made]
            self.jobs.append(Job(keys, partial(_make, self._keeper, made)))
        self._change(found)

    def _sort(
        self,
        write: Write,
        present: Row | SkipRow | None,
        fresh: list[Creation],
        found: list[Change],
    ) -> None:
        if isinstance(present, SkipRow):
            raise present
        if present is None:
            self._must_be_alone(write)
            fresh.append(Creation(write))
            return
        self._claims.take_over(write, str(present["_id"]))
        wanted = to_adopt(self._keeper.table, write, present)
        found.append(Change(write, str(present["_id"]), wanted, adopted=True, present=present))

    def _must_be_alone(self, write: Write) -> None:
        number = {
            "idnumber": write.fields.get("idnumber"),
            "courseid": write.fields.get("courseid"),
        }
        for one in (write.match, number if number["idnumber"] else {}):
            mark = tuple(sorted((name, str(value)) for name, value in one.items()))
            if mark and self._twins.setdefault(mark, write.key) != write.key:
                raise ambiguous(f"another key of this batch has the same {', '.join(one)}")

    def change(self, writes: Sequence[Write]) -> None:
        """Plan updates, suspensions and their reverse."""
        changes = []
        for write in writes:
            wanted = _chosen(self._keeper.table, write)
            if not mapping.is_number(write.external_id):
                self._settle(write, gone())
            elif self._is_sound(write, wanted):
                changes.append(Change(write, str(write.external_id), wanted))
        self._change(changes)

    def _change(self, changes: Sequence[Change]) -> None:
        free = []
        for one, error in zip(changes, self._keeper.must_be_free(changes), strict=True):
            if error is not None:
                self._settle(one.write, error)
            elif one.adopted and not one.wanted:
                self.jobs.append(Job((one.write.key,), partial(list, [one.done])))
            else:
                free.append(one)
        for part in self._portions(free):
            keys = [one.write.key for one in part]
            self.jobs.append(Job(keys, partial(_change, self._keeper, part)))

    def _portions(self, rows: Sequence[Made]) -> list[Sequence[Made]]:
        def wide(row: Made) -> int:
            # A custom profile field takes two variables.
            return _SPARE + len(row.wanted) + sum(n.startswith("profile.") for n in row.wanted)

        return portions(rows, self._desk.settings.batch_size, wide)

    def _is_sound(self, write: Write, fields: Mapping[str, Value]) -> bool:
        try:
            for name, value in fields.items():
                mapping.checked(self._keeper.table.columns[name], value)
            if write.kind == "create":
                self._must_be_whole(fields)
        except SkipRow as error:
            self._settle(write, error)
            return False
        return True

    def _must_be_whole(self, fields: Mapping[str, Value]) -> None:
        for name, column in self._keeper.table.columns.items():
            if column.is_required and name not in fields:
                mapping.checked(column, None)

    def _settle(self, write: Write, error: SkipRow) -> None:
        outcome = Outcome(write.key, error=error)
        self.jobs.append(Job((write.key,), partial(list, [outcome])))


def to_adopt(table: Table, write: Write, present: Row) -> dict[str, Value]:
    """Choose what a record that is there already is to hold.

    A value that was only proposed never replaces what stands there; `changed` names the
    granted ones. Whether a suspended record is woken is not a creation's to say, unless the
    flow grants that field.
    """
    granted = write.changed or frozenset(write.fields)
    wanted = {
        name: value
        for name, value in write.fields.items()
        if name in granted or present.get(name) is None
    }
    return {name: wanted[name] for name in mapping.differing(table, wanted, present)}


def _chosen(table: Table, write: Write) -> dict[str, Value]:
    asleep: dict[str, Value] = {table.said_by: table.said_by != "visible"}
    if write.kind == "suspend":
        return asleep
    chosen = {name: write.fields[name] for name in sorted(write.changed)}
    if write.kind == "resume":
        return {**chosen, table.said_by: not asleep[table.said_by]}
    return chosen


def _make(keeper: Keeper, made: Sequence[Creation]) -> list[Outcome]:
    def send(rows: Sequence[Creation]) -> list[Outcome]:
        ids = keeper.create(rows)
        if len(ids) != len(rows):
            raise unknown(f"{len(rows)} records were sent and {len(ids)} made.")
        return _kept(
            keeper, [Change(one.write, i, one.wanted) for one, i in zip(rows, ids, strict=True)]
        )

    return settled(made, send, keeper.why)


def _change(keeper: Keeper, changes: Sequence[Change]) -> list[Outcome]:
    try:
        return settled(changes, partial(_updated, keeper), keeper.why)
    except _Spoilt as spoilt:
        return _read_back(keeper, changes, spoilt)


class _Spoilt(Exception):
    """Some of the rows may have been done."""

    def __init__(self, refused: Refused) -> None:
        self.refused = refused
        super().__init__(str(refused))


def _updated(keeper: Keeper, changes: Sequence[Change]) -> list[Outcome]:
    try:
        codes = keeper.update(changes)
    except Refused as refused:
        if keeper.is_atomic or refused.is_checked_before:
            raise
        raise _Spoilt(refused) from refused
    function = WRITES[keeper.table.name]["update"]
    good = [one for one in changes if one.record_id not in codes]
    done = {outcome.key: outcome for outcome in _kept(keeper, good)}
    for one in changes:
        if one.record_id in codes:
            error = keeper.why(one, Refused(function, codes[one.record_id]))
            done[one.write.key] = Outcome(one.write.key, error=error)
    return [done[one.write.key] for one in changes]


def _read_back(keeper: Keeper, changes: Sequence[Change], spoilt: _Spoilt) -> list[Outcome]:
    """Settle a call that broke off by what the records hold now; send again what is not done."""
    try:
        rows = keeper.by_ids([one.record_id for one in changes])
    except ConnectorError as error:
        raise unknown(error.message) from error
    settle = []
    for one in changes:
        row = rows.get(one.record_id)
        if row is not None and len(changes) > 1 and _lacks(keeper, one, row):
            settle.append(Job((one.write.key,), partial(_change, keeper, [one])))
        else:
            outcome = _as_found(keeper, one, row, spoilt.refused)
            settle.append(Job((one.write.key,), partial(list, [outcome])))
    return [outcome for outcomes in run(settle, concurrency=1) for outcome in outcomes]


def _lacks(keeper: Keeper, one: Change, row: Row) -> bool:
    return bool(mapping.differing(keeper.table, one.wanted, row))


def _as_found(keeper: Keeper, one: Change, row: Row | None, refused: Refused) -> Outcome:
    if row is None:
        return Outcome(one.write.key, error=gone())
    if _lacks(keeper, one, row):
        return Outcome(one.write.key, error=_alone(keeper, one, refused))
    return one.done


def _alone(keeper: Keeper, one: Change, refused: Refused) -> SkipRow:
    if refused.code in AFTER_THE_EFFECT:
        return kept_otherwise(mapping.suspicious(keeper.table, one.wanted) or list(one.wanted))
    return of_record(refused, mapping.suspicious(keeper.table, one.wanted))


def _kept(keeper: Keeper, changes: Sequence[Change]) -> list[Outcome]:
    """Look at what Moodle may quietly have kept otherwise; everything else is done."""
    unsure = {
        one.record_id: [n for n in one.wanted if keeper.table.columns[n].is_unsure]
        for one in changes
    }
    asked = [record_id for record_id, names in unsure.items() if names]
    if not asked:
        return [one.done for one in changes]
    try:
        rows = keeper.by_ids(asked)
    except ConnectorError as error:
        raise unknown(error.message) from error
    outcomes = []
    for one in changes:
        names = unsure[one.record_id]
        row = rows.get(one.record_id, {})
        wanted = {name: one.wanted[name] for name in names}
        lost = mapping.differing(keeper.table, wanted, row)
        outcomes.append(Outcome(one.write.key, error=kept_otherwise(lost)) if lost else one.done)
    return outcomes


def _delete(delete: Callable[[str], None], write: Write) -> list[Outcome]:
    if mapping.is_number(write.external_id):
        try:
            delete(str(write.external_id))
        except Refused as refused:
            if refused.code in AFTER_THE_EFFECT:
                raise unknown("Deleted, and the answer is spoilt.") from refused
            if not refused.is_gone:
                raise of_record(refused) from refused
    return [Outcome(write.key, write.external_id)]
