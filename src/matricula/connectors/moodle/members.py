"""Who is in what, one row for each pair: members of cohorts and of groups."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from matricula.connectors.kit.batches import Job
from matricula.connectors.kit.claims import Claims
from matricula.connectors.kit.errors import ConnectorError, SkipRow
from matricula.connectors.kit.http import not_understood
from matricula.connectors.kit.protocol import Outcome
from matricula.connectors.moodle import mapping
from matricula.connectors.moodle.halves import settled
from matricula.connectors.moodle.refusals import Refused, gone, unknown
from matricula.kernel.keys import join_key, split_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matricula.connectors.kit.protocol import Value, Write
    from matricula.connectors.moodle.desk import Desk
    from matricula.connectors.moodle.fields import Table
    from matricula.connectors.moodle.mapping import Row

Pair = tuple[str, str]


class Keeps(Protocol):
    """One kind of membership in Moodle's own terms.

    Attributes:
        holder: The field that names what people are in.
        function: Lists members by holder.
    """

    holder: str
    function: str

    def holders(self) -> list[str]:
        """List all cohorts or groups."""
        ...

    def ready(self, pairs: Sequence[Pair]) -> list[ConnectorError | None]:
        """Say of each pair why it cannot be added now, or None."""
        ...

    def add(self, pairs: Sequence[Pair]) -> bool:
        """Add members; False when some may have been left out. Raises `Refused`."""
        ...

    def remove(self, pairs: Sequence[Pair]) -> None:
        """Remove members. Raises `Refused`."""
        ...

    def refusal(self, refused: Refused) -> ConnectorError:
        """Say what it means that one pair alone was refused."""
        ...


class _Intended(NamedTuple):
    write: Write
    pair: Pair


class Members:
    """The resource `cohort_members` or `group_members`."""

    def __init__(self, desk: Desk, table: Table, keeps: Keeps) -> None:
        self._desk, self.table, self._keeps = desk, table, keeps

    def read(self) -> Iterator[list[Row]]:
        """Read who is in everything there is."""
        holders = self._keeps.holders()
        step = self._desk.settings.page_size
        for start in range(0, len(holders), step):
            yield self._rows(holders[start : start + step])

    def find(self, matches: Sequence[Mapping[str, Value]]) -> list[list[Row]]:
        """Look pairs up; where no holder is named, among all."""
        named = [self._holder(match) for match in matches]
        holders = sorted(set(named)) if all(named) else self._keeps.holders()
        rows = self._rows([one for one in holders if mapping.is_number(one)])
        return [
            [row for row in rows if mapping.holds(self.table, match, row)] for match in matches
        ]

    def jobs(self, writes: Sequence[Write]) -> list[Job]:
        """Plan writes: who joins and who leaves, some fifty in one call."""
        jobs = []
        joins: list[_Intended] = []
        leaves: list[_Intended] = []
        claims = Claims()
        for write in writes:
            try:
                pair = self._pair(write)
                if write.kind == "create":
                    claims.take_over(write, join_key(pair))
                    joins.append(_Intended(write, pair))
                elif all(map(mapping.is_number, pair)):
                    leaves.append(_Intended(write, pair))
                else:
                    jobs.append(_settle(write, None))
            except SkipRow as error:
                jobs.append(_settle(write, error))
        return [*jobs, *self._joining(joins), *self._leaving(leaves)]

    def _joining(self, joins: Sequence[_Intended]) -> list[Job]:
        jobs = []
        free = []
        present = self._present(joins)
        for one, error in zip(joins, self._keeps.ready([i.pair for i in joins]), strict=True):
            if error is not None:
                jobs.append(_settle(one.write, error))
            elif one.pair in present:
                outcome = Outcome(one.write.key, join_key(one.pair), adopted=True)
                jobs.append(Job((one.write.key,), partial(list, [outcome])))
            else:
                free.append(one)
        size = self._desk.settings.batch_size
        for start in range(0, len(free), size):
            part = free[start : start + size]
            jobs.append(Job([one.write.key for one in part], partial(self._join, part)))
        return jobs

    def _leaving(self, leaves: Sequence[_Intended]) -> list[Job]:
        size = self._desk.settings.batch_size
        parts = [leaves[start : start + size] for start in range(0, len(leaves), size)]
        return [Job([one.write.key for one in p], partial(self._leave, p)) for p in parts]

    def _join(self, joins: Sequence[_Intended]) -> list[Outcome]:
        def send(some: Sequence[_Intended]) -> list[Outcome]:
            if self._keeps.add([one.pair for one in some]):
                return [Outcome(one.write.key, join_key(one.pair)) for one in some]
            return self._looked_at(some)

        return settled(joins, send, lambda _, refused: self._keeps.refusal(refused))

    def _leave(self, leaves: Sequence[_Intended]) -> list[Outcome]:
        def send(some: Sequence[_Intended]) -> list[Outcome]:
            self._keeps.remove([one.pair for one in some])
            return [Outcome(one.write.key, one.write.external_id) for one in some]

        def refuse(_: _Intended, refused: Refused) -> ConnectorError | None:
            # Whoever has gone altogether is in nothing any more.
            return None if refused.is_gone else self._keeps.refusal(refused)

        return settled(leaves, send, refuse)

    def _looked_at(self, joins: Sequence[_Intended]) -> list[Outcome]:
        """Settle each pair by who is in it now: warnings do not say which row they are of."""
        try:
            present = self._present(joins)
        except ConnectorError as error:
            raise unknown(error.message) from error
        return [
            Outcome(one.write.key, join_key(one.pair))
            if one.pair in present
            else Outcome(one.write.key, error=gone())
            for one in joins
        ]

    def _present(self, joins: Sequence[_Intended]) -> set[Pair]:
        holders = sorted({one.pair[0] for one in joins})
        return {(str(row[self._keeps.holder]), str(row["userid"])) for row in self._rows(holders)}

    def _rows(self, holders: Sequence[str]) -> list[Row]:
        def ask(some: Sequence[str]) -> list[Row]:
            told = self._desk.wire.read(
                self._keeps.function, **{f"{self._keeps.holder}s": list(some)}
            )
            return self._pairs(told)

        return self._desk.looked_up(holders, ask)

    def _pairs(self, told: Any) -> list[Row]:  # noqa: ANN401 - what Moodle answered
        if not isinstance(told, list):
            raise not_understood("a listing of members is none")
        name = self._keeps.holder
        return [
            {
                "_id": join_key([str(one[name]), str(user)]),
                name: str(one[name]),
                "userid": str(user),
            }
            for one in told
            for user in one["userids"]
        ]

    def _holder(self, match: Mapping[str, Value]) -> str:
        if "_id" in match:
            return _halves(match["_id"])[0]
        return str(match.get(self._keeps.holder) or "")

    def _pair(self, write: Write) -> Pair:
        if write.external_id is not None:
            return _halves(write.external_id)
        for column in self.table.columns.values():
            mapping.checked(column, write.fields.get(column.name))
        return str(write.fields[self._keeps.holder]), str(write.fields["userid"])


def _halves(identifier: object) -> Pair:
    try:
        holder, user = split_key(str(identifier), 2)
    except ValueError:
        return "", ""
    return holder, user


def _settle(write: Write, error: ConnectorError | None) -> Job:
    outcome = Outcome(write.key, None if error else write.external_id, error=error)
    return Job((write.key,), partial(list, [outcome]))
