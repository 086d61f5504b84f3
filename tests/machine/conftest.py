"""A settled campus for a module, put back as it was for every episode."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import connection

from tests.machine.campus import episode
from tests.machine.playing import settled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from tests.machine.campus import Campus, Kept


@pytest.fixture(scope="module")
def kept(django_db_setup, django_db_blocker, tmp_path_factory) -> Iterator[Kept]:
    with django_db_blocker.unblock():
        with settled(tmp_path_factory.mktemp("machine")) as found:
            yield found
        connection.close()


@pytest.fixture
def begin(kept: Kept, tmp_path) -> Callable[[], AbstractContextManager[Campus]]:
    return lambda: episode(kept, tmp_path)


@pytest.fixture
def campus(begin: Callable[[], AbstractContextManager[Campus]]) -> Iterator[Campus]:
    with begin() as found:
        yield found
