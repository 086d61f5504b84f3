"""Whom to ask about: the card numbers that the charter names."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from matricula.connectors.kit import places
from matricula.connectors.kit.errors import GiveUp, Untrusted

if TYPE_CHECKING:
    from matricula.connectors.kit.protocol import Context
    from matricula.connectors.sip2.settings import PatronsFile, Sip2Settings


def cards(settings: Sip2Settings, context: Context) -> list[str]:
    """List the card numbers to ask about, each once, in their order.

    Raises:
        GiveUp: None are named (M735). TryAgain: The file's folder is not there, whether or not
            the file may be missing (M610): a drive that is not mounted names nobody, and all
            would seem to owe nothing. Untrusted: The file is missing, has no such column, or
            names nobody where somebody is expected.
    """
    if settings.patrons_file is not None:
        found = _of_file(settings.patrons_file, context)
    elif settings.patrons:
        found = settings.patrons
    else:
        raise GiveUp(
            "SIP2 answers about one person at a time, and no card numbers are named to ask about.",
            code="M735",
            cure="Name `patrons_file:`, which a flow of the charter may write, or `patrons:`.",
        )
    named = list(dict.fromkeys(card for card in found if card))
    if not named and not settings.may_be_empty:
        raise _unusable("M422", "names nobody")
    return named


def _of_file(stated: PatronsFile, context: Context) -> list[str]:
    path = places.resolved(stated.file, context)
    places.must_be_folder(path.parent, context)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            if stated.column not in (rows.fieldnames or []):
                raise _unusable("M426", f"has no column {stated.column}")
            return [str(row[stated.column] or "") for row in rows]
    except FileNotFoundError:
        if stated.missing_ok:
            return []
        raise _unusable("M420", "is not there") from None
    except (OSError, UnicodeDecodeError, csv.Error):
        raise _unusable("M429", "cannot be read as CSV in UTF-8") from None


def _unusable(code: str, why: str) -> Untrusted:
    return Untrusted(
        f"The file of card numbers to ask about {why}.",
        code=code,
        cure="Have it made again, or correct `patrons_file:`; nobody was asked about.",
    )
