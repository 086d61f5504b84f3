"""What a student must have or be to take a module, as an expression. Pure.

The language is small enough to say over the telephone:

    passed(BIO101) and (enrolled(CHE101) or permission) and not passed(BIO100)

- `passed(M)`: M was passed, in an earlier term; `passed(M, 50)`: with that mark or a better one.
- `enrolled(M)`: enrolled in M now. Who passed M earlier is not: write
  `(passed(M) or enrolled(M))` where either will do.
- `permission`: somebody with authority has agreed for this student.
- A code with a space in it is put in quotation marks: `passed("BIO 101")`.
- `not`, `and`, `or` and parentheses; `not` binds more closely than `and`, `and` more than `or`.

A `not` is moved inwards when the expression is read, so that what is kept is only `and`, `or`
and statements about one module, each of which may be denied. What is not met is then said in
the words of the statements themselves: each part of an `and` is one sentence, an `or` is one
sentence with all ways out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from matricula.kernel.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

AND, OR, PASSED, ENROLLED, PERMISSION = "and", "or", "passed", "enrolled", "permission"
_NOT = "not"
_DEEPEST = 40
_CURE = "Write such as `passed(BIO101) and (enrolled(CHE101) or permission)`."
_TOKEN = re.compile(r'\s*(?:"(?P<quoted>[^"]+)"|(?P<word>[\w./-]+)|(?P<sign>[(),])|(?P<wrong>\S))')


@dataclass(frozen=True, slots=True)
class Requisite:
    """A part of an expression.

    Attributes:
        kind: AND, OR, PASSED, ENROLLED or PERMISSION.
        parts: Of an `and` or an `or`.
        module: Which module a statement is about.
        min_mark: The least mark that counts as passed, where one is asked for.
        is_denied: Whether the statement must not be true.
    """

    kind: str
    parts: tuple[Requisite, ...] = ()
    module: str = ""
    min_mark: Decimal | None = None
    is_denied: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a student when the requisites of a module are looked at.

    Attributes:
        passed: The modules that were passed, with the mark; None where there is no mark.
        enrolled: The modules in which the student is enrolled now.
        has_permission: Whether somebody with authority has agreed.
    """

    passed: Mapping[str, Decimal | None] = field(default_factory=dict)
    enrolled: frozenset[str] = frozenset()
    has_permission: bool = False


def parse_requisites(text: str) -> Requisite | None:
    """Read an expression; None where nothing is asked.

    Raises:
        Refused: It cannot be read (M924). The place is the character, counted from 1.
    """
    if not text.strip():
        return None
    reader = _Reader(list(_tokens(text)), len(text) + 1)
    found = reader.either()
    if not reader.is_at_end:
        raise reader.refusal("`and`, `or` or the end was expected")
    return found


def modules_of(tree: Requisite | None) -> frozenset[str]:
    """Name the modules that an expression speaks of."""
    if tree is None:
        return frozenset()
    own = frozenset({tree.module}) if tree.module else frozenset()
    return own.union(*(modules_of(part) for part in tree.parts))


def unmet(tree: Requisite | None, known: Known) -> list[str]:
    """Say what of an expression a student does not meet; nothing where all is met.

    Args:
        tree: The expression.
        known: What is known of the student.

    Returns:
        What would have to be so, in words that follow "must": `pass BIO101`.
    """
    if tree is None or _is_met(tree, known):
        return []
    if tree.kind == AND:
        return [one for part in tree.parts for one in unmet(part, known)]
    return [in_words(tree)]


def in_words(tree: Requisite) -> str:
    """Say what an expression asks, in words that follow "must"."""
    if tree.kind in (AND, OR):
        return f" {tree.kind} ".join(
            f"({in_words(part)})" if part.parts else in_words(part) for part in tree.parts
        )
    said = {
        (PASSED, False): f"pass {tree.module}",
        (PASSED, True): f"not have passed {tree.module}",
        (ENROLLED, False): f"be enrolled in {tree.module}",
        (ENROLLED, True): f"not be enrolled in {tree.module}",
        (PERMISSION, False): "have permission",
        (PERMISSION, True): "not have permission",
    }[tree.kind, tree.is_denied]
    return said if tree.min_mark is None else f"{said} with {tree.min_mark} or better"


def _is_met(tree: Requisite, known: Known) -> bool:
    if tree.kind in (AND, OR):
        told = (_is_met(part, known) for part in tree.parts)
        return all(told) if tree.kind == AND else any(told)
    return _is_true(tree, known) != tree.is_denied


def _is_true(tree: Requisite, known: Known) -> bool:
    if tree.kind == PERMISSION:
        return known.has_permission
    if tree.kind == ENROLLED:
        return tree.module in known.enrolled
    if tree.module not in known.passed:
        return False
    mark = known.passed[tree.module]
    return tree.min_mark is None or (mark is not None and mark >= tree.min_mark)


def _denied(tree: Requisite) -> Requisite:
    """Deny an expression: "not (a and b)" is "not a or not b"."""
    if tree.kind in (AND, OR):
        kind = OR if tree.kind == AND else AND
        return Requisite(kind, tuple(_denied(part) for part in tree.parts))
    return replace(tree, is_denied=not tree.is_denied)


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    for found in _TOKEN.finditer(text):
        at = found.start(found.lastgroup or 0) + 1
        if found["wrong"]:
            raise _refusal(f"{found['wrong']} has no meaning here", at)
        yield found["quoted"] or found["word"] or found["sign"], at


def _refusal(what: str, at: int) -> Refused:
    return Refused("M924", f"At character {at}: {what}.", cure=_CURE, place="requisites")


class _Reader:
    """Reads tokens from left to right; its place changes as it goes."""

    def __init__(self, tokens: list[tuple[str, int]], end: int) -> None:
        self._tokens = tokens
        self._end = end
        self._next = 0
        self._depth = 0

    @property
    def is_at_end(self) -> bool:
        return self._next == len(self._tokens)

    def refusal(self, expected: str) -> Refused:
        """Say what was expected where the reader stands, and what is there."""
        if self.is_at_end:
            return _refusal(f"{expected}, but it ends", self._end)
        word, at = self._tokens[self._next]
        return _refusal(f"{expected}, not {word}", at)

    def either(self) -> Requisite:
        """Read parts joined by `or`."""
        parts = [self._all()]
        while self._took(OR):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else Requisite(OR, tuple(parts))

    def _all(self) -> Requisite:
        parts = [self._one()]
        while self._took(AND):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else Requisite(AND, tuple(parts))

    def _one(self) -> Requisite:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self.refusal(f"no more than {_DEEPEST} levels are read")
        found = self._statement()
        self._depth -= 1
        return found

    def _statement(self) -> Requisite:
        if self._took(_NOT):
            return _denied(self._one())
        if self._took("("):
            found = self.either()
            self._must_take(")")
            return found
        if self._took(PERMISSION):
            return Requisite(PERMISSION)
        for kind in (PASSED, ENROLLED):
            if self._took(kind):
                return self._about_a_module(kind)
        raise self.refusal("passed(...), enrolled(...), permission, not or ( was expected")

    def _about_a_module(self, kind: str) -> Requisite:
        self._must_take("(")
        module = self._word("the code of a module")
        least = None
        if kind == PASSED and self._took(","):
            least = self._mark()
        self._must_take(")")
        return Requisite(kind, module=module, min_mark=least)

    def _mark(self) -> Decimal:
        written = self._word("a mark")
        if not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,4})?", written):
            self._next -= 1
            raise self.refusal("a mark such as 50 was expected")
        return Decimal(written)

    def _word(self, what: str) -> str:
        if self.is_at_end or self._tokens[self._next][0] in "(),":
            raise self.refusal(f"{what} was expected")
        self._next += 1
        return self._tokens[self._next - 1][0]

    def _took(self, word: str) -> bool:
        if self.is_at_end or self._tokens[self._next][0].lower() != word:
            return False
        self._next += 1
        return True

    def _must_take(self, sign: str) -> None:
        if not self._took(sign):
            raise self.refusal(f"{sign} was expected")
