"""The charter of a university whose one system is the register, for tests of its commands."""

from __future__ import annotations

CHARTER = """
institution: Testing University
timezone: Europe/London
currency: GBP
stewards:
  registrar: {name: Registrar's Office, notify: registrar@example.org}
systems:
  sis: {connector: register, steward: registrar, settings: {policy: uk}}
entities:
  student:
    key: student_no
    roster: sis.students
    fields:
      student_no: {owner: sis.students, type: text}
      display_name: {owner: sis.students, type: text, class: personal}
flows: {}
"""
