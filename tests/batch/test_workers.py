"""Runs in one process and in several."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from jdextract.batch import Limits
from jdextract.errors import ModelError
from jdextract.output import parquet_schema
from jdextract.records import RoleRecord
from tests.batch.conftest import RunOf, read_all
from tests.batch.standin import ABORT, ENDLESS, MEMORY, UNFORESEEN, targets_in, text_of, write_table


def break_the_installation() -> None:
    """Stands for a model that does not load."""
    raise ModelError("does not load", where="model", hint="install it")


def end_at_once() -> None:
    """Stands for a process that the system does not let live."""
    raise SystemExit(3)


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_the_number_of_workers_changes_no_byte(run: RunOf, table: Path, tmp_path: Path, suffix: str) -> None:
    """Records, page, texts and errors are the same from 1, 2 and 3 workers, with a short and a long look-ahead."""
    pages = tmp_path / "pages"
    pages.mkdir()
    for number in range(70):
        (pages / f"{number:03}.txt").write_text(text_of(number), encoding="utf-8")
    (pages / "900.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    found = []
    for workers, look_ahead in ((1, 4), (2, 1), (3, 5)):
        folder = tmp_path / f"out{workers}"
        outcome = run([pages, table, tmp_path / "gone.txt"], targets_in(folder, suffix), workers, look_ahead=look_ahead)
        assert (outcome.tally.documents, outcome.tally.failed) == (388, 4)
        assert outcome.summary["workers"] == workers
        found.append(read_all(folder))
    assert found[0] == found[1] == found[2]
    assert sum(name.startswith("texts/") for name in found[0]) == 388  # a row and a file of one text have two ids


def test_repeats_are_marked_across_chunks_and_workers(run: RunOf, table: Path, tmp_path: Path) -> None:
    """`duplicate_of` names the first place of the whole run, though no worker knows what the others found."""
    run([table], tmp_path / "out", 2)
    first: dict[str, str] = {}
    repeats = 0
    for line in (tmp_path / "out" / "r.jsonl").read_text(encoding="utf-8").splitlines():
        record = RoleRecord.model_validate_json(line)
        for index, duty in enumerate(record.duties):
            assert duty.duplicate_of == first.get(duty.normalized)
            repeats += duty.duplicate_of is not None
            first.setdefault(duty.normalized, f"{record.record_id}#{index}")
    assert repeats > 300


def test_parquet_holds_what_json_lines_hold(run: RunOf, table: Path, tmp_path: Path) -> None:
    """The Parquet file is made from the lines, and loses nothing of them."""
    run([table], targets_in(tmp_path / "a"))
    run([table], targets_in(tmp_path / "b", ".parquet"))
    frame = pl.read_parquet(tmp_path / "b" / "r.parquet")
    assert frame.schema == parquet_schema()
    lines = (tmp_path / "a" / "r.jsonl").read_text(encoding="utf-8").splitlines()
    assert frame.to_dicts() == [json.loads(line) for line in lines]


def test_few_documents_start_no_process(run: RunOf, tmp_path: Path) -> None:
    """Two chunks of work are done in this process, however many workers are allowed."""
    table = write_table(tmp_path / "t.jsonl", 128)
    assert run([table], tmp_path / "out", 4).summary["workers"] == 1


def test_a_poison_document_is_put_aside_with_its_reason(run: RunOf, tmp_path: Path) -> None:
    """One that crashes, one that never ends, one that takes all memory and one that no rule foresaw: each is a failure
    with its reason, and every other document is extracted as if they were not there."""
    poison = {10: f"x\n{ABORT}", 75: f"x\n{ENDLESS}", 140: f"x\n{MEMORY}", 141: f"x\n{UNFORESEEN}"}
    bad = write_table(tmp_path / "t.jsonl", 200, poison)
    outcome = run([bad], tmp_path / "out", 2, limits=Limits(0.5, 256 << 20))
    failures = [json.loads(line) for line in (tmp_path / "out" / "errors.jsonl").read_text().splitlines()]
    assert [(f["path"].split("#")[1], f["error"], f["stage"]) for f in failures] == [
        ("10", "CrashingInput", "extraction"),
        ("75", "EndlessInput", "extraction"),
        ("140", "OversizedInput", "extraction"),
        ("141", "RuntimeError", "extraction"),
    ]
    assert "SIGABRT" in failures[0]["what"]
    assert "0.5 seconds" in failures[1]["what"]
    assert "256 MB" in failures[2]["what"]
    assert outcome.tally.documents == 196
    good = [n for n in range(200) if n not in poison]
    rows = [json.dumps({"id": str(n), "text": text_of(n)}) + "\n" for n in good]
    bad.write_text("".join(rows), encoding="utf-8")
    run([bad], tmp_path / "good")
    assert (tmp_path / "out" / "r.jsonl").read_bytes() == (tmp_path / "good" / "r.jsonl").read_bytes()


def test_a_faulty_installation_ends_the_run(run: RunOf, table: Path, tmp_path: Path) -> None:
    """What is wrong for every document is raised as it is, not written a million times into the file of errors."""
    with pytest.raises(ModelError, match="model: does not load") as caught:
        run([table], tmp_path / "out", 2, setup=break_the_installation)
    assert caught.value.hint == "install it"
    assert list((tmp_path / "out").glob(".*")) == []


def test_workers_that_do_not_live_end_the_run(run: RunOf, table: Path, tmp_path: Path) -> None:
    """No endless series of processes that die before they are ready."""
    with pytest.raises(Exception, match="end before they are ready"):
        run([table], tmp_path / "out", 2, setup=end_at_once)
