"""Plan sections, open and close them, and give their seats."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.kernel.errors import Refused
from matricula.sis.curriculum.models import Section

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matricula.sis.acts.actions import Doing


def lock_sections(doing: Doing | None, codes: Iterable[str]) -> dict[str, int]:
    """Let nobody else give seats of some sections away until this transaction ends.

    Always in the order of their codes, so that two who want the same ones never wait for
    each other.

    Args:
        doing: The act, where there is one; only locked here, nothing is recorded.
        codes: Which sections.

    Returns:
        How many seats each has.

    Raises:
        Refused: One of them does not exist (M921).
    """
    del doing
    wanted = set(codes)
    held = Section.objects.filter(code__in=wanted).order_by("code").select_for_update()
    found = dict(held.values_list("code", "capacity"))
    missing = sorted(wanted - set(found))
    if missing:
        raise Refused(
            "M921", f"There is no section {missing[0]}.",
            cure="See what is taught: `matricula register section show`.",
        )  # fmt: skip
    return found
