"""What is hashed, byte for byte, so that others can say the same in their own words."""

from __future__ import annotations

import json
from hashlib import sha256

import pytest

from matricula.audit import seal
from tests.audit.witness import verifier_module

# The first leaves of the reference tree that certificate transparency logs are tried with.
LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657",
          "606162636465666768696a6b6c6d6e6f"]  # fmt: skip
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_certificate_transparency(size):
    leaves = [sha256(b"\0" + bytes.fromhex(leaf)).digest() for leaf in LEAVES[:size]]

    assert seal.root(leaves) == ROOTS[size - 1]
    assert verifier_module().merkle_root(leaves) == ROOTS[size - 1]


def test_a_leaf_is_the_digest_of_a_zero_byte_and_a_json_list():
    row = (
        7,
        "2026-09-01",
        "sync",
        'say "so"',
        "student",
        "naïve\n\x1f\u2028",
        "f\\",
        "",
        "r",
        "d",
    )

    text = json.dumps(list(row), ensure_ascii=False, separators=(",", ":"))

    assert seal.leaf(row[0], row[1:9], row[9]) == sha256(b"\0" + text.encode()).digest()


def test_a_character_that_moves_between_columns_changes_the_digests():
    assert seal.values_digest("s", "ab", "c", "") != seal.values_digest("s", "a", "bc", "")
    assert seal.values_digest("s", "1,2", "", "") != seal.values_digest("s", "1", ",2", "")
    assert seal.leaf(1, ("a", "b"), "") != seal.leaf(1, ("ab", ""), "")
