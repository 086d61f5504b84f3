"""A folder of files and a connector on it, for the tests of this folder."""

from __future__ import annotations

import pytest

from matricula.connectors.files.connector import FilesConnector
from matricula.connectors.kit.protocol import Context


class Drop:
    """A drop folder with one resource, `patrons`."""

    def __init__(self, folder):
        self.base = folder
        self.folder = folder / "drop"
        self.folder.mkdir()

    def put(self, name, content):
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def connector(self, file="patrons.csv", *, folder="drop", **more):
        resource = {"file": file, "key": ["cardnumber"], **more}
        settings = FilesConnector.Settings.model_validate(
            {"folder": folder, "resources": {"patrons": resource}}
        )
        return FilesConnector(settings, Context("library", self.base))

    def rows(self, file="patrons.csv", **more):
        rows, _ = self.rows_and_findings(file, **more)
        return rows

    def rows_and_findings(self, file="patrons.csv", **more):
        rows = []
        with self.connector(file, **more).read("patrons") as reading:
            for batch in reading.batches:
                rows.extend(batch.to_pylist())
        return rows, reading.findings


@pytest.fixture
def drop(tmp_path):
    return Drop(tmp_path)
