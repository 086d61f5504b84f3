"""The script that a system's administrator runs once, so that PostgreSQL tells what changed.

It is printed and never run by us. The triggers note identifiers alone: no value of a record
leaves its table by this way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy.dialects import postgresql

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matricula.connectors.sql.settings import Resource

# PostgreSQL cuts longer names in silence.
_LONGEST = 50
_QUOTE = postgresql.dialect().identifier_preparer  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it so


@dataclass(frozen=True, slots=True)
class Outbox:
    """The names of a feed's parts, quoted and with their schema.

    Attributes:
        table: Into which the triggers write.
        read: In which stands how far it was read and forgotten.
        function: Begins the names of the triggers' functions.
        trigger: Its plain name, the same on every watched table.
        emptied: The plain name of the trigger for a table that is emptied.
        watched: Table to the columns in it that spell an identifier, quoted.
    """

    table: str
    read: str
    function: str
    trigger: str
    emptied: str
    watched: Mapping[str, tuple[str, ...]]


def outbox_of(name: str, resource: Resource, schema: str) -> Outbox:
    """Name the parts of a resource's feed.

    Args:
        name: Of the resource.
        resource: With a `feed`.
        schema: Of the tables.
    """
    feed = resource.feed
    called = (feed.table if feed else "") or f"matricula_feed_{name}"
    called = called[:_LONGEST]
    own = {resource.table or name: resource.identity}
    watched = (feed.watch if feed else {}) or own
    return Outbox(
        table=_quoted(schema, called),
        read=_quoted(schema, f"{called}_read"),
        function=_quoted(schema, called),
        trigger=called,
        emptied=f"{called}_emptied",
        watched={
            _quoted(schema, table): tuple(map(_QUOTE.quote_identifier, columns))
            for table, columns in watched.items()
        },
    )


def _quoted(schema: str, name: str) -> str:
    # A table of another schema is named with it.
    first, dot, second = name.partition(".")
    parts = (first, second) if dot else (schema, name)
    return ".".join(map(_QUOTE.quote_identifier, parts))


def literal(quoted: str) -> str:
    """Keep SQLAlchemy from taking a part of a name for a parameter."""
    return quoted.replace(":", "\\:")


def script(outbox: Outbox, *, resource: str, account: str) -> str:
    """Write the script.

    Args:
        outbox: The names.
        resource: `system.resource`, for the comment.
        account: Whom Matricula signs in as.
    """
    who = _QUOTE.quote_identifier(account or "matricula")
    begun = _BEGUN.format(resource=resource, table=outbox.table, read=outbox.read)
    watched = [
        _watched(outbox, number, table, columns)
        for number, (table, columns) in enumerate(outbox.watched.items(), 1)
    ]
    ended = _ENDED.format(table=outbox.table, read=outbox.read, who=who)
    return "".join([begun, *watched, ended, *_rid_of(outbox)])


_BEGUN = """\
-- The feed of {resource}: which records may have changed, for Matricula to look at.
-- To be run once, by the owner of the tables it names; PostgreSQL 13 or later.
-- It notes identifiers alone. To be rid of it, run what stands at the end.
BEGIN;

CREATE TABLE {table} (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    made_in xid8 NOT NULL DEFAULT pg_current_xact_id(),
    key jsonb  -- null: anything may have changed
);
CREATE INDEX ON {table} (made_in);
CREATE TABLE {read} (upto xid8 NOT NULL);
INSERT INTO {read} VALUES ('0');

"""
# With the owner's rights: whoever may change the table need not be let into the feed. And
# always: what replication or a restore writes is a change too.
_WATCHED = """\
CREATE FUNCTION {function}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $feed$
BEGIN
{body}    RETURN NULL;
END $feed$;
REVOKE ALL ON FUNCTION {function}() FROM PUBLIC;
CREATE TRIGGER {trigger} AFTER INSERT OR UPDATE OR DELETE ON {watched}
    FOR EACH {each} EXECUTE FUNCTION {function}();
CREATE TRIGGER {emptied} AFTER TRUNCATE ON {watched}
    FOR EACH STATEMENT EXECUTE FUNCTION {function}();
ALTER TABLE {watched} ENABLE ALWAYS TRIGGER {trigger};
ALTER TABLE {watched} ENABLE ALWAYS TRIGGER {emptied};

"""
_ANYTHING = """\
    INSERT INTO {table} (key) VALUES (NULL);
"""
_BY_ROW = """\
    IF TG_OP = 'TRUNCATE' THEN
        INSERT INTO {table} (key) VALUES (NULL);
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO {table} (key) VALUES ({old});
    END IF;
    IF TG_OP = 'INSERT' THEN
        INSERT INTO {table} (key) VALUES ({new});
    ELSIF TG_OP = 'UPDATE' AND {new} IS DISTINCT FROM {old} THEN
        INSERT INTO {table} (key) VALUES ({new});
    END IF;
"""
_ENDED = """\
GRANT SELECT, DELETE ON {table} TO {who};
GRANT SELECT, UPDATE ON {read} TO {who};
COMMIT;

-- To be rid of it:
"""


def _watched(outbox: Outbox, number: int, table: str, columns: Sequence[str]) -> str:
    old, new = (_key(record, columns) for record in ("OLD", "NEW"))
    body = (_BY_ROW if columns else _ANYTHING).format(table=outbox.table, old=old, new=new)
    trigger, emptied = map(_QUOTE.quote_identifier, (outbox.trigger, outbox.emptied))
    return _WATCHED.format(
        function=_numbered(outbox, number), body=body, trigger=trigger, emptied=emptied,
        watched=table, each="ROW" if columns else "STATEMENT",
    )  # fmt: skip


def _numbered(outbox: Outbox, number: int) -> str:
    """Name the function of one watched table; the name ends in a quotation mark."""
    return f'{outbox.function[:-1]}_{number}"'


def _key(record: str, columns: Sequence[str]) -> str:
    return f"jsonb_build_array({', '.join(f'{record}.{column}' for column in columns)})"


def _rid_of(outbox: Outbox) -> Iterator[str]:
    trigger, emptied = map(_QUOTE.quote_identifier, (outbox.trigger, outbox.emptied))
    for number, table in enumerate(outbox.watched, 1):
        yield f"--   DROP TRIGGER {trigger} ON {table}; DROP TRIGGER {emptied} ON {table};\n"
        yield f"--   DROP FUNCTION {_numbered(outbox, number)}();\n"
    yield f"--   DROP TABLE {outbox.table}, {outbox.read};\n"
