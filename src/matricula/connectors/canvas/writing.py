"""A batch of writes as one import: look first, say what is to change, settle every row.

What is to be overridden goes in an import of its own, since Canvas knows that permission for
a whole import only. Raising says that nothing happened; once an import was handed over, every
row has an outcome.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from matricula.connectors.canvas import lines, mapping, package, refusals, settling
from matricula.connectors.canvas.tables import ACCOUNTS, COURSES, LOGINS, SPECS, USERS
from matricula.connectors.kit.claims import Claims
from matricula.connectors.kit.errors import (
    ConnectorError,
    ReadBack,
    SkipRow,
    Stop,
    TryAgain,
    not_begun,
)
from matricula.connectors.kit.protocol import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from matricula.connectors.canvas.imports import Importer
    from matricula.connectors.canvas.lines import Line
    from matricula.connectors.canvas.lookup import Lookup
    from matricula.connectors.canvas.mapping import Row
    from matricula.connectors.canvas.settings import CanvasSettings
    from matricula.connectors.canvas.tables import Spec
    from matricula.connectors.kit.protocol import Value, Write


@dataclass(slots=True)
class _Known:
    """What Canvas holds of the records of a batch.

    Attributes:
        rows: By `_id`.
        logins: Users by the login that a creation asks for.
        matched: By key: records that the match of a creation finds.
        others: For deletions: how many other logins the same person has.
        terms: The terms that there are, where a course is to be in one.
    """

    rows: Mapping[str, Row]
    logins: Mapping[str, Row] = field(default_factory=dict)
    matched: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    others: Mapping[str, int] = field(default_factory=dict)
    terms: Collection[str] = ()


class Batch:
    """The writes of one call.

    Args:
        spec: Of which resource.
        settings: What the charter says.
        importer: Has zips imported.
        lookup: Makes something to look records up with, as they are then.
    """

    def __init__(
        self,
        spec: Spec,
        settings: CanvasSettings,
        importer: Importer,
        lookup: Callable[[], Lookup],
    ) -> None:
        self._spec, self._settings = spec, settings
        self._importer, self._lookup = importer, lookup
        self._claims = Claims()
        self._made: dict[str, str] = {}

    def write(self, writes: Sequence[Write]) -> dict[str, Outcome]:
        """Do what is intended.

        Returns:
            Outcomes by key, one for every write.

        Raises:
            TryAgain, Stop, GiveUp: Nothing happened.
        """
        outcomes: dict[str, Outcome] = {}
        values: dict[str, Row] = {}
        for write in writes:
            try:
                values[write.key] = lines.granted(self._spec, _concerned(self._spec, write))
            except SkipRow as error:
                outcomes[write.key] = Outcome(write.key, error=error)
        able = [write for write in writes if write.key in values]
        known = self._look(able, values)
        planned: list[Line] = []
        for write in able:
            try:
                line = self._line(write, values[write.key], known)
            except SkipRow as error:
                outcomes[write.key] = Outcome(write.key, error=error)
                continue
            if isinstance(line, Outcome):
                outcomes[write.key] = line
            else:
                planned.append(line)
        return outcomes | self._imported(planned)

    def _look(self, writes: Sequence[Write], values: Mapping[str, Row]) -> _Known:
        lookup, spec = self._lookup(), self._spec
        making = [one for one in writes if one.kind == "create"]
        news = {one.key: mapping.id_of(spec, values[one.key]) or "" for one in writes}
        olds = {str(one.external_id) for one in writes if one.external_id}
        rows = lookup.by_ids(spec, olds)
        rows |= lookup.by_ids(
            spec, {new for new in news.values() if new} - set(rows), with_logins=False
        )
        # Of those that creations find, everything has to be known before it is changed.
        found = {news[one.key] for one in making} & set(rows)
        if spec is USERS and found:
            rows |= lookup.by_ids(spec, found)
        terms = lookup.terms() if any(v.get("term_id") for v in values.values()) else set()
        if spec not in (USERS, LOGINS):
            return _Known(rows, matched=self._matched(lookup, making), terms=terms)
        fresh = [one for one in making if news[one.key] not in rows]
        asked = {str(values[one.key].get("login_id") or "") for one in fresh} - {""}
        gone = [str(one.external_id) for one in writes if one.kind == "delete"]
        holders = lookup.by_login(asked)
        strangers = {name for row in holders.values() if (name := str(row["_id"])) not in rows}
        # Of a user without SIS ID everything has to be known before it is taken over.
        plain = {name for name in strangers if name.startswith(mapping.FOREIGN)}
        rows |= lookup.by_ids(spec, plain) if spec is USERS and plain else {}
        logins = lookup.logins_named([name for name in gone if name in rows])
        others = {
            name: sum(s.get("sis_user_id") != name for s in some) for name, some in logins.items()
        }
        return _Known(rows, holders, self._matched(lookup, making), others)

    def _matched(self, lookup: Lookup, making: Sequence[Write]) -> dict[str, Sequence[Row]]:
        """Look up what is found by more than SIS ID and login, which are looked up anyway."""
        plain = (
            {*self._spec.identity, "login_id"}
            if self._spec in (USERS, LOGINS)
            else set(self._spec.identity)
        )
        odd = [one for one in making if set(one.match) - plain]
        found = lookup.matching(self._spec, [one.match for one in odd])
        return {one.key: rows for one, rows in zip(odd, found, strict=True)}

    def _line(self, write: Write, values: Row, known: _Known) -> Line | Outcome:
        if write.kind == "create":
            line = self._creation(write, values, known)
        else:
            line = self._change(write, values, known)
        if isinstance(line, Outcome):
            return line
        term = line.meant.get("term_id") if self._spec is COURSES else None
        if term is not None and term not in known.terms:
            # Canvas passes over it in silence, and the course is in the default term.
            raise refusals.misfit("term_id names nothing")
        fields = self._settings.override_sis_stickiness.get(self._spec.name, [])
        return lines.override(line, self._spec, fields)

    def _creation(self, write: Write, values: Row, known: _Known) -> Line | Outcome:
        external_id = mapping.id_of(self._spec, values)
        if external_id is None:
            raise refusals.misfit(f"{', '.join(self._spec.identity)} must not be empty")
        for row in known.matched.get(write.key, ()):
            if row["_id"] != external_id:
                raise refusals.taken(
                    str(row["_id"]), "it answers to the match under another SIS ID"
                )
        current = known.rows.get(external_id)
        if current is not None:
            self._claims.take_over(write, external_id)
            return self._taken_over(write, current, values)
        if self._made.setdefault(external_id, write.key) != write.key:
            raise refusals.taken(external_id, "it is made for another key just now")
        holder = known.logins.get(str(values.get("login_id") or ""))
        line = lines.created(self._spec, write, values)
        if holder is None:
            return line
        # Canvas gives whoever has the login this SIS ID, unless they have another.
        self._claims.take_over(write, str(holder["_id"]))
        if holder["user_id"] is not None or "login_id" not in write.match or self._spec is LOGINS:
            raise refusals.taken(str(holder["_id"]), "it has this login_id already")
        return self._taken_over(write, known.rows.get(str(holder["_id"]), holder), values)

    def _taken_over(self, write: Write, current: Row, values: Row) -> Line | Outcome:
        meant = lines.put(self._spec, write, values)
        if self._spec.suspended:
            # Whoever is made anew is awake, unless the flow says otherwise.
            meant.setdefault("status", self._spec.statuses[0])
        line = lines.changed(self._spec, write, current, meant)
        if line is None:
            return Outcome(write.key, str(current["_id"]), adopted=True)
        foreign = line.renamed.startswith(mapping.FOREIGN)
        # The import itself gives a SIS ID to whoever has none.
        return replace(line, adopted=True, renamed="" if foreign else line.renamed)

    def _change(self, write: Write, values: Row, known: _Known) -> Line | Outcome:
        external_id = str(write.external_id)
        current = known.rows.get(external_id)
        if external_id.startswith(mapping.FOREIGN) and current is not None:
            raise refusals.no_sis_id(external_id)
        if write.kind == "delete":
            return self._deletion(write, current, known)
        row = self._row_of(write, values, known)
        meant = lines.put(self._spec, write, values)
        line = lines.changed(self._spec, write, row, meant)
        return line or Outcome(write.key, str(row["_id"]))

    def _row_of(self, write: Write, values: Row, known: _Known) -> Row:
        """Find the record of a change, also where it is about to be, or was, renumbered."""
        external_id = str(write.external_id)
        current = known.rows.get(external_id)
        renames = bool(set(self._spec.identity) & write.changed)
        new = mapping.id_of(self._spec, values)
        other = known.rows.get(new) if renames and new and new != external_id else None
        if current is None and (other is None or self._spec.kind):
            raise refusals.not_there(external_id)
        if current is not None and other is not None:
            raise refusals.taken(str(new), "there is a record under this SIS ID already")
        # Where a user was renumbered, the enrolments are found under the new number.
        return current or other or {}

    def _deletion(self, write: Write, current: Row | None, known: _Known) -> Line | Outcome:
        external_id = str(write.external_id)
        if current is None:
            return Outcome(write.key, external_id)
        others = known.others.get(external_id, 0)
        if self._spec is USERS and others:
            # Its login would take the owner's enrolments along: instructure/canvas-lms#1402.
            raise refusals.taken(external_id, "the person has another login, so two were merged")
        if self._spec is LOGINS and not others:
            raise refusals.taken(external_id, "it is the person's last login, which is the user")
        return lines.deleted(self._spec, write, current)

    def _imported(self, planned: Sequence[Line]) -> dict[str, Outcome]:
        outcomes: dict[str, Outcome] = {}
        halt: ConnectorError | None = None
        for overriding in (False, True):
            some = [one for one in planned if one.overrides is overriding]
            if not some:
                continue
            if halt is not None:
                outcomes |= {one.key: Outcome(one.key, error=not_begun(halt)) for one in some}
                continue
            try:
                outcomes |= self._one_import(some, overriding=overriding)
            except ReadBack as lost:
                outcomes |= {one.key: Outcome(one.key, error=lost) for one in some}
            except (TryAgain, Stop) as error:
                if not outcomes:
                    raise
                halt = error
                outcomes |= {one.key: Outcome(one.key, error=not_begun(error)) for one in some}
        return outcomes

    def _one_import(self, some: Sequence[Line], *, overriding: bool) -> dict[str, Outcome]:
        placed = _placed(self._spec, some)
        options = {"override_sis_stickiness": "true"} if overriding else {}
        if overriding and self._settings.clear_sis_stickiness:
            options["clear_sis_stickiness"] = "true"
        if not any(one.deletes for one in some):
            options["skip_deletes"] = "true"
        result = self._importer.run(package.zip_of(_files(self._spec, placed)), options)
        ids = {one.external_id for one in some}
        deep = self._spec is USERS and any(_needs_logins(one) for one in some)
        try:
            seen = self._lookup().by_ids(self._spec, ids, with_logins=deep)
        except ConnectorError as error:
            raise settling.unseen(result, error) from error
        return settling.outcomes(self._spec, placed, result, seen)


def _concerned(spec: Spec, write: Write) -> dict[str, Value]:
    """Give the values that a write is about: a leaver is not kept for a name that is too long."""
    if write.kind == "create":
        return dict(write.fields)
    if write.kind in ("suspend", "delete"):
        return {}
    names = {*write.changed, *spec.identity, "status"}
    return {name: value for name, value in write.fields.items() if name in names}


def _needs_logins(line: Line) -> bool:
    return line.adopted or bool(
        {"status", "authentication_provider_id", "declared_user_type"} & set(line.meant)
    )


def _placed(spec: Spec, some: Iterable[Line]) -> dict[tuple[str, int], Line]:
    """Give every line its place: file and number, the header being the first."""
    ordered = _parents_first(some) if spec is ACCOUNTS else list(some)
    placed: dict[tuple[str, int], Line] = {}
    last: dict[str, int] = {}
    for line in ordered:
        last[line.file] = last.get(line.file, 1) + 1
        placed[line.file, last[line.file]] = line
    return placed


def _parents_first(some: Iterable[Line]) -> list[Line]:
    """Order accounts so that a parent stands before what refers to it, as Canvas requires."""
    waiting = list(some)
    ordered: list[Line] = []
    while waiting:
        unborn = {one.external_id for one in waiting}
        ready = [one for one in waiting if one.cells.get("parent_account_id") not in unborn]
        # Those that go round in a circle are Canvas's to refuse.
        ready = ready or waiting
        taken = {one.key for one in ready}
        ordered += ready
        waiting = [one for one in waiting if one.key not in taken]
    return ordered


def _files(spec: Spec, placed: Mapping[tuple[str, int], Line]) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    renamed = [one for one in placed.values() if one.renamed]
    if renamed:
        # Canvas goes through this file before all others, which therefore name the new IDs.
        rows = [
            {"old_id": one.renamed, "new_id": one.external_id, "type": spec.kind}
            for one in renamed
        ]
        files[lines.CHANGES] = package.csv_of(lines.CHANGE_COLUMNS, rows)
    by_file: dict[str, list[Mapping[str, str]]] = {}
    for (name, _), line in placed.items():
        by_file.setdefault(name, []).append(line.cells)
    for name, cells in by_file.items():
        files[name] = package.csv_of(_columns(name), cells)
    return files


def _columns(file: str) -> list[str]:
    spec = next(one for one in SPECS.values() if one.file == file)
    columns = [one.name for one in spec.columns]
    return columns if spec is LOGINS or "status" in columns else [*columns, "status"]
