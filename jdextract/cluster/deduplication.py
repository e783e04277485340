"""`dedup` as a query: records -> texts -> clusters -> the same records, marked."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import daft
import pyarrow
from daft import DataType, col
from daft.functions import coalesce, monotonically_increasing_id, to_struct

from jdextract.cluster.engine import Engine
from jdextract.cluster.errors import carry_errors, report_errors
from jdextract.cluster.functions import on_workers
from jdextract.cluster.parts import PART, Scratch, end_run, upload_parts
from jdextract.cluster.proposals import WORDING, cluster_texts
from jdextract.cluster.recordparts import RecordPart, list_parts, read_records, read_rows, to_frame
from jdextract.cluster.schemas import arrow_struct, text_struct, to_array, write_parquet
from jdextract.cluster.storage import check_new, locate
from jdextract.cluster.texts import describe_clusters, join_documents, list_texts, text_key, word
from jdextract.config import Config, DeduplicationConfig
from jdextract.deduplication.duplicates import Occurrence
from jdextract.deduplication.grains import GRAINS, GrainName
from jdextract.deduplication.marking import list_marks
from jdextract.deduplication.wordings import to_plain
from jdextract.output import parquet_schema

_INT = DataType.int64()
_BATCH = 2_000  # texts or clusters that a worker takes at a time
_PLACED = ("grain", "place", "document", "source", "text", "name", "key")


@dataclass(frozen=True, slots=True)
class Counted:
    """What was found at one grain."""

    texts: int
    clusters: int
    repeats: dict[str, int]  # by kind


@dataclass(frozen=True, slots=True)
class Deduplicated:
    """What a run wrote."""

    folder: str
    records: int
    found: dict[GrainName, Counted]


def deduplicate(inputs: Sequence[str], output: str, config: Config, engine: Engine) -> Deduplicated:
    """Mark the records of Parquet files, local or remote, into the parts of the folder `output`.

    Clusters, ids, representatives and marks are those of `jdextract dedup` on the same records in the same order.
    Raises ReadError for inputs that are no records, ConfigError for an output that holds files.
    """
    folder = locate(output)
    check_new(folder, engine.io)
    parts = list_parts(inputs, engine)
    with report_errors(), Scratch(engine, folder) as scratch:
        texts = scratch.keep(_read_texts(parts, engine), "texts")
        occurrences = scratch.keep(_join_documents(texts), "occurrences")
        distinct = scratch.keep(_rank(occurrences, engine), "distinct")
        roots = cluster_texts(distinct, config.deduplication, engine, scratch)
        marks = scratch.keep(_describe(occurrences, distinct, roots, config.deduplication, engine), "marks")
        found = {grain: _count(marks.where(col("grain") == daft.lit(grain))) for grain in GRAINS}
        records = upload_parts(_mark(parts, marks, engine), folder, engine)
    end_run(folder, {"records": records, **{grain: each.clusters for grain, each in found.items()}}, engine)
    return Deduplicated(folder, records, found)


def _read_texts(parts: Sequence[RecordPart], engine: Engine) -> daft.DataFrame:
    """A row a text: `number` of its record and `index` in it, and the fields of `_PLACED`."""
    text = text_struct(*_PLACED, number=_INT, index=_INT)
    options = engine.io

    @daft.cls(**engine.pool)
    class Reader:
        @daft.method.batch(return_dtype=DataType.list(text), batch_size=1)
        def read(self, rows: daft.Series) -> pyarrow.Array:
            with carry_errors():
                found = [[*_list_part(RecordPart(**row), options)] for row in rows.to_pylist()]
            return to_array(found, DataType.list(text))

    reader: Any = Reader()
    frame = to_frame(parts, engine)
    read = frame.select(reader.read(to_struct(*(col(name) for name in frame.column_names))).alias("text"))
    exploded = read.explode("text")
    return exploded.select(*(col("text").get(name).alias(name) for name in (*_PLACED, "number", "index")))


def _list_part(part: RecordPart, options: Any) -> Iterator[dict[str, Any]]:
    for number, record in enumerate(read_records(part, options), part.first):
        for text in list_texts(record):
            yield text | {"number": number}


def _join_documents(texts: daft.DataFrame) -> daft.DataFrame:
    """The texts with those of whole documents in the place of their records'; `last`: the last record of the text."""
    run = text_struct("text", "key", number=_INT, last=_INT)

    @daft.func.batch(return_dtype=DataType.list(run), batch_size=_BATCH)
    def join(parts: daft.Series) -> pyarrow.Array:
        return to_array(([*_join_runs(each)] for each in parts.to_pylist()), DataType.list(run))

    joining: Any = join
    of_document = col("grain") == daft.lit("document")
    part = to_struct(number=col("number"), text=col("text"))
    grouped = texts.where(of_document).groupby("document", "source").agg(part.list_agg().alias("parts"))
    runs = grouped.select("document", "source", joining(col("parts")).alias("run")).explode("run")
    documents = runs.select(
        daft.lit("document").alias("grain"),
        col("document").alias("place"),
        "document",
        "source",
        *(col("run").get(name).alias(name) for name in ("text", "key", "number", "last")),
        daft.lit("").alias("name"),
        daft.lit(0).cast(_INT).alias("index"),
    )
    columns = [*_PLACED, "number", "index", "last"]
    others = texts.where(~of_document).with_column("last", col("number"))
    return others.select(*columns).concat(documents.select(*columns))


def _join_runs(parts: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for numbers, text in join_documents([part["number"] for part in parts], [part["text"] for part in parts]):
        yield {
            "text": text,
            "key": text_key("document", to_plain(text), ""),
            "number": numbers[0],
            "last": numbers[-1],
        }


def _rank(occurrences: daft.DataFrame, engine: Engine) -> daft.DataFrame:
    """Distinct texts, numbered best first as `find_duplicates` does, with their wordings."""
    worded = text_struct(*WORDING, damaged=DataType.bool(), length=_INT)

    folding = on_workers(_fold, worded, engine, rows=occurrences.count_rows(), batch=_BATCH, unnest=True)
    distinct = occurrences.groupby("grain", "key").agg(
        col("text").min(), col("name").min(), col("document").count_distinct().alias("documents")
    )
    found = distinct.select("grain", "key", "documents", folding(col("text"), col("name")))
    order = ("grain", "damaged", "documents", "length", "plain", "name")
    ranked = found.sort([col(name) for name in order], desc=[name in ("documents", "length") for name in order])
    return ranked.with_column("number", monotonically_increasing_id().cast(_INT))


def _fold(texts: list[str], names: list[str]) -> Iterator[dict[str, Any]]:
    for damaged, length, wording in word(texts, names):
        yield {"damaged": damaged, "length": length, **{name: getattr(wording, name) for name in WORDING}}


def _describe(
    occurrences: daft.DataFrame,
    distinct: daft.DataFrame,
    roots: daft.DataFrame,
    config: DeduplicationConfig,
    engine: Engine,
) -> daft.DataFrame:
    """A mark for each occurrence and each of its records: `grain`, `number`, `index`, and what is to stand there. `times`:
    1 for the first record of an occurrence, 0 for the others."""
    mark = text_struct("cluster", "of", "kind", number=_INT, index=_INT, times=_INT, similarity=DataType.float64())

    def describe(grains: list[Any], clusters: list[list[dict[str, Any]]]) -> list[list[dict[str, Any]]]:
        return _describe_batch(grains, clusters, config)

    describing = on_workers(describe, DataType.list(mark), engine, rows=occurrences.count_rows(), batch=_BATCH)
    numbered = distinct.select("key", "number").join(roots, on="number", how="left")
    root_of = numbered.select("key", coalesce(col("root"), col("number")).alias("root"))
    fields = ("number", "index", "last", "place", "document", "source", "text", "name")
    member = to_struct(*(col(name) for name in fields)).alias("member")
    grouped = occurrences.join(root_of, on="key").select("grain", "root", member).groupby("grain", "root")
    clusters = grouped.agg(col("member").list_agg().alias("members"))
    marks = clusters.select("grain", describing(col("grain"), col("members")).alias("mark")).explode("mark")
    names = ("number", "index", "times", "cluster", "of", "kind", "similarity")
    return marks.select("grain", *(col("mark").get(name).alias(name) for name in names))


def _describe_batch(
    grains: list[Any], clusters: list[list[dict[str, Any]]], config: DeduplicationConfig
) -> list[list[dict[str, Any]]]:
    found: list[list[dict[str, Any]]] = [[] for _ in clusters]
    for grain in sorted(set(grains)):
        places = [i for i, each in enumerate(grains) if each == grain]
        members = [sorted(clusters[i], key=lambda row: (row["number"], row["index"])) for i in places]
        marks = iter(list_marks(describe_clusters(grain, [list(map(_occurrence, each)) for each in members], config)))
        for place, rows in zip(places, members, strict=True):
            for row in rows:
                cluster, of = next(marks)
                said = {"of": of.of, "kind": of.kind, "similarity": of.similarity} if of else {}
                for number in range(row["number"], row["last"] + 1):
                    times = int(number == row["number"])
                    found[place].append(
                        {"number": number, "index": row["index"], "times": times, "cluster": cluster, **said}
                    )
    return found


def _occurrence(row: dict[str, Any]) -> Occurrence:
    return Occurrence(row["place"], row["document"], row["source"], row["text"], row["name"])


def _mark(parts: Sequence[RecordPart], marks: daft.DataFrame, engine: Engine) -> daft.DataFrame:
    """The parts, marked and encoded."""
    kind, options = arrow_struct(parquet_schema()), engine.io
    firsts = [part.first for part in parts]

    @daft.func.batch(return_dtype=_INT)
    def find(numbers: daft.Series) -> pyarrow.Array:
        return to_array((bisect_right(firsts, number) - 1 for number in numbers.to_pylist()), _INT)

    @daft.func.batch(return_dtype=PART, batch_size=1, unnest=True)
    def encode(rows: daft.Series, marks: daft.Series) -> pyarrow.Array:
        pairs = zip(rows.to_pylist(), marks.to_pylist(), strict=True)
        with carry_errors():
            return to_array((_encode(RecordPart(**row), each, kind, options) for row, each in pairs), PART)

    finding: Any = find
    encoding: Any = encode
    mark = to_struct(*(col(name) for name in marks.column_names)).alias("mark")
    placed = marks.select(finding(col("number")).alias("part"), mark)
    grouped = placed.groupby("part").agg(col("mark").list_agg().alias("marks"))
    frame = to_frame(parts, engine)
    row = to_struct(*(col(name) for name in frame.column_names))
    return frame.join(grouped, on="part").select("part", encoding(row, col("marks")))


def _encode(part: RecordPart, marks: list[dict[str, Any]], kind: Any, options: Any) -> dict[str, Any]:
    rows = read_rows(part, options)
    for mark in marks:
        record = rows[mark["number"] - part.first]
        duplicate = {name: mark[name] for name in ("of", "kind", "similarity")} if mark["of"] else None
        target = _find_target(record, mark)
        target |= {"cluster": mark["cluster"], "duplicate": duplicate}
        if mark["grain"] == "duty":
            target["duplicate_of"] = mark["of"]
    return {"data": write_parquet(rows, kind), "rows": len(rows)}


def _find_target(record: dict[str, Any], mark: dict[str, Any]) -> dict[str, Any]:
    if mark["grain"] == "record":
        return record
    found: dict[str, Any] = record["document"] if mark["grain"] == "document" else record["duties"][mark["index"]]
    return found


def _count(marks: daft.DataFrame) -> Counted:
    kinds = marks.groupby("kind").agg(col("times").sum()).to_pydict()
    clusters = marks.select("cluster").distinct().count_rows()
    repeats = {str(kind): times for kind, times in zip(kinds["kind"], kinds["times"], strict=True) if kind}
    return Counted(sum(kinds["times"]), clusters, repeats)
