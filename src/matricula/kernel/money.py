"""Money: integer minor units and a currency. Never a float.

Source: ISO 4217 for the number of decimals; only exceptions to two are listed.
"""

from __future__ import annotations

from decimal import Decimal

_DECIMALS = {
    **dict.fromkeys(("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF").split(), 0),
    **dict.fromkeys(("BHD IQD JOD KWD LYD OMR TND").split(), 3),
}


def decimals_of(currency: str) -> int:
    """Say how many decimals a currency has."""
    return _DECIMALS.get(currency, 2)


def to_minor(amount: str, currency: str) -> int:
    """Read an amount in major units, such as `12.50`, as minor units.

    Raises:
        ValueError: Not a number, or more decimals than the currency has.
    """
    try:
        scaled = Decimal(amount).scaleb(decimals_of(currency))
    except ArithmeticError as error:
        message = f"{amount!r} is not an amount"
        raise ValueError(message) from error
    if not scaled.is_finite() or scaled != scaled.to_integral_value():
        message = f"{amount!r} has more decimals than {currency} allows"
        raise ValueError(message)
    return int(scaled)


def to_major(minor: int, currency: str) -> str:
    """Write minor units as an amount in major units, such as `12.50`."""
    return str(Decimal(minor).scaleb(-decimals_of(currency)).quantize(Decimal(1).scaleb(-decimals_of(currency))))
