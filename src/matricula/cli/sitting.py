"""Sitting down: from the command line's words to the desk that the hub works at."""

from __future__ import annotations

import getpass
import os
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from matricula import __version__
from matricula.cli import show
from matricula.kernel.errors import Refused, SettingMissing
from matricula.kernel.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from matricula.charter.model import Charter
    from matricula.hub.desk import Desk

Command = TypeVar("Command", bound="Callable[..., object]")


def charter_option(command: Command) -> Command:
    """Give a command `--charter`; the one before the command's name counts too."""
    return click.option(
        "--charter", "folder", type=click.Path(path_type=Path), default=None,
        help="The folder of the charter. Default: ./charter.",
    )(command)  # fmt: skip


def json_option(command: Command) -> Command:
    """Give a command `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON value.")(command)


def charter_folder(given: Path | None) -> Path:
    """Say which folder is meant: the command's, the group's, or `./charter`."""
    context = click.get_current_context(silent=True)
    outer = context.find_root().obj if context else None
    return given or outer or Path("charter")


def now() -> datetime:
    """Take the present instant; the only clock the commands read."""
    return datetime.now(UTC)


def load_charter(given: Path | None) -> Charter:
    """Compile the charter, or refuse it with everything that is wrong with it."""
    from matricula.charter.compile import compile_charter

    return compile_charter(charter_folder(given), today=now().date())


def set_up() -> None:
    """Make Django and the database ready; a new or older database is brought up to date."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "matricula.site.settings")
    import django
    from django.apps import apps

    if not apps.ready:
        django.setup()


def bring_up_to_date() -> None:
    """Make the home and apply the migrations that the database lacks.

    From here on, what this process makes is its owner's alone: files that others are to read
    get their mode where they are written.

    Raises:
        SettingMissing: The home or the database cannot be used (M805, M806), or a newer
            version has used the database (M807).
    """
    from django.conf import settings
    from django.db import DatabaseError

    os.umask(0o077)
    _make_home(Path(settings.HOME))
    try:
        _migrate()
    except DatabaseError as error:
        # The first line alone: what follows are hints of the driver.
        said = next(iter(str(error).splitlines()), type(error).__name__)
        raise SettingMissing(
            "M806",
            f"The database cannot be used: {said.rstrip('.')}.",
            cure="See that it runs and lets this account in, and that the URL names it rightly.",
            place="MATRICULA_DATABASE_URL",
        ) from error
    _tell_of_readers(Path(settings.HOME))


def look() -> None:
    """Open what was kept, for a command that only tells what it says; nothing is made.

    Raises:
        SettingMissing: Nothing was kept here yet (M809).
        Refused: There are accounts, and this one is nobody's on the staff (M903).
    """
    set_up()
    from django.conf import settings
    from django.db import connection

    kept = Path(connection.settings_dict["NAME"])
    if kept.is_relative_to(settings.HOME) and not kept.exists():
        raise SettingMissing(
            "M809", f"Nothing was kept yet in {settings.HOME}.", cure=_where_it_may_be()
        )
    bring_up_to_date()
    _must_be_staff()


def _must_be_staff() -> None:
    """Tell what is kept of others to staff alone, once there are accounts.

    Raises:
        Refused: The account holds no role here, or is a student's (M903).
    """
    from matricula.accounts import queries

    if not queries.anybody():
        return
    held = {grant.role for grant in queries.grants(actor(), on=now().date())}
    if not held - {"student"}:
        raise Refused(
            "M903",
            f"{actor()} holds no role on the staff today, and this tells of others.",
            cure="Ask an operator for a grant. Of yourself: `matricula register show NUMBER`.",
        )


def _where_it_may_be() -> str:
    beside = charter_folder(None).absolute().parent / ".matricula"
    if beside.is_dir():
        return f"There is a home beside the charter: set MATRICULA_HOME={beside}."
    return (
        "Go to the folder where Matricula runs, or name its home in MATRICULA_HOME; a first "
        "`matricula plan` makes one here."
    )


@contextmanager
def output(path: Path) -> Iterator[None]:
    """Let a command write a file; whether it can is found out before anything else is done.

    Raises:
        SettingMissing: It cannot be written (M810).
    """
    try:
        is_new = not path.exists()
        with path.open("ab"):
            pass
        if is_new:
            path.unlink()
        yield
    except OSError as error:
        raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError) -> SettingMissing:
    """Say why a file or folder that a command was to write cannot be written (M810)."""
    why = (error.strerror or type(error).__name__).lower()
    return SettingMissing(
        "M810",
        f"{path} cannot be written: {why}.",
        cure="Name one in a folder that is there and that this account may write in.",
    )


def _make_home(home: Path) -> None:
    try:
        # What is kept here is personal: for whoever runs Matricula, and nobody beside.
        home.mkdir(parents=True, mode=0o700, exist_ok=True)
        why = "" if os.access(home, os.W_OK | os.X_OK) else "it cannot be written"
    except OSError as error:
        why = (error.strerror or type(error).__name__).lower()
    if why:
        raise SettingMissing(
            "M805",
            f"The home {home} cannot be used: {why}.",
            cure="Name a folder of your own, or have this one made writable for this account.",
            place="MATRICULA_HOME",
        )


def _tell_of_readers(home: Path) -> None:
    from django.db import connection

    if _mode(home) & 0o077:
        _tell_once("MATRICULA_HOME", "home", home, f"chmod 700 {home}")
    if connection.vendor != "sqlite":
        return
    database = Path(connection.settings_dict["NAME"]).absolute()
    # Within the home, the home keeps it.
    if database.parent != home and _mode(database) & 0o077 and _mode(database.parent) & 0o011:
        _tell_once("MATRICULA_DATABASE_URL", "database", database, f"chmod 600 {database}*")


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@cache
def _tell_once(place: str, what: str, path: Path, cure: str) -> None:
    """Say that others can look in. It may be somebody's wish, so nothing is refused."""
    message = (
        f"Other accounts can look into the {what} {path} (mode {_mode(path):o}), where personal "
        "data lie."
    )
    show.findings([Finding(place, "M808", message, f"Run `{cure}`.", "warning")])


def _migrate() -> None:
    if _has_ours_alone():
        return
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    from matricula.hub.alone import one_at_a_time

    executor = MigrationExecutor(connection)
    unknown = set(executor.loader.applied_migrations) - set(executor.loader.disk_migrations)
    if unknown:
        raise SettingMissing(
            "M807",
            f"The database was brought up to date by a newer version: {'.'.join(min(unknown))} is "
            f"unknown to Matricula {__version__}.",
            cure="Use that version here too, or the backup made before it.",
            place="MATRICULA_DATABASE_URL",
        )
    if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return
    with one_at_a_time():
        call_command("migrate", verbosity=0, interactive=False)


def database_answers() -> bool:
    """Tell whether the database can be asked."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return bool(cursor.fetchone())


def _has_ours_alone() -> bool:
    """Tell by their names whether the migrations applied are those that lie beside the models.

    Nearly always they are, and to load them and find their order takes longer than to sign.
    """
    from django.apps import apps
    from django.db import connection
    from django.db.migrations.recorder import MigrationRecorder

    ours = {
        (app.label, file.stem)
        for app in apps.get_app_configs()
        for file in Path(app.path, "migrations").glob("[!_]*.py")
    }
    return set(MigrationRecorder(connection).applied_migrations()) == ours


def is_up_to_date() -> bool:
    """Tell whether the database lacks no migration."""
    if _has_ours_alone():
        return True
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def actor() -> str:
    """Say who asks: `MATRICULA_ACTOR`, or the account the command runs under."""
    return os.environ.get("MATRICULA_ACTOR") or getpass.getuser()


def sit_down(given: Path | None, *, only_look: bool = False) -> Desk:
    """Load the charter and open the home folder and the database.

    Args:
        given: The charter's folder, as the command has it.
        only_look: Refuse a home that is not there, instead of making one.

    Raises:
        CharterRefused: The charter has errors.
        SettingMissing: There is nothing to look at (M809).
    """
    charter = load_charter(given)
    if only_look:
        look()
    else:
        set_up()
        bring_up_to_date()
    from django.conf import settings

    from matricula.hub.desk import Desk

    return Desk(
        charter=charter,
        charter_text=charter.text,
        folder=charter_folder(given).absolute().parent,
        home=Path(settings.HOME),
        actor=actor(),
        at=now(),
    )
