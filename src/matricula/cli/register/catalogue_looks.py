"""The commands that list what is taught: programmes, modules, terms and sections."""

from __future__ import annotations

import click

from matricula.cli.register.asked import Asked, reads, tell_rows


@click.command("list")
@reads
def programmes(asked: Asked) -> None:
    """List the programmes."""
    from matricula.sis.curriculum import access, queries

    access.may_read(asked.acting)
    columns = ("code", "title", "department")
    found = queries.programme_records(queries.programme_codes())
    tell_rows(asked, columns, [tuple(one[name] for name in columns) for one in found])


@click.command("list")
@reads
def modules(asked: Asked) -> None:
    """List the modules that are taught today, with what they are worth."""
    from matricula.sis.curriculum import access, queries

    access.may_read(asked.acting)
    found = queries.modules(queries.module_codes(), on=asked.acting.today).values()
    rows = [
        (one.code, one.title, one.credits, one.level, one.department)
        for one in sorted(found, key=lambda one: one.code)
    ]
    tell_rows(asked, ("code", "title", "credits", "level", "department"), rows)


@click.command("list")
@reads
def terms(asked: Asked) -> None:
    """List the terms, the earliest first."""
    from matricula.sis.curriculum import access, queries

    access.may_read(asked.acting)
    rows = [
        (one.code, one.title, one.register_from, one.starts_on, one.add_until, one.census_on,
         one.ends_on)
        for one in queries.terms()
    ]  # fmt: skip
    columns = ("code", "title", "register from", "starts", "add until", "census", "ends")
    tell_rows(asked, columns, rows)


@click.command("list")
@reads
@click.argument("term")
def sections(asked: Asked, term: str) -> None:
    """List the sections of a term: their seats, how many are taken, and how many wait."""
    from matricula.sis.curriculum import access, queries
    from matricula.sis.enrolment import queries as enrolments

    access.may_read(asked.acting)
    found = queries.sections(queries.sections_of(queries.term(term).code))
    seats = enrolments.seats(found, at=asked.acting.at, on=asked.acting.today)
    rows = [
        (one.code, one.module, one.title, one.capacity, seats[one.code].taken,
         seats[one.code].waiting, one.state)
        for one in found.values()
    ]  # fmt: skip
    columns = ("code", "module", "title", "seats", "taken", "waiting", "state")
    tell_rows(asked, columns, sorted(rows))
