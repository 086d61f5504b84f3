"""A bundle is taken as it is: what fits comes in, what does not is named, nothing changes."""

from __future__ import annotations

import pytest

from tests.sis.loading.bundles import AMARA, TAUGHT, loaded, said, taken, whole

pytestmark = pytest.mark.django_db


def test_a_bundle_comes_in_with_everything_that_happened():
    found = loaded(whole(TAUGHT, AMARA))

    assert said(found) == []
    assert taken(found)["enrolments"] == 1
