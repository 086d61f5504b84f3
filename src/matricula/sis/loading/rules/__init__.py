"""The rules of loading, one module for each subject: pure, no database, no clock."""

from __future__ import annotations

from matricula.sis.loading.rules.reasons import REASONS, Reason, as_finding
from matricula.sis.loading.rules.stories import STORIES, Story
from matricula.sis.loading.rules.tables import TABLES, Column, Table

__all__ = ["REASONS", "STORIES", "TABLES", "Column", "Reason", "Story", "Table", "as_finding"]
