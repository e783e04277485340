"""`dataset build` as a query: marked records -> clusters of duties -> the tables, put together by the code of the local build.

On the machine that starts the run one part of a table (2,000 rows of the input and what they give) is held at a time, and
its disk takes the finished tables when they go to object storage.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import daft
import pyarrow
import pyarrow.parquet
from daft import DataType, col
from daft.functions import to_struct

from jdextract.cluster.engine import Engine
from jdextract.cluster.errors import carry_errors, report_errors
from jdextract.cluster.finishing import finish
from jdextract.cluster.instances import Instance, Unit, tabulate
from jdextract.cluster.parts import PART, ROWS, Scratch, upload_parts, write_parts
from jdextract.cluster.recordparts import RecordPart, list_parts, read_records, read_rows, to_frame
from jdextract.cluster.schemas import arrow_struct, text_struct, to_array, write_parquet
from jdextract.cluster.storage import check_new, locate
from jdextract.config import Config
from jdextract.dataset.splits import SPLITS
from jdextract.dataset.tables import flag_rows, schemas
from jdextract.deduplication.duplicates import source_of
from jdextract.errors import ConfigError
from jdextract.output import parquet_schema
from jdextract.records import DocumentRef, Duty
from jdextract.taxonomy import Taxonomy

if TYPE_CHECKING:
    from daft.io import IOConfig

_INT = DataType.int64()
_BATCH = 500  # clusters that a worker takes at a time
_FEWEST = 20  # sources or documents that are split as such, as in `dataset.splits`
_ID_PREFIX = len("duty-")


def build(
    inputs: Sequence[str], output: str, taxonomy: Taxonomy, config: Config, engine: Engine, *, name: str = ""
) -> dict[str, int]:
    """Build a dataset of records that `cluster dedup` marked. Returns the rows of each table.

    Tables, card and Croissant description are those of `jdextract dataset build` on the same records; an index is not
    made. Raises ConfigError for an output that holds files and for records without marks, ReadError for what is no record.
    """
    folder = locate(output)
    check_new(folder, engine.io)
    parts = list_parts(inputs, engine)
    with report_errors(), Scratch(engine, folder) as scratch:
        read = scratch.keep(_read(parts, engine), "read")
        instances = scratch.keep(_list_instances(read), "instances")
        if instances.where(col("cluster").is_null()).count_rows():
            raise ConfigError(
                "holds records without marks", where=" ".join(inputs), hint="run `jdextract cluster dedup`"
            )
        tables = scratch.keep(_tabulate(instances, taxonomy, config), "tables")
        models = instances.select("decided_by").distinct().to_pydict()["decided_by"]
        rows = _write_tables(read, tables, parts, scratch.folder, engine)
        facts = {"decided_by": sorted(filter(None, models)), "taxonomy": taxonomy.stamp, "config": config.digest()}
        finish(folder, scratch.folder, rows, facts, taxonomy, name, engine.io)
    return rows


def _read(parts: Sequence[RecordPart], engine: Engine) -> daft.DataFrame:
    """A row a part: `instances` of duties, and `flags`, rows of `compliance_flags` as JSON."""
    instance = text_struct("cluster", "site", "document", "decided_by", "row", number=_INT, index=_INT)
    found = DataType.struct(
        {"instances": DataType.list(instance), "flags": DataType.list(DataType.string()), "part": _INT}
    )
    options = engine.io

    @daft.cls(**engine.pool)
    class Reader:
        @daft.method.batch(return_dtype=found, batch_size=1, unnest=True)
        def read(self, rows: daft.Series) -> pyarrow.Array:
            with carry_errors():
                return to_array((_read_part(RecordPart(**row), options) for row in rows.to_pylist()), found)

    reader: Any = Reader()
    frame = to_frame(parts, engine)
    return frame.select(reader.read(to_struct(*(col(name) for name in frame.column_names))))


def _read_part(part: RecordPart, options: IOConfig) -> dict[str, Any]:
    instances, flags = [], []
    for number, record in enumerate(read_records(part, options), part.first):
        document = record.document.model_dump_json()
        for index, duty in enumerate(record.duties):
            row = (
                f'{{"record_id":{json.dumps(record.record_id)},"document":{document},"duty":{duty.model_dump_json()}}}'
            )
            instances.append(
                {
                    "cluster": duty.cluster,
                    "site": source_of(record.document.source),
                    "document": record.document.id,
                    "decided_by": duty.role.decided_by,
                    "row": row,
                    "number": number,
                    "index": index,
                }
            )
        flags += [json.dumps(row, ensure_ascii=False) for row in flag_rows(record)]
    return {"instances": instances, "flags": flags, "part": part.part}


def _list_instances(read: daft.DataFrame) -> daft.DataFrame:
    names = ("cluster", "site", "document", "decided_by", "row", "number", "index")
    each = read.select("instances").explode("instances").where(col("instances").not_null())
    return each.select(*(col("instances").get(name).alias(name) for name in names))


def _tabulate(instances: daft.DataFrame, taxonomy: Taxonomy, config: Config) -> daft.DataFrame:
    """A row a cluster: `duty_id`, `split`, `canonical`, `texts` and `instances`, rows as JSON."""
    instance = text_struct("row", number=_INT, index=_INT)
    rows = DataType.list(DataType.string())
    cluster = text_struct("duty_id", "split", "canonical", texts=rows, instances=DataType.list(instance))
    unit = _choose_unit(instances)

    @daft.func.batch(return_dtype=cluster, batch_size=_BATCH, unnest=True)
    def make(clusters: daft.Series) -> pyarrow.Array:
        with carry_errors():
            return to_array(_tabulate_batch(clusters.to_pylist(), taxonomy, unit, config), cluster)

    making: Any = make
    member = to_struct(*(col(name) for name in ("number", "index", "row"))).alias("member")
    grouped = instances.select("cluster", member).groupby("cluster").agg(col("member").list_agg().alias("members"))
    return grouped.select(making(col("members")))


def _choose_unit(instances: daft.DataFrame) -> Unit:
    """What is split as a whole: sources, or documents with few sources, or clusters with few documents."""
    if instances.select("site").distinct().count_rows() >= _FEWEST:
        return "source"
    return "document" if instances.select("document").distinct().count_rows() >= _FEWEST else "cluster"


def _tabulate_batch(
    clusters: list[list[dict[str, Any]]], taxonomy: Taxonomy, unit: Unit, config: Config
) -> list[dict[str, Any]]:
    ordered = [
        [_to_instance(row) for row in sorted(each, key=lambda row: (row["number"], row["index"]))] for each in clusters
    ]
    made = {each.duty_id: each for each in tabulate(ordered, taxonomy, unit, config.deduplication)}
    found = []
    for members in ordered:
        each = made[members[0].duty.cluster or ""]
        instances = [
            {"number": member.number, "index": member.index, "row": _to_json(row)}
            for member, row in zip(members, each.instances, strict=True)
        ]
        found.append(
            {
                "duty_id": each.duty_id,
                "split": each.split,
                "canonical": _to_json(each.canonical),
                "texts": list(map(_to_json, each.texts)),
                "instances": instances,
            }
        )
    return found


def _to_instance(row: dict[str, Any]) -> Instance:
    told = json.loads(row["row"])
    return Instance(
        row["number"],
        row["index"],
        told["record_id"],
        DocumentRef.model_validate(told["document"]),
        Duty.model_validate(told["duty"]),
    )


def _to_json(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False)


def _write_tables(
    read: daft.DataFrame, tables: daft.DataFrame, parts: Sequence[RecordPart], folder: str, engine: Engine
) -> dict[str, int]:
    """Every table in parts below `folder`; rows of each, in the order of the card."""
    columns = schemas()
    rows = {
        "duty_instances": write_parts(_instances(tables), f"{folder}/duty_instances", columns["duty_instances"], engine)
    }
    rows["records"] = upload_parts(_name_duties(parts, engine), f"{folder}/records", engine)
    flags = _number(read.select("part", col("flags").alias("rows")))
    rows["compliance_flags"] = write_parts(flags, f"{folder}/compliance_flags", columns["compliance_flags"], engine)
    part = _part_of_id(tables.count_rows())
    canonical = tables.select(part, col("duty_id").alias("order"), col("canonical").alias("row"))
    rows["canonical_duties"] = write_parts(canonical, f"{folder}/canonical_duties", columns["canonical_duties"], engine)
    for split in SPLITS:
        texts = tables.where(col("split") == daft.lit(split)).select(part, "duty_id", col("texts").alias("rows"))
        rows[split] = write_parts(_number(texts, "duty_id"), f"{folder}/{split}", columns[split], engine)
    return rows


def _instances(tables: daft.DataFrame) -> daft.DataFrame:
    each = tables.select("instances").explode("instances").where(col("instances").not_null())
    number, index, row = (col("instances").get(name) for name in ("number", "index", "row"))
    order = number.cast(DataType.string()).lpad(14, "0") + index.cast(DataType.string()).lpad(8, "0")
    return each.select((number // daft.lit(ROWS)).alias("part"), order.alias("order"), row.alias("row"))


def _part_of_id(duties: int) -> daft.Expression:
    """The part of a duty among so many: ids are digests, so that parts are of one size and sort as the ids do."""
    digits = 0
    while duties > ROWS * 16**digits:
        digits += 1

    @daft.func(return_dtype=_INT)
    def part(duty_id: str) -> int:
        return int("0" + duty_id[_ID_PREFIX : _ID_PREFIX + digits], 16)

    parting: Any = part
    found: daft.Expression = parting(col("duty_id")).alias("part")
    return found


def _number(frame: daft.DataFrame, prefix: str = "part") -> daft.DataFrame:
    """Lists of `rows` as rows that sort as they stand in their list, lists by `prefix`."""
    numbered = text_struct("order", "row")

    @daft.func.batch(return_dtype=DataType.list(numbered))
    def number(rows: daft.Series, names: daft.Series) -> pyarrow.Array:
        pairs = zip(rows.to_pylist(), names.to_pylist(), strict=True)
        found = ([{"order": f"{name}{i:08}", "row": row} for i, row in enumerate(each)] for each, name in pairs)
        return to_array(found, DataType.list(numbered))

    numbering: Any = number
    each = numbering(col("rows"), col(prefix).cast(DataType.string())).alias("each")
    listed = frame.select("part", each).explode("each")
    listed = listed.where(col("each").not_null())
    return listed.select("part", *(col("each").get(field).alias(field) for field in ("order", "row")))


def _name_duties(parts: Sequence[RecordPart], engine: Engine) -> daft.DataFrame:
    """The parts of the records with `canonical_duty`, encoded."""
    kind, options = arrow_struct(parquet_schema()), engine.io

    @daft.func.batch(return_dtype=PART, batch_size=1, unnest=True)
    def encode(rows: daft.Series) -> pyarrow.Array:
        with carry_errors():
            return to_array((_encode(RecordPart(**row), kind, options) for row in rows.to_pylist()), PART)

    encoding: Any = encode
    frame = to_frame(parts, engine)
    return frame.select("part", encoding(to_struct(*(col(name) for name in frame.column_names))))


def _encode(part: RecordPart, kind: pyarrow.StructType, options: IOConfig) -> dict[str, Any]:
    rows = read_rows(part, options)
    for row in rows:
        for duty in row["duties"]:
            duty["canonical_duty"] = duty["cluster"]
    return {"data": write_parquet(rows, kind), "rows": len(rows)}
