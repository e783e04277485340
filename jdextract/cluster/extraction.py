"""`extract` as a query: files -> documents -> records, marked where they repeat, and failures."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import daft
import pyarrow
from daft import DataType, col
from daft.functions import to_struct

from jdextract.batch.inputs import unforeseen
from jdextract.cluster.documents import Placed, cut_documents, group_inputs, read_part, write_failure
from jdextract.cluster.engine import Engine
from jdextract.cluster.errors import carry_errors, report_errors
from jdextract.cluster.parts import PART, Scratch, end_run, spread, upload_parts
from jdextract.cluster.schemas import arrow_struct, failure_schema, text_struct, to_array, write_parquet
from jdextract.cluster.storage import check_new, find_inputs, locate, make_folder
from jdextract.config import Config
from jdextract.deduplication.exact import list_keys
from jdextract.deduplication.index import DuplicateIndex
from jdextract.deduplication.marking import name_duties
from jdextract.errors import EmptyInput, JdextractError, ModelError
from jdextract.output import parquet_schema
from jdextract.pipeline import Pipeline
from jdextract.records import ReadFailure, RoleRecord, SourceText

_BATCH = 64  # documents that a worker takes at a time
_ORDER, _INDEX, _NUMBER, _PLACE = 26, 6, 8, 200  # characters of the fields of what sorts as duties do
_INT = DataType.int64()
RECORDS, FAILURES = "records", "failures"  # folders of the output


@dataclass(frozen=True, slots=True)
class Extracted:
    """What a run wrote."""

    folder: str
    documents: int
    records: int
    failures: int


class Extraction:
    """The function of a batch of documents. Models are loaded once a worker, with the first batch."""

    def __init__(self, config: Config) -> None:
        self._pipeline = Pipeline(config)
        self._config = config.deduplication
        self._index: DuplicateIndex | None = None

    def extract(self, sources: Sequence[SourceText]) -> list[tuple[RoleRecord, ...] | ReadFailure]:
        """The records of each document, or the failure of one that breaks its stage. Raises JdextractError."""
        try:
            found = [each.records for each in self._pipeline.explain_many(sources)]
        except Exception:  # one of them broke it: which?
            return [self._extract_alone(source) for source in sources]
        return [self._name(source, records) for source, records in zip(sources, found, strict=True)]

    def _extract_alone(self, source: SourceText) -> tuple[RoleRecord, ...] | ReadFailure:
        try:
            return self._name(source, self._pipeline.explain(source).records)
        except JdextractError:
            raise
        except (OSError, ImportError) as error:  # of the installation, and the same for every document
            raise ModelError(str(error), hint="install jdextract on every worker") from error
        except Exception as error:
            return unforeseen(source.source, "extraction", error)

    def _name(self, source: SourceText, records: tuple[RoleRecord, ...]) -> tuple[RoleRecord, ...] | ReadFailure:
        """With `canonical_duty` set where the index of the configuration holds the duty."""
        if self._config.index is None or not records:
            return records
        if self._index is None:
            self._index = DuplicateIndex(self._config.index, create=False)
        try:
            return name_duties(records, self._index, self._config)
        except JdextractError:
            raise
        except Exception as error:
            return unforeseen(source.source, "deduplication", error)


def extract(inputs: Iterable[str], output: str, config: Config, engine: Engine) -> Extracted:
    """Extract files, folders and globs, local or remote, into `output/records` and `output/failures`.

    The rows are those of `jdextract extract` on the same inputs, `duplicate_of` included, and in its order if parts are
    read by name. Raises ConfigError for an output that holds files, EmptyInput if nothing could be read.
    """
    folder = locate(output)
    check_new(folder, engine.io)
    config = _share(config)
    groups = group_inputs(find_inputs(inputs, engine.io))
    if not groups:
        raise EmptyInput("no file in the input", where=" ".join(inputs), hint="check the paths")
    with report_errors(), Scratch(engine, folder) as scratch:
        make_folder(scratch.documents)
        parts = scratch.keep(cut_documents(groups, scratch.documents, config.reading, engine), "parts")
        found = scratch.keep(_extract_parts(parts, config, engine), "extracted")
        marks = scratch.keep(_find_repeats(found), "repeats")
        failed = found.where(col("failed") > daft.lit(0)).select("part", "failures")
        failures = upload_parts(_encode_failures(failed), f"{folder}/{FAILURES}", engine)
        total = sum(found.select("documents").to_pydict()["documents"])
        if not total:
            raise EmptyInput("no document was read", where=output, hint=f"see {folder}/{FAILURES}")
        records = upload_parts(_encode_records(found, marks), f"{folder}/{RECORDS}", engine)
        end_run(folder, {"documents": total, "records": records, "failures": failures}, engine)
    return Extracted(folder, total, records, failures)


def _share(config: Config) -> Config:
    """Settings whose paths mean the same on every worker."""

    def share(section: Any) -> Any:
        paths = {name: Path(locate(str(path))) for name, path in section if isinstance(path, Path)}
        return section.model_copy(update=paths)

    return config.model_copy(update={name: share(section) for name, section in config})


def _extract_parts(parts: daft.DataFrame, config: Config, engine: Engine) -> daft.DataFrame:
    """A row a part: its `records` with what tells their duties apart, its `failures` (JSON), how many `documents` gave
    records and how many `failed`."""
    duty = DataType.list(text_struct("key", "first"))
    record = DataType.list(text_struct("record", duties=duty, number=_INT))
    result = DataType.struct(
        {"records": record, "failures": DataType.list(DataType.string()), "documents": _INT, "failed": _INT}
    )
    options = engine.io

    @daft.cls(**{"max_concurrency": engine.workers, **engine.pool})  # always a pool of its own: it keeps its models
    class Worker:
        def __init__(self) -> None:
            self.extraction = Extraction(config)

        @daft.method.batch(return_dtype=result, batch_size=1, unnest=True)
        def extract(self, paths: daft.Series) -> pyarrow.Array:
            with carry_errors():
                found = [_extract_part(self.extraction, read_part(path, options)) for path in paths.to_pylist()]
            return to_array(found, result)

    worker: Any = Worker()
    few = spread(parts, min(parts.count_rows(), 4 * engine.workers), engine)
    return few.select("part", worker.extract(col("path")))


def _extract_part(extraction: Extraction, documents: Sequence[Placed]) -> dict[str, Any]:
    sources = [item for _, _, item in documents if isinstance(item, SourceText)]
    batches = (sources[start : start + _BATCH] for start in range(0, len(sources), _BATCH))
    found = (each for batch in batches for each in extraction.extract(batch))
    records: list[dict[str, Any]] = []
    failures: list[str] = []
    for file, number, item in documents:
        result = item if isinstance(item, ReadFailure) else next(found)
        if isinstance(result, ReadFailure):
            failures.append(write_failure(result))
            continue
        for place, record in enumerate(result):
            records.append(_lay_out(f"{file:08x}{number:010x}{place:08x}", len(records), record))
    return {
        "records": records,
        "failures": failures,
        "documents": len(documents) - len(failures),
        "failed": len(failures),
    }


def _lay_out(order: str, number: int, record: RoleRecord) -> dict[str, Any]:
    """A record and, for each duty, the key of its wording and a text that sorts as the duties of the run do: the order,
    the index, the number of the record in its part, the place."""
    duties = [
        {"key": key.hex(), "first": f"{order}{index:06x}{number:08x}{record.record_id}#{index}"}
        for index, key in enumerate(list_keys([record]))
    ]
    return {"number": number, "record": record.model_dump_json(), "duties": duties}


def _find_repeats(found: daft.DataFrame) -> daft.DataFrame:
    """For each part with repeated duties `marks`: which duty (`number` of its record in the part, `index`) repeats that at
    which place (`of`). The least `first` of a wording names its first place."""
    records = found.select("part", "records").explode("records").where(col("records").not_null())
    duties = records.select("part", col("records").get("duties").alias("duty")).explode("duty")
    each = duties.where(col("duty").not_null())
    each = each.select("part", *(col("duty").get(name).alias(name) for name in ("key", "first")))
    wordings = each.groupby("key").agg(col("first").min().alias("least"), col("first").count().alias("times"))
    again = each.join(wordings.where(col("times") > daft.lit(1)), on="key").where(col("first") != col("least"))
    at, number, place = _ORDER, _ORDER + _INDEX, _ORDER + _INDEX + _NUMBER
    mark = to_struct(
        index=col("first").substr(at, _INDEX),
        number=col("first").substr(number, _NUMBER),
        of=col("least").substr(place, _PLACE),
    )
    return again.select("part", mark.alias("mark")).groupby("part").agg(col("mark").list_agg().alias("marks"))


def _encode_records(found: daft.DataFrame, marks: daft.DataFrame) -> daft.DataFrame:
    """The records of each part with `duplicate_of`, as files."""
    kind = arrow_struct(parquet_schema())

    @daft.func.batch(return_dtype=PART, batch_size=1, unnest=True)
    def encode(records: daft.Series, marks: daft.Series) -> pyarrow.Array:
        pairs = zip(records.to_pylist(), marks.to_pylist(), strict=True)
        return to_array((_encode_part(*pair, kind) for pair in pairs), PART)

    encoding: Any = encode
    joined = found.select("part", "records").join(marks, on="part", how="left")
    return joined.select("part", encoding(col("records"), col("marks")))


def _encode_part(
    records: list[dict[str, Any]], marks: list[dict[str, str]] | None, kind: pyarrow.StructType
) -> dict[str, Any]:
    rows = [json.loads(record["record"]) for record in records]
    for mark in marks or ():
        rows[int(mark["number"], 16)]["duties"][int(mark["index"], 16)]["duplicate_of"] = mark["of"]
    return {"data": write_parquet(rows, kind), "rows": len(rows)}


def _encode_failures(failed: daft.DataFrame) -> daft.DataFrame:
    """The failures of each part as a file."""
    kind = arrow_struct(failure_schema())

    @daft.func.batch(return_dtype=PART, batch_size=1, unnest=True)
    def encode(parts: daft.Series) -> pyarrow.Array:
        found = ([json.loads(row) for row in part] for part in parts.to_pylist())
        return to_array(({"data": write_parquet(rows, kind), "rows": len(rows)} for rows in found), PART)

    encoding: Any = encode
    return failed.select("part", encoding(col("failures")))
