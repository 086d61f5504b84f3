"""Money: integer minor units and a currency. Never a float.

Source: ISO 4217 for the number of decimals; only exceptions to two are listed.
"""

from __future__ import annotations

import re
from decimal import Decimal

_AMOUNT = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_DECIMALS = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND",
         "VUV", "XAF", "XOF", "XPF"),
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}  # fmt: skip


def decimals_of(currency: str) -> int:
    """Say how many decimals a currency has."""
    return _DECIMALS.get(currency, 2)


def to_minor(amount: str, currency: str) -> int:
    """Read an amount in major units, such as `12.50`, as minor units.

    Raises:
        ValueError: Not a number, or more decimals than the currency has.
    """
    if not _AMOUNT.fullmatch(amount):
        message = f"{amount!r} is not an amount"
        raise ValueError(message)
    whole, _, fraction = amount.partition(".")
    places = decimals_of(currency)
    if fraction[places:].strip("0"):
        message = f"{amount!r} has more decimals than {currency} allows"
        raise ValueError(message)
    # Text, not arithmetic: Decimal would round what has more digits than its context.
    return int(whole + fraction[:places].ljust(places, "0"))


def to_major(minor: int, currency: str) -> str:
    """Write minor units as an amount in major units, such as `12.50`."""
    # Decimal() is exact; scaleb would round to the context's digits.
    sign, digits, _ = Decimal(minor).as_tuple()
    return str(Decimal((sign, digits, -decimals_of(currency))))
