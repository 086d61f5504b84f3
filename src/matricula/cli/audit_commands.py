"""Commands about the audit: verify, export, checkpoint, a key for it, and erasing a record."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from matricula.cli import show, sitting
from matricula.cli.given import why_option
from matricula.kernel.errors import SettingMissing

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.group()
def audit() -> None:
    """Prove that the record of what was done is untouched."""
    sitting.set_up()


@audit.command()
@sitting.json_option
@click.option(
    "--checkpoint", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=None,
    help="A checkpoint handed out earlier; the audit must contain it.",
)  # fmt: skip
@click.option("--public-key", default="", help="The only key whose signature counts.")
def verify(*, as_json: bool, checkpoint: Path | None, public_key: str) -> None:
    """Recompute everything and say whether the audit is untouched."""
    from matricula.audit.verify import verify as check

    sitting.look()
    found = check(checkpoint=checkpoint, public_key=public_key)
    if as_json:
        show.as_json({"ok": True, "entries": found.entries, "batches": found.batches,
                      "checkpoints": found.checkpoints, "head": found.head})  # fmt: skip
    else:
        show.say(
            f"The audit is untouched: {found.entries} entries in {found.batches} batches, "
            f"{found.checkpoints} checkpoint(s), head {found.head[:16]}."
        )
        if checkpoint is None:
            show.say("A history rewritten as a whole shows only against a checkpoint handed out.")


@audit.command()
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--values/--no-values", default=True, help="With the values that were set.")
def export(path: Path, *, values: bool) -> None:
    """Write the audit for an outsider, to be checked without Matricula."""
    from matricula.audit.queries import export as write

    sitting.look()
    with sitting.output(path):
        count = write(path, values=values)
    show.say(f"wrote {count} entries to {path}; check them with verifier/verify_audit.py")


@audit.command()
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path))
def checkpoint(path: Path) -> None:
    """Sign how far the audit has come, to be handed to an outsider."""
    from matricula.audit.actions import checkpoint as sign
    from matricula.audit.keys import load_key

    reference = os.environ.get("MATRICULA_AUDIT_KEY", "")
    if not reference:
        raise SettingMissing(
            "M702",
            "There is no key to sign the audit with.",
            cure="Make one with `matricula audit key FILE` and set MATRICULA_AUDIT_KEY=file:FILE.",
        )
    sitting.look()
    with sitting.output(path):
        signed = sign(at=sitting.now(), key=load_key(reference))
        path.write_text(signed.as_text(), encoding="utf-8")
    show.say(f"signed {signed.last_seq} entries; wrote {path}")


@audit.command()
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path))
def key(path: Path) -> None:
    """Make a key for checkpoints, readable by you alone. Keep it away from the database."""
    from matricula.audit.keys import generate_key

    with sitting.output(path):
        generate_key(path)
    show.say(f"wrote {path}; set MATRICULA_AUDIT_KEY=file:{path}")


@audit.command()
@sitting.charter_option
@sitting.json_option
@click.argument("entity")
@click.argument("key")
@why_option("On which ground; it stays, so it may name nobody.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(
    folder: Path | None, entity: str, key: str, why: str, *, yes: bool, as_json: bool
) -> None:
    """Erase a record that has left: from the audit, from the database and from the home.

    What hangs on it is erased with it: a student's enrolments, for instance. Refused while
    copies are still in other systems.
    """
    desk = sitting.sit_down(folder, only_look=True)
    from matricula.hub import erasing

    if not yes:
        _confirm(erasing.look(desk, entity, key).records)
    done = erasing.erase(desk, entity, key, why=why)
    if as_json:
        show.as_json(
            {"records": [{"entity": e, "key": k} for e, k in done.records],
             "erased": done.counts, "notes": done.notes}
        )  # fmt: skip
    elif done.counts:
        show.table(["erased of", "how many"], [[w, n] for w, n in done.counts.items()])
        for note in done.notes:
            show.say(note)
        show.say(f"{entity} {key} is erased here. Backups hold it until they expire.")
    else:
        show.say(f"Nothing was kept of {entity} {key}.")
    click.get_current_context().exit(0 if done.counts else 1)


def _confirm(records: Sequence[tuple[str, str]]) -> None:
    kinds = Counter(entity for entity, _ in records)
    told = ", ".join(f"{count} {entity}" for entity, count in kinds.items())
    click.confirm(f"Erase {told} for good? It cannot be undone.", abort=True, err=True)
