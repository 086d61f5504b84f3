"""The demonstration: a made-up university, real counterparts, the whole story in two minutes."""

from __future__ import annotations
