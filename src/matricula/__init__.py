"""Matricula keeps the official student record and makes every other system hold its granted copy.

Data goes one way: read, resolve, compose, project, diff, guard (`engine`), then
deliver, record (`hub`). The rooms and what may import what are in `docs/why/rooms.md`.
"""

from __future__ import annotations

__version__ = "2026.11.0"
