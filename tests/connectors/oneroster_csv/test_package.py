from __future__ import annotations

import os
import stat
import tracemalloc
import zipfile

import pytest

from matricula.connectors.kit.errors import Untrusted
from matricula.connectors.oneroster_csv import package
from matricula.connectors.oneroster_csv.package import open_package
from tests.connectors.oneroster_csv.rosters import ROSTER_1_1, texts, zipped


def refusal(path):
    with pytest.raises(Untrusted) as caught:
        open_package(path)
    return caught.value


def test_a_bundle_that_is_not_there_is_a_fault(tmp_path):
    assert refusal(tmp_path / "roster.zip").code == "M420"


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.95])
def test_a_zip_that_was_cut_is_refused(share, tmp_path):
    path = zipped(texts(ROSTER_1_1, "1.1"), tmp_path / "roster.zip")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])

    assert refusal(path).code == "M450"


def test_a_zip_with_one_flipped_byte_is_refused(tmp_path):
    path = zipped(texts(ROSTER_1_1, "1.1"), tmp_path / "roster.zip")
    with zipfile.ZipFile(path) as archive:
        place = archive.getinfo("users.csv").header_offset + 60
    content = bytearray(path.read_bytes())
    content[place] ^= 0xFF
    path.write_bytes(content)

    assert refusal(path).code == "M450"


@pytest.mark.parametrize(
    "name", ["../users.csv", "/users.csv", "a/../../users.csv", "C:/users.csv"]
)
def test_a_path_that_leads_out_of_the_bundle_is_refused(name, tmp_path):
    path = zipped({**texts(ROSTER_1_1, "1.1"), name: "x"}, tmp_path / "roster.zip")

    assert refusal(path).code == "M451"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["roster.zip"]


def test_a_link_in_a_zip_is_refused(tmp_path):
    path = tmp_path / "roster.zip"
    link = zipfile.ZipInfo("users.csv")
    link.create_system = 3
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, "/etc/passwd")

    assert refusal(path).code == "M451"


def test_a_link_in_a_folder_is_refused(tmp_path):
    (tmp_path / "secret").write_text("x")
    folder = tmp_path / "bundle"
    folder.mkdir()
    (folder / "users.csv").symlink_to(tmp_path / "secret")

    assert refusal(folder).code == "M451"


def test_a_zip_that_unpacks_to_far_more_than_a_roster_is_refused(tmp_path):
    path = zipped({"users.csv": b"0" * (package.RATIO_FROM_BYTES + 1)}, tmp_path / "roster.zip")

    assert refusal(path).code == "M451"
    assert path.stat().st_size < 100_000


def test_a_bundle_that_unpacks_to_more_than_the_settings_allow_is_refused_by_name(tmp_path):
    files = {f"{n}.csv": os.urandom(600_000) for n in range(2)}
    path = zipped(files, tmp_path / "roster.zip")

    with pytest.raises(
        Untrusted, match=r"roster.zip .* 1 MB, and `largest_mb` allows 1"
    ) as caught:
        open_package(path, largest_mb=1)

    assert "largest_mb" in caught.value.cure
    assert len(open_package(path, largest_mb=2).files) == 2


def test_a_zip_that_lies_about_its_size_is_not_unpacked_beyond_what_it_says(tmp_path):
    content = b"0" * (64 << 20)
    path = zipped({"users.csv": content}, tmp_path / "roster.zip")
    stated, lie = len(content).to_bytes(4, "little"), (10).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(stated, lie))
    del content
    tracemalloc.start()

    code = refusal(path).code
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert code == "M450"
    assert most < 8 << 20


def test_a_zip_of_thousands_of_files_is_refused(tmp_path):
    files = {f"{n}.csv": "" for n in range(package.MOST_FILES + 1)}

    assert refusal(zipped(files, tmp_path / "roster.zip")).code == "M451"


def test_a_file_that_is_there_twice_is_refused(tmp_path):
    path = zipped({"users.csv": "a"}, tmp_path / "roster.zip")
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("users.csv", "b")

    assert refusal(path).code == "M450"


def test_files_in_two_folders_are_refused(tmp_path):
    path = zipped({"a/users.csv": "x", "b/orgs.csv": "y"}, tmp_path / "roster.zip")

    assert refusal(path).code == "M450"


def test_a_file_that_is_no_table_is_reported_and_not_read(tmp_path):
    path = zipped({**texts(ROSTER_1_1, "1.1"), "readme.txt": "x"}, tmp_path / "roster.zip")

    found = open_package(path)

    assert "readme.txt" not in found.files
    assert [one.code for one in found.findings] == ["M453"]
