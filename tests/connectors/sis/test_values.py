"""What does not fit the register's tables is refused by name, before any database sees it."""

from __future__ import annotations

import pytest

from matricula.connectors.kit.errors import SkipRow
from matricula.connectors.sis.rows import TABLES

pytestmark = pytest.mark.any_database


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("overdue_loans", 2**31), ("overdue_loans", "-2147483649"), ("overdue_loans", "two"),
        ("library_fines", "10000000000"), ("library_fines", "-99999999999.5"),
        ("library_fines", "NaN"), ("library_fines", "Infinity"), ("student_no", "\ud800"),
        ("student_no", "a\0b"), ("is_clear", "perhaps"),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_refused(name: str, value: str | int):
    with pytest.raises(SkipRow) as refused:
        TABLES["clearance"].value_of(name, value)

    assert refused.value.code == "M983"
    assert name in refused.value.message


def test_the_largest_that_fits_is_taken():
    table = TABLES["clearance"]

    assert table.value_of("overdue_loans", str(2**31 - 1)) == 2**31 - 1
    assert str(table.value_of("library_fines", "9999999999.9999")) == "9999999999.9999"
