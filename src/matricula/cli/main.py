"""`matricula`: one command for everything, quick to answer, its errors said in full.

Exit codes: 0 done or nothing to do, 1 refused or failed, 2 (`plan` alone) there are changes,
130 stopped with Ctrl-C.
"""

from __future__ import annotations

import gc
import sys
from pathlib import Path

import click

from matricula import __version__
from matricula.cli import faults, show, sitting
from matricula.cli.lazy import LazyGroup
from matricula.kernel.errors import CharterRefused, MatriculaError

_COMMANDS = {
    "init": "matricula.cli.charter_commands:init",
    "check": "matricula.cli.charter_commands:check",
    "checklist": "matricula.cli.charter_commands:checklist",
    "matrix": "matricula.cli.charter_commands:matrix",
    "sql": "matricula.cli.charter_commands:sql",
    "sign": "matricula.cli.run_commands:sign",
    "plan": "matricula.cli.plan_commands:plan",
    "apply": "matricula.cli.run_commands:apply",
    "sync": "matricula.cli.run_commands:sync",
    "runs": "matricula.cli.history_commands:runs",
    "undo": "matricula.cli.history_commands:undo",
    "release": "matricula.cli.history_commands:release",
    "mark": "matricula.cli.mark_commands:mark",
    "feed": "matricula.cli.feed_command:feed",
    "worker": "matricula.cli.worker_command:worker",
    "status": "matricula.cli.look_commands:status",
    "explain": "matricula.cli.look_commands:explain",
    "incidents": "matricula.cli.incident_commands:incidents",
    "letters": "matricula.cli.incident_commands:letters",
    "webhooks": "matricula.cli.webhook_commands:webhooks",
    "drift": "matricula.cli.drift_commands:drift",
    "matches": "matricula.cli.match_commands:matches",
    "audit": "matricula.cli.audit_commands:audit",
    "register": "matricula.cli.register.group:register",
    "obligations": "matricula.cli.obligation_commands:obligations",
    "accounts": "matricula.cli.accounts_commands:accounts",
    "api": "matricula.cli.api_commands:api",
    "demo": "matricula.cli.demo.command:demo",
}
_MADE_BEFORE_A_SEARCH = 20_000


@click.group(
    cls=LazyGroup, commands_at=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name="matricula")
@click.option(
    "--charter", type=click.Path(path_type=Path), default=None, envvar="MATRICULA_CHARTER",
    help="The folder of the charter. Default: ./charter.",
)  # fmt: skip
@click.pass_context
def cli(context: click.Context, charter: Path | None) -> None:
    """Keep every campus system at exactly the copy that the charter grants it."""
    context.obj = charter


def run(arguments: list[str] | None = None) -> int:
    """Run a command; errors are printed whole, never as a trace.

    Args:
        arguments: The words after `matricula`; those of the process when None.

    Returns:
        The exit code.
    """
    try:
        code = cli.main(arguments, prog_name="matricula", standalone_mode=False)
    except CharterRefused as error:
        show.findings(error.findings)
        return 1
    except MatriculaError as error:
        show.error(error)
        return 1
    except click.ClickException as error:
        error.show()
        return 1
    except (click.Abort, KeyboardInterrupt):
        click.echo(faults.STOPPED, err=True)
        return faults.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - whatever it is, a person is told in one line
        show.error(faults.unforeseen(error, at=sitting.now()))
        return 1
    return code if isinstance(code, int) else 0


def main() -> None:
    """Run the command line."""
    # Modules and syntax trees are made by the hundred thousand and nearly all of them stay:
    # to look through them for rubbish again and again takes a seventh of a short command.
    gc.set_threshold(_MADE_BEFORE_A_SEARCH, 20, 20)
    sys.exit(run())
