"""What can be done to the curriculum, one module for each subject."""

from __future__ import annotations

from matricula.sis.curriculum.actions.meetings import end_meeting, move_meeting, schedule_meeting
from matricula.sis.curriculum.actions.modules import NewVersion, add_module, add_module_version
from matricula.sis.curriculum.actions.places import add_campus, add_department, add_room
from matricula.sis.curriculum.actions.programmes import (
    NewCurriculum,
    NewProgramme,
    add_curriculum,
    add_programme,
    close_programme,
    read_curriculum,
)
from matricula.sis.curriculum.actions.sections import (
    NewSection,
    change_capacity,
    lock_sections,
    move_section,
    plan_section,
    reverse_section_events,
)
from matricula.sis.curriculum.actions.terms import add_term, change_term

__all__ = [
    "NewCurriculum", "NewProgramme", "NewSection", "NewVersion", "add_campus", "add_curriculum",
    "add_department", "add_module", "add_module_version", "add_programme", "add_room",
    "add_term", "change_capacity", "change_term", "close_programme", "end_meeting",
    "lock_sections", "move_meeting", "move_section", "plan_section", "read_curriculum",
    "reverse_section_events", "schedule_meeting",
]  # fmt: skip
