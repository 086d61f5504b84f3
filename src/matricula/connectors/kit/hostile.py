# ruff: noqa: RUF001 - look-alike letters are the point of this list
"""Texts that break software: scripts, signs, white space, syntax of other languages, length.

A small set, so that a connector written elsewhere is tried without any other file. None
is empty: an empty text and an absent one are the same thing in many systems.
"""

from __future__ import annotations

HOSTILE_TEXT: tuple[str, ...] = (
    "Nguyễn Thị Ánh Tuyết",
    "Zoë O’Brien-D'Arcy",
    "محمد عبد الله",
    "יוסף לוי",
    "王小明",
    "李\U00020bb7",
    "たなか　ゆうき",
    "Ελένη Παπαδοπούλου",
    "Ёлкина Дарья",
    "กมลชนก ใจดี",
    "straße İstanbul ǅ ﬁ",
    "e\u0301 is not é",
    "family \U0001f469\u200d\U0001f469\u200d\U0001f467 emoji",
    "\u202eright to left\u202c",
    "zero\u200bwidth\u00a0space\ufeff",
    "  spaces around  ",
    "tab\there",
    "line\nbreak",
    "carriage\r\nreturn",
    "lone\rreturn",
    'quote " comma , semicolon ; pipe |',
    "back\\slash \\n \\N \\0",
    "NULL",
    "null",
    "None",
    "true",
    "0",
    "007",
    "1e3",
    "10-20",
    "2026-02-30",
    "=1+1",
    "@SUM(A1)",
    "-",
    "%s %d {0} ${HOME} $(id) `id`",
    "'; DROP TABLE students; --",
    "<script>alert(1)</script> &amp; <![CDATA[x]]>",
    '{"json": [1, null]}',
    "../../etc/passwd",
    "del\x7f \x85next \u2028line \u2029paragraph",
    "NUL\x00inside",
    "x" * 10_000,
    "ŵ" * 10_000,
)
