"""How Moodle checks what a function is given: all of it before anything is done.

Whatever is wrong, the answer is `invalidparameter` and names neither row nor field.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_DROPPED = re.compile("[\0\ufffe\uffff]")
_TAG = re.compile(r"<\S|<$")


class MoodleError(Exception):
    """An error that Moodle answers with.

    Args:
        code: The `errorcode`; None for a crash, which has none.
        message: May hold anybody's data.
        about: For `debuginfo`, which a careless site shows to everybody.
    """

    def __init__(self, code: str | None, message: str = "", about: object = "") -> None:
        self.code, self.message, self.about = code, message or f"error/{code}", about
        super().__init__(self.message)


@dataclass(frozen=True, slots=True)
class Value:
    """One value.

    Attributes:
        kind: `int`, `bool`, `raw`, `notags`, `username`, `alpha`, `lang`.
        needed: Whether it may be left out.
    """

    kind: str = "raw"
    needed: bool = False


Shape = Value | dict[str, "Shape"] | list["Shape"]
INT, NEEDED_INT = Value("int"), Value("int", needed=True)
RAW, NEEDED = Value(), Value(needed=True)
BOOL, TEXT = Value("bool"), Value("notags")
NEEDED_TEXT = Value("notags", needed=True)


def checked(shape: Shape, given: Any) -> Any:  # noqa: ANN401 - as nested as a form is
    """Check what a function was given against its shape, and give it typed.

    Raises:
        MoodleError: `invalidparameter`.
    """
    if isinstance(shape, Value):
        return _value(shape, given)
    if isinstance(shape, list):
        if not isinstance(given, list):
            raise wrong("an array is expected")
        return [checked(shape[0], one) for one in given]
    if not isinstance(given, dict):
        raise wrong("an array is expected")
    unexpected = set(given) - set(shape)
    if unexpected:
        raise wrong(f"Unexpected keys {sorted(unexpected)}")
    missing = [n for n, one in shape.items() if n not in given and _is_needed(one)]
    if missing:
        raise wrong(f"Missing required key {missing}")
    return {name: checked(shape[name], one) for name, one in given.items()}


def wrong(why: str) -> MoodleError:
    """Make the error that Moodle has for everything."""
    return MoodleError("invalidparameter", "Invalid parameter value detected", why)


def _is_needed(shape: Shape) -> bool:
    return not isinstance(shape, Value) or shape.needed


def _value(shape: Value, given: Any) -> Any:  # noqa: ANN401 - a scalar, or what is none
    if not isinstance(given, str):
        raise wrong("a scalar is expected")
    match shape.kind:
        case "int":
            if not re.fullmatch(r"-?(0|[1-9][0-9]*)", given):
                raise wrong(given)
            return int(given)
        case "bool":
            if given not in ("0", "1", ""):
                raise wrong(given)
            return given == "1"
    if _unclean(shape.kind, given):
        raise wrong(given)
    return given


def _unclean(kind: str, text: str) -> bool:
    if _DROPPED.search(text):
        return True
    if kind == "notags":
        return bool(_TAG.search(text))
    if kind == "username":
        return not re.fullmatch(r"[-.@_a-z0-9]*", text)
    if kind == "lang":
        return text not in ("", "en")
    return kind == "alpha" and not re.fullmatch(r"[A-Za-z]*", text)
