"""`matricula register`: the commands of the register, each loaded when it is asked for."""

from __future__ import annotations

import click

from matricula.cli.lazy import LazyGroup

# In the order of a student's life; the offices' own things after it.
COMMANDS = {
    "apply": "matricula.cli.register.admission_commands:apply",
    "application": "matricula.cli.register.admission_commands:application",
    "matriculate": "matricula.cli.register.life_commands:matriculate",
    "start": "matricula.cli.register.life_commands:start",
    "never-start": "matricula.cli.register.life_commands:never_start",
    "leave": "matricula.cli.register.life_commands:leave",
    "return": "matricula.cli.register.life_commands:return_",
    "suspend": "matricula.cli.register.life_commands:suspend",
    "dismiss": "matricula.cli.register.life_commands:dismiss",
    "lapse": "matricula.cli.register.life_commands:lapse",
    "withdraw": "matricula.cli.register.life_commands:withdraw",
    "transfer": "matricula.cli.register.life_commands:transfer",
    "change-programme": "matricula.cli.register.life_commands:change_programme",
    "readmit": "matricula.cli.register.life_commands:readmit",
    "finish": "matricula.cli.register.life_commands:finish",
    "complete": "matricula.cli.register.life_commands:complete",
    "award": "matricula.cli.register.life_commands:award",
    "revoke": "matricula.cli.register.life_commands:revoke",
    "reverse": "matricula.cli.register.life_commands:reverse",
    "show": "matricula.cli.register.show_commands:show",
    "looks": "matricula.cli.register.show_commands:looks",
    "on-leave": "matricula.cli.register.show_commands:on_leave",
    "term-register": "matricula.cli.register.enrolment_commands:term_register",
    "term-register-intake": "matricula.cli.register.enrolment_commands:term_register_intake",
    "term-cancel": "matricula.cli.register.enrolment_commands:term_cancel",
    "term-census": "matricula.cli.register.enrolment_commands:term_census",
    "term-complete": "matricula.cli.register.enrolment_commands:term_complete",
    "enrol": "matricula.cli.register.enrolment_commands:enrol",
    "approve-enrolment": "matricula.cli.register.enrolment_commands:approve_enrolment",
    "claim-seat": "matricula.cli.register.enrolment_commands:claim_seat",
    "drop": "matricula.cli.register.enrolment_commands:drop",
    "leave-section": "matricula.cli.register.enrolment_commands:leave_section",
    "swap": "matricula.cli.register.enrolment_commands:swap",
    "enrolments": "matricula.cli.register.enrolment_commands:enrolments",
    "roster": "matricula.cli.register.enrolment_commands:roster",
    "waitlist": "matricula.cli.register.enrolment_commands:waitlist",
    "offer-seats": "matricula.cli.register.enrolment_commands:offer_seats",
    "enrol-block": "matricula.cli.register.enrolment_commands:enrol_block",
    "agree": "matricula.cli.register.agreement_commands:agree",
    "agreements": "matricula.cli.register.agreement_commands:agreements",
    "withdraw-agreement": "matricula.cli.register.agreement_commands:withdraw_agreement",
    "hold": "matricula.cli.register.hold_commands:hold",
    "person": "matricula.cli.register.people_commands:person",
    "staff": "matricula.cli.register.people_commands:staff",
    "department": "matricula.cli.register.curriculum_commands:department",
    "campus": "matricula.cli.register.curriculum_commands:campus",
    "room": "matricula.cli.register.curriculum_commands:room",
    "programme": "matricula.cli.register.curriculum_commands:programme",
    "curriculum": "matricula.cli.register.curriculum_commands:curriculum",
    "module": "matricula.cli.register.curriculum_commands:module",
    "term": "matricula.cli.register.curriculum_commands:term",
    "section": "matricula.cli.register.section_commands:section",
    "meeting": "matricula.cli.register.section_commands:meeting",
    "teach": "matricula.cli.register.teaching_commands:teach",
    "timetable": "matricula.cli.register.teaching_commands:timetable",
    "attendance": "matricula.cli.register.teaching_commands:attendance",
    "notice": "matricula.cli.register.notice_commands:notice",
    "import": "matricula.cli.register.loading_commands:import_",
    "generate": "matricula.cli.register.loading_commands:generate",
}


@click.group(cls=LazyGroup, commands_at=COMMANDS)
def register() -> None:
    """Do what an office does with the official record; `--preview` shows all that follows.

    A command acts in one of your roles. It answers with what changes in the register and in
    every system that the charter connects, and keeps nothing with `--preview`.
    """
