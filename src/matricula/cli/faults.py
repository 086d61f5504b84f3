"""What nobody foresaw, told in one line; the trace goes to a file for whoever repairs it."""

from __future__ import annotations

import os
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from matricula.kernel.errors import MatriculaError

if TYPE_CHECKING:
    from datetime import datetime

STOPPED = "Stopped. What was done is recorded and safe; the next run goes on from there."
# What a shell says of a command that Ctrl-C ended.
INTERRUPTED = 130


def unforeseen(error: Exception, *, at: datetime) -> MatriculaError:
    """Keep the trace of an error, without the values of variables, and say where.

    The line that is printed names the kind of error and its place alone: its own words may
    hold a person's value, and the file is for its owner's eyes.
    """
    kind, where = type(error).__name__, _where(error)
    try:
        path = _keep(error, at)
    except OSError as failed:
        kept = f"Its trace could not be written ({type(failed).__name__})."
        cure = "See that MATRICULA_HOME can be written, run again, and report it with the trace."
    else:
        kept = f"Its trace is in {path}."
        cure = "Report it with that file; it may hold a value, so read it before you send it."
    return MatriculaError("M899", f"{kind} in {where} was not foreseen. {kept}", cure=cure)


def _keep(error: Exception, at: datetime) -> Path:
    # As the settings have it, which may be what is wrong.
    home = Path(os.environ.get("MATRICULA_HOME") or ".matricula").absolute()
    folder = home / "errors"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{at:%Y%m%dT%H%M%S.%fZ}.txt"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8") as file:
        file.writelines(traceback.format_exception(error))
    return path


def _where(error: Exception) -> str:
    """Find the last line of our own that was at work."""
    own = Path(__file__).parents[1]
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(own)]
    last = (ours or frames)[-1:]
    return f"{Path(last[0].filename).name}:{last[0].lineno}" if last else "nowhere"
