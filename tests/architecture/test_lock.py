"""What is installed is pinned by content, from wherever the person's own index is."""

from __future__ import annotations

import re
import tomllib

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.source import REPOSITORY

LOCK = (REPOSITORY / "requirements.lock").read_text(encoding="utf-8")
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
PINS = {
    canonicalize_name(name): version
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==([^\s;]+)", LOCK, re.MULTILINE)
}


def test_the_lock_carries_no_address():
    assert re.findall(r"https?:|file:|--(?:extra-)?index|--find-links|--trusted-host", LOCK) == []


def test_every_pin_is_held_by_a_digest():
    entries = re.split(r"\n(?=\S)", LOCK.strip())

    bare = [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry]

    assert len(entries) == len(PINS)
    assert bare == []


def test_everything_the_project_asks_for_is_locked_at_a_version_it_accepts():
    asked = [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["dev"]]

    wrong = [
        text
        for text in asked
        for wanted in [Requirement(text)]
        if canonicalize_name(wanted.name) not in PINS
        or PINS[canonicalize_name(wanted.name)] not in wanted.specifier
    ]

    assert wrong == []
