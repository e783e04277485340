"""Tables and records for tests of the cluster: written for them, with repeats of all kinds."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from jdextract.output import parquet_schema
from jdextract.records import RoleRecord
from tests.records import make_record

DUTIES = (
    "负责淘宝店铺的日常运营",
    "负责京东店铺的日常运营",
    "负责淘宝店铺日常运营。",
    "1、负责淘宝店铺的日常运营",
    "负责淘宝店铺的日常运赢",
    "审核订单并安排仓库发货",
    "审核订单，安排仓库发货",
    "审核订单并安排仓库发",
    "商品入库登记",
    "商品出库登记",
    "售前咨询接待",
    "售后咨询接待",
    "编制月度财务报表，核对往来账目",
    "编制月度财务报表并核对往来账目",
    "每周盘点库存并编制差异报告",
    "每周盘点库存并编制差异报告，提交主管",
    "开发供应商，比价议价",
    "跟进采购订单交期",
    "盘点",
)
TITLES = ("采购专员", "店长", "仓库主管", "")


def make_table(rows: int) -> bytes:
    """CSV of postings: some rows without a key, some without text, many duties repeated."""
    draw = random.Random(7)
    target = io.StringIO()
    writer = csv.writer(target)
    writer.writerow(["id", "title", "description"])
    for number in range(rows):
        duties = draw.sample(DUTIES, 3)
        lines = [f"{place}、{duty}；" for place, duty in enumerate(duties, 1)]
        text = "" if number % 9 == 4 else "\n".join(["岗位职责：", *lines, "任职要求：", "1、大专以上学历；"])
        writer.writerow([f"r{number}" if number % 3 else "", TITLES[number % len(TITLES)], text])
    return target.getvalue().encode()


def make_inputs() -> dict[str, bytes]:
    """Files by name, in the order of a walk and of their names: a table of each kind and two single documents."""
    lines = [
        json.dumps({"text": f"工作内容：\n1、{duty}；\n2、{DUTIES[0]}"}, ensure_ascii=False) for duty in DUTIES[5:11]
    ]
    frame = pl.DataFrame({"job_id": ["p1", "p2", None], "jd": [f"岗位职责：\n1、{duty}" for duty in DUTIES[12:15]]})
    parquet = io.BytesIO()
    frame.write_parquet(parquet)
    return {
        "a.csv": make_table(20),
        "b.jsonl": "\n".join([*lines[:3], "{broken", *lines[3:]]).encode(),
        "c/d.parquet": parquet.getvalue(),
        "c/e.txt": f"岗位职责：\n1、{DUTIES[5]}；\n2、{DUTIES[17]}".encode(),
        "c/f.txt": b" ",
    }


def make_records(documents: int, seed: int = 0) -> list[RoleRecord]:
    """Records of pages of 40 sources, in the order of a run: copies of pages, of one with the same bytes, and cut ones."""
    draw = random.Random(seed)
    pages: list[list[RoleRecord]] = []
    for number in range(documents):
        source = f"https://site{number % 40}.example/{number}" if number % 3 else f"t{number % 4}.csv#{number}"
        if pages and draw.random() < 0.25:
            page = draw.choice(pages)
            kept = draw.choice((9, 9, 2))  # duties of each record
            changes = [r.document.model_copy(update={"source": source}) for r in page]
            if kept == 9:  # the same bytes elsewhere
                pages.append([r.model_copy(update={"document": d}) for r, d in zip(page, changes, strict=True)])
                continue
            texts = [[duty.text for duty in record.duties][:kept] for record in page]
            titles = [record.title.name if record.title else None for record in page]
        else:
            texts = [draw.sample(DUTIES, draw.randint(0, 5)) for _ in range(draw.choice((1, 1, 2, 3)))]
            titles = [draw.choice((None, "店长", "采购专员", "运营")) for _ in texts]
        pages.append(
            [
                make_record(
                    duties,
                    document=f"d{number}",
                    source=source,
                    title=title,
                    requirements=["限男性，35岁以下"] if number % 5 == 0 else [],
                    roles=[draw.choice(("store-operations", "order-fulfillment", "warehouse-keeper")) for _ in duties],
                    number=place,
                )
                for place, (duties, title) in enumerate(zip(texts, titles, strict=True))
            ]
        )
    return [record for page in pages for record in page]


def frame_of(records: Sequence[RoleRecord]) -> pl.DataFrame:
    return pl.DataFrame([record.model_dump() for record in records], schema=parquet_schema())


def write_records(records: Sequence[RoleRecord], folder: Path, files: int = 3) -> Path:
    """Records as files of several row groups, whose names sort as the records do."""
    folder.mkdir(parents=True)
    size = -(-len(records) // files)
    for number in range(files):
        part = frame_of(records[number * size : (number + 1) * size])
        part.write_parquet(folder / f"part-{number}.parquet", row_group_size=max(1, size // 3))
    return folder


def read_parts(folder: Path) -> pl.DataFrame:
    return pl.concat([pl.read_parquet(path) for path in sorted(folder.glob("*.parquet"))])
