"""Fill an empty register with a university that does not exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.kernel.errors import Refused
from matricula.sis.loading import access
from matricula.sis.loading.actions.bundles import Bundle, load
from matricula.sis.loading.generate.university import pieces
from matricula.sis.people.loading import anybody

if TYPE_CHECKING:
    from pathlib import Path

    from matricula.sis.acts.actions import Doing
    from matricula.sis.loading.actions.bundles import Loaded
    from matricula.sis.loading.generate.plan import Size

_SOURCE = "made up"


def generate(doing: Doing, size: Size, *, scratch: Path | None = None) -> Loaded:
    """Fill an empty register with people who do not exist.

    Args:
        doing: The act.
        size: How large, and which seed.
        scratch: A folder for what does not fit in memory.

    Raises:
        Refused: Not permitted (M903), or there are people in the register (M998).
    """
    access.may(doing.acting, "make records up")
    if anybody():
        raise Refused(
            "M998", "There are people in the register.",
            cure="Set MATRICULA_HOME or MATRICULA_DATABASE_URL to a place of its own.",
        )  # fmt: skip
    return load(doing, Bundle(_SOURCE, pieces(size), scratch=scratch))
