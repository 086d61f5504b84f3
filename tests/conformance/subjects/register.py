"""The register as a connected system: what it is told, in the tests' own database."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from matricula.connectors.kit.conformance import Subject
from matricula.connectors.kit.protocol import Context
from matricula.connectors.sis.connector import RegisterConnector

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NEEDS_DATABASE = True


@contextmanager
def connector(folder: Path) -> Iterator[RegisterConnector]:
    settings = RegisterConnector.Settings()
    with closing(RegisterConnector(settings, Context("sis", folder))) as made:
        yield made


def clearance(n: int) -> dict[str, str | int | bool | None]:
    return {
        "student_no": f"{n:08d}", "overdue_loans": n, "library_fines": f"{n}.25",
        "library_access": f"open {n}", "balance_due": f"{n * 2}.75", "is_clear": n % 2 == 0,
    }  # fmt: skip


def mark(n: int) -> dict[str, str | int | bool | None]:
    return {"student_no": f"{n:08d}", "section_code": f"BIO{n % 7}|a", "mark": f"{n % 100}.5"}


SUBJECTS = [
    Subject(
        name="register-clearance", make=connector, resource="clearance", row=clearance,
        match=("student_no",), change=("library_access", "blocked"), text="library_access",
        clears="library_access", writes=frozenset({"create", "update", "delete"}),
        identity="student_no", refused={"overdue_loans": "many"},
    ),
    Subject(
        name="register-marks", make=connector, resource="imported_marks", row=mark,
        match=("student_no", "section_code"), change=("mark", "77.25"), clears="mark",
        writes=frozenset({"create", "update", "delete"}), refused={"mark": "a first"},
        absent_id="nobody|nowhere",
    ),
]  # fmt: skip
