"""`jdextract classify`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jdextract.records import ClassifiedDuty
from tests.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("stand_in")


def test_one_line_in_one_object_out(run: Run) -> None:
    """In order, both scripts, Windows line ends; U+2028 inside a sentence ends no line."""
    result = run("classify", stdin="负责直通车投放\r\n處理退換貨\u2028申請\n其他工作")
    duties = [ClassifiedDuty.model_validate_json(line) for line in result.stdout.split("\n")[:-1]]
    assert [duty.text for duty in duties] == ["负责直通车投放", "處理退換貨\u2028申請", "其他工作"]
    assert [duty.role.status for duty in duties] == ["assigned", "assigned", "abstained"]


def test_blank_lines_keep_their_place(run: Run) -> None:
    """Line n of the output belongs to line n of the input."""
    result = run("classify", stdin="负责投放\n\n  \n处理退货\n")
    objects = [json.loads(line) for line in result.stdout.splitlines()]
    assert [entry["text"] for entry in objects] == ["负责投放", "", "  ", "处理退货"]
    assert objects[1]["role"]["status"] == "abstained"
    assert objects[1]["role"]["id"] == ""
    assert objects[3]["role"]["id"] == "store-operations"


def test_many_lines_are_all_answered(run: Run, tmp_path: Path) -> None:
    """More lines than are read at a time, blank ones among them."""
    page = tmp_path / "duties.txt"
    page.write_text("".join(f"负责{n}\n" if n % 3 else "\n" for n in range(1500)), encoding="utf-8-sig")
    texts = [json.loads(line)["text"] for line in run("classify", page).stdout.splitlines()]
    assert texts == [f"负责{n}" if n % 3 else "" for n in range(1500)]


def test_nothing_in_nothing_out(run: Run) -> None:
    """An empty input is no error."""
    result = run("classify", stdin="")
    assert (result.exit_code, result.output) == (0, "")


@pytest.mark.parametrize("encoding", ["gb18030", "big5", "utf-16"])
def test_other_encodings_are_read_when_named(run: Run, tmp_path: Path, encoding: str) -> None:
    """--encoding."""
    page = tmp_path / "duties.txt"
    page.write_bytes("處理退貨\n管理網店\n".encode(encoding))
    result = run("classify", page, "--encoding", encoding)
    assert [json.loads(line)["text"] for line in result.stdout.splitlines()] == ["處理退貨", "管理網店"]


def test_a_wrong_encoding_is_said(run: Run, tmp_path: Path) -> None:
    """What failed, where, what to try."""
    page = tmp_path / "duties.txt"
    page.write_bytes("处理退货".encode("gb18030"))
    result = run("classify", page)
    assert result.exit_code == 1
    assert "--encoding gb18030" in result.stderr
    assert run("classify", page, "--encoding", "klingon").exit_code == 1
    assert run("classify", tmp_path / "gone.txt").exit_code == 1
