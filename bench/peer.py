"""One peer's diff step, in the environment that `bench/peers.py` made for it."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from measure import child

COLUMNS = (
    "idnumber", "username", "firstname", "lastname", "email", "lang", "department", "suspended",
)  # fmt: skip


def dictionary(folder: Path) -> str:
    import pyarrow.parquet as pq

    held = {row["_id"]: row for row in pq.read_table(folder / "held.parquet").to_pylist()}
    changed = []
    for wanted in pq.read_table(folder / "wanted.parquet").to_pylist():
        before = held.pop(wanted["_id"], None)
        if before is None or any(before[name] != value for name, value in wanted.items()):
            changed.append(wanted["_id"])
    return f"{len(changed) + len(held):,} differ"


def pandas(folder: Path) -> str:
    import pandas as pd

    wanted = pd.read_parquet(folder / "wanted.parquet").set_index("_id").sort_index()
    held = pd.read_parquet(folder / "held.parquet").set_index("_id").sort_index()
    return f"{len(held.compare(wanted)):,} differ"


def datacompy(folder: Path) -> str:
    import datacompy as dc
    import pandas as pd

    wanted = pd.read_parquet(folder / "wanted.parquet")
    held = pd.read_parquet(folder / "held.parquet")
    compare = getattr(dc, "PandasCompare", None) or dc.Compare
    found = compare(wanted, held, join_columns="_id")
    return f"{len(found.all_mismatch()):,} differ"


def reladiff(folder: Path) -> str:
    from reladiff import connect_to_table, diff_tables

    url = f"duckdb://{folder / 'both.duckdb'}"
    wanted = connect_to_table(url, "wanted", "_id", extra_columns=COLUMNS)
    held = connect_to_table(url, "held", "_id", extra_columns=COLUMNS)
    return f"{len({row[1][0] for row in diff_tables(wanted, held)}):,} differ"


def dlt(folder: Path) -> str:
    import dlt as tool
    import pyarrow.parquet as pq

    pipeline = tool.pipeline(
        "peers", destination=tool.destinations.duckdb(str(folder / "merged.duckdb")),
        dataset_name="held", pipelines_dir=str(folder / "dlt"),
    )  # fmt: skip

    @tool.resource(name="people", primary_key="_id", write_disposition="merge")
    def people():  # noqa: ANN202 - runs where our types are not
        yield pq.read_table(folder / "wanted.parquet")

    pipeline.run(people())
    return "merged, tells no difference"


WORK = {
    "dictionary": dictionary, "pandas": pandas, "datacompy": datacompy, "reladiff": reladiff,
    "dlt": dlt,
}  # fmt: skip

if __name__ == "__main__":
    child(lambda: WORK[sys.argv[1]](Path(sys.argv[2])))
