"""Extraction, near-duplicate search and dataset on the native engine, on local files and on object storage, against the
local commands."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, replace
from pathlib import Path

import polars as pl
import pytest

from jdextract.cluster import functions
from jdextract.cluster.dataset import build
from jdextract.cluster.deduplication import deduplicate
from jdextract.cluster.engine import Engine
from jdextract.cluster.extraction import extract
from jdextract.config import Config
from jdextract.dataset.build import build_dataset
from jdextract.deduplication.marking import find_all, mark
from jdextract.errors import ConfigError, DamagedInput, EmptyInput, MissingInput, UnsupportedInput
from jdextract.output import parquet_schema
from jdextract.records import RoleRecord
from jdextract.taxonomy import load_taxonomy
from tests.cluster.conftest import BUCKET, KEY, SECRET, Extracted, Store
from tests.cluster.samples import frame_of, make_inputs, make_records, read_parts, write_records

CONFIG = Config()
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # see conftest


def fetch(store: Store, prefix: str) -> pl.DataFrame:
    names = [name for name in sorted(store.names(prefix)) if name.endswith(".parquet")]
    return pl.concat([pl.read_parquet(io.BytesIO(store.get(name))) for name in names])


def mark_locally(records: list[RoleRecord]) -> list[RoleRecord]:
    return list(mark(records, find_all(records, CONFIG.deduplication)))


def test_extract_from_and_to_object_storage(
    remote_engine: Engine, store: Store, local_run: Extracted, capfd: pytest.CaptureFixture[str]
) -> None:
    """Tables and pages in a bucket give, row for row, the records and failures of the local run on the same files."""
    for name, data in make_inputs().items():
        store.put(f"in/{name}", data)
    bucket = f"s3://{BUCKET}"

    done = extract([f"{bucket}/in/"], f"{bucket}/extracted", CONFIG, remote_engine)

    found = fetch(store, "extracted/records/")
    here, name = str(local_run.folder), f"{bucket}/in"
    assert found.schema == parquet_schema()
    assert found.equals(local_run.frame(here, name))
    assert sum(duty["duplicate_of"] is not None for row in found["duties"] for duty in row) > 10
    failures = [{**asdict(each), "path": each.path.replace(here, name)} for each in local_run.failures]
    assert fetch(store, "extracted/failures/").to_dicts() == failures
    assert {each["error"] for each in failures} == {"EmptyInput", "DamagedInput"}
    assert (done.records, done.failures) == (len(found), len(failures))
    assert json.loads(store.get("extracted/_SUCCESS"))["records"] == len(found)
    assert not [name for name in store.names("extracted") if "_work" in name]
    said = "".join(capfd.readouterr())
    assert SECRET not in said
    assert KEY not in said


@pytest.mark.parametrize(("seed", "workers"), [(0, 1), (1, 2)])
def test_dedup_marks_as_the_local_search(
    seed: int, workers: int, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clusters, ids, representatives and marks of duties, records and documents are the local ones, row for row, in this
    process and in pools of two."""
    if workers > 1:
        monkeypatch.setattr(functions, "_WORTH", 600)  # rows: of some of the functions
    records = make_records(120, seed)
    folder = write_records(records, tmp_path / "records")
    done = deduplicate([str(folder)], str(tmp_path / "marked"), CONFIG, replace(engine, workers=workers))
    found = find_all(records, CONFIG.deduplication)
    assert read_parts(tmp_path / "marked").equals(frame_of(list(mark(records, found))))
    for grain, each in found.items():
        counted = done.found[grain]
        assert (counted.texts, counted.clusters) == (len(each.occurrences), len(each.clusters))
    assert {kind for each in done.found.values() for kind in each.repeats} == {"exact", "template", "near"}


@pytest.mark.parametrize("documents", [60, 12])
def test_dataset_is_the_local_one(documents: int, engine: Engine, tmp_path: Path) -> None:
    """Tables are equal row for row, whether sources, documents or clusters are split; so are card and versions."""
    taxonomy = load_taxonomy()
    records = make_records(documents)
    marked = write_records(mark_locally(records), tmp_path / "marked")
    built = build_dataset(lambda: records, tmp_path / "local", taxonomy, CONFIG, name="duties")
    rows = build([str(marked)], str(tmp_path / "cluster"), taxonomy, CONFIG, engine, name="duties")
    assert rows == built.rows
    for path in (tmp_path / "local").rglob("*.parquet"):
        there = pl.read_parquet(tmp_path / "cluster" / path.relative_to(tmp_path / "local"))
        here = pl.read_parquet(path)
        assert there.schema == here.schema
        assert there.equals(here), path.name
    names = {path.name for path in (tmp_path / "local").iterdir()} - {"index.sqlite"}
    assert {path.name for path in (tmp_path / "cluster").iterdir()} == names
    for name in ("versions.json", "taxonomy.yaml"):
        assert (tmp_path / "cluster" / name).read_bytes() == (tmp_path / "local" / name).read_bytes()
    card = (tmp_path / "cluster" / "README.md").read_text(encoding="utf-8")
    assert card in (tmp_path / "local" / "README.md").read_text(encoding="utf-8") or "index.sqlite" not in card


def test_dedup_and_dataset_on_object_storage(remote_engine: Engine, store: Store, tmp_path: Path) -> None:
    """From a bucket to a bucket, with a dataset that is complete there."""
    records = make_records(12)
    for path in sorted(write_records(records, tmp_path / "records").iterdir()):
        store.put(f"records/{path.name}", path.read_bytes())
    bucket = f"s3://{BUCKET}"
    deduplicate([f"{bucket}/records"], f"{bucket}/marked", CONFIG, remote_engine)
    marked = mark_locally(records)
    assert fetch(store, "marked/").equals(frame_of(marked))
    rows = build([f"{bucket}/marked"], f"{bucket}/duties", load_taxonomy(), CONFIG, remote_engine)
    names = {name.removeprefix("duties/") for name in store.names("duties/")}
    assert {"README.md", "SHA256SUMS", "croissant.json", "records.parquet", "splits/train.parquet"} <= names
    assert not [name for name in names if name.startswith("_")]
    canonical = pl.read_parquet(io.BytesIO(store.get("duties/canonical_duties.parquet")))
    assert len(canonical) == rows["canonical_duties"] > 0


def test_an_output_is_never_mixed_with_another(engine: Engine, tmp_path: Path) -> None:
    """A folder that holds files is refused before anything is read."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "part-000000000000.parquet").write_bytes(b"")
    for run in (extract, deduplicate):
        with pytest.raises(ConfigError):
            run(["nothing"], str(tmp_path / "out"), CONFIG, engine)


def test_inputs_that_are_no_records(engine: Engine, tmp_path: Path) -> None:
    """What can't be read as records is told by its place, not by a traceback of the engine."""
    output = str(tmp_path / "out")
    (tmp_path / "a.csv").write_text("x")
    (tmp_path / "damaged.parquet").write_bytes(b"PAR1")
    pl.DataFrame({"x": [1]}).write_parquet(tmp_path / "other.parquet")
    (tmp_path / "empty").mkdir()
    frame_of([]).write_parquet(tmp_path / "empty" / "no.parquet")
    for name, error in {
        "a.csv": UnsupportedInput,
        "damaged.parquet": DamagedInput,
        "other.parquet": DamagedInput,
        "missing/*.parquet": MissingInput,
        "empty": EmptyInput,
    }.items():
        with pytest.raises(error) as caught:
            deduplicate([str(tmp_path / name)], output, CONFIG, engine)
        assert name.partition("/")[0].partition(".")[0] in str(caught.value)


def test_a_dataset_needs_marks(engine: Engine, tmp_path: Path) -> None:
    """Records without marks, and with marks that do not follow from their texts, are refused."""
    records = make_records(20)
    marked = mark_locally(records)
    place = next(n for n, record in enumerate(marked) if record.duties)
    first, *others = marked[place].duties
    changed = marked[place].model_copy(update={"duties": (first.model_copy(update={"cluster": "duty-0"}), *others)})
    wrong = {"unmarked": records, "mixed": [*marked[:place], changed, *marked[place + 1 :]]}
    for name, given in wrong.items():
        folder = write_records(given, tmp_path / name)
        with pytest.raises((ConfigError, DamagedInput)) as caught:
            build([str(folder)], str(tmp_path / f"{name}-out"), load_taxonomy(), CONFIG, engine)
        assert "cluster dedup" in caught.value.hint
