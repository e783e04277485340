"""Label errors of labelled sentences, and the sheet that brings decisions back."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from itertools import product
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jdextract import corrections
from jdextract.audit import Audit, Estimate, Finding, audit, estimate, find
from jdextract.classification.settings import Settings
from jdextract.corrections import COLUMNS, Fixes, apply_fixes, write_sheet
from jdextract.dutyfile import LabelledRow, read_rows
from jdextract.errors import (
    ConfigError,
    DamagedInput,
    EmptyInput,
    JdextractError,
    MissingColumn,
    MissingExtra,
    ModelError,
    ReadError,
)
from jdextract.extraction.extractor import Extractor
from jdextract.output import replacing
from jdextract.taxonomy import Taxonomy, load_taxonomy
from tests.benchmarks.audit import Way, accused, flip, rate

DUTIES = Path(__file__).parents[1] / "corpus" / "duties"
TAXONOMY = load_taxonomy()
FAMILIES = ("supply-chain", "finance")
WORDS = {
    "accountant": (
        ("编制", "登记", "复核", "装订", "结转", "申报", "计提"),
        ("记账凭证", "资产负债表", "增值税", "固定资产折旧", "总账明细账", "利润表附注"),
    ),
    "customer-service": (
        ("解答", "回复", "接听", "转达", "引导", "安抚", "提醒"),
        ("买家咨询", "旺旺消息", "来电疑问", "尺码问题", "顾客下单", "优惠券用法"),
    ),
    "warehouse-keeper": (
        ("清点", "码放", "盘点", "签收", "整理", "标记", "巡查"),
        ("到货托盘", "货架库位", "库存台账", "叉车通道", "呆滞物料", "入库单据"),
    ),
}


def keep(roles: Sequence[str]) -> Taxonomy:
    """The taxonomy with these roles alone."""
    kept = tuple(role for role in TAXONOMY.roles if role.id in roles)
    return Taxonomy.model_validate(TAXONOMY.model_copy(update={"roles": kept}).model_dump())


SMALL = keep(tuple(WORDS))


def make_rows() -> list[LabelledRow]:
    """42 short sentences of each of three roles."""
    return [
        LabelledRow(f"{role}-{i}", role, f"{verb}{noun}")
        for role, (verbs, nouns) in WORDS.items()
        for i, (verb, noun) in enumerate(product(verbs, nouns))
    ]


def examine(*rows: LabelledRow, **options: Any) -> Audit:
    """An audit of the sentences and these rows."""
    return audit([*make_rows(), *rows], SMALL, **options)


def find_id(found: Audit, id_: str) -> Finding | None:
    return next((finding for finding in found.findings if id_ in finding.ids), None)


@pytest.fixture(scope="module")
def part() -> tuple[list[LabelledRow], Taxonomy]:
    """The rows of two families of the corpus, and their roles."""
    roles = [role for role in TAXONOMY.role_ids if TAXONOMY.family_of(role) in FAMILIES]
    return [row for row in read_rows(DUTIES) if row.role in roles], keep(roles)


@pytest.mark.parametrize("way", ["uniform", "family"])
def test_planted_label_errors_are_found(
    part: tuple[list[LabelledRow], Taxonomy], extractor: Extractor, way: Way
) -> None:
    """Of 5 % flipped labels 0.8 are found with a precision of 0.5, flipped to any role and to one of the same family."""
    rows, planted = flip(*part, way, 0.05, seed=3)
    assert len(planted) > 100
    found = rate(accused(audit(rows, part[1], extractor=extractor).findings), planted)
    assert found["recall"] >= 0.8
    assert found["precision"] >= 0.5


def test_a_wrong_label_is_found_with_the_right_one() -> None:
    """A sentence that speaks like another role is a label error with that role."""
    found = find_id(examine(LabelledRow("x", "customer-service", "编制利润表、登记总账")), "x")
    assert found is not None
    assert (found.kind, found.suggested, found.given) == ("label-error", "accountant", ("customer-service",))
    assert 0.5 < found.score <= 1


def test_clean_rows_give_few_findings() -> None:
    """Sentences that are all right are mostly left alone; far from the others of its role is none that the model is sure of."""
    found = examine()
    assert found.rows == len(make_rows())
    assert found.agreement > 0.9
    assert len(accused(found.findings)) < 0.05 * found.rows
    assert all(finding.score > 0.35 for finding in found.findings)


def test_near_duplicates_with_different_roles_are_one_finding() -> None:
    """One decision settles both; the suggestion is one of the given roles."""
    rows = (
        LabelledRow("x", "warehouse-keeper", "每周盘点成品仓库存并登记差异"),
        LabelledRow("y", "accountant", "每周盘点成品仓库存，并登记差异。"),
    )
    found = find_id(examine(*rows), "x")
    assert found is not None
    assert (found.kind, found.ids, found.suggested) == ("near-duplicate", ("x", "y"), "warehouse-keeper")
    assert found.given == ("warehouse-keeper", "accountant")


@pytest.mark.parametrize(
    ("sides", "is_finding"),
    [
        ((("warehouse-keeper", True), ("accountant", True)), False),
        ((("warehouse-keeper", True), ("accountant", True), ("accountant", False)), False),
        ((("warehouse-keeper", True), ("accountant", False)), True),
        ((("warehouse-keeper", True), ("accountant", True), ("customer-service", False)), True),
        ((("warehouse-keeper", False), ("accountant", False)), True),
        ((("warehouse-keeper", False), ("warehouse-keeper", True)), False),
    ],
)
def test_contrast_pairs_contradict_nothing(sides: tuple[tuple[str, bool], ...], is_finding: bool) -> None:
    """Two rows that are marked as a pair may differ, and a row may repeat one side of a pair; nothing else may."""
    marks = ("每周盘点成品仓库存并登记差异", "每周盘点成品仓库存，并登记差异。", "1、每周盘点成品仓库存并登记差异")
    rows = [LabelledRow(f"x{i}", role, text, pair) for i, ((role, pair), text) in enumerate(zip(sides, marks))]  # noqa: B905
    kinds = [finding.kind for finding in examine(*rows).findings if any(id_.startswith("x") for id_ in finding.ids)]
    assert ("near-duplicate" in kinds) == is_finding


def test_near_duplicates_do_not_vouch_for_each_other() -> None:
    """Two copies of a sentence with the same wrong role are found all the same, as one finding before all single rows."""
    rows = [LabelledRow(id_, "warehouse-keeper", f"{mark}计提增值税并申报") for id_, mark in (("x", "1、"), ("y", ""))]
    found = examine(*rows)
    assert (found.findings[0].ids, found.findings[0].suggested) == (("x", "y"), "accountant")
    assert [len(finding.ids) for finding in found.findings] == sorted(
        (len(finding.ids) for finding in found.findings), reverse=True
    )


def test_copies_are_judged_together() -> None:
    """A model that judges a sentence has seen no copy of it: what nothing else is like, it knows nothing about."""
    copies = [LabelledRow(f"x{i}", "accountant", "蓝天白云、椰林沙滩") for i in range(8)]
    known = estimate(
        [*make_rows(), *copies],
        SMALL,
        folds=5,
        seed=0,
        settings=Settings(),
        extractor=Extractor(),
        tell=lambda line: None,
    )
    assert len(set(known.clusters[-8:])) == 1
    assert known.shares[-8:, known.roles.index("accountant")].max() < 0.6


def test_findings_of_one_size_are_ordered_by_score() -> None:
    """What is least likely right stands first."""
    texts = ("安抚来电疑问并登记总账明细账", "引导顾客下单，答尺码问题")
    rows = [LabelledRow(f"x{i}", "accountant", text) for i, text in enumerate(texts)]
    rows.append(LabelledRow("x2", "warehouse-keeper", "申报增值税，编制资产负债表"))
    single = [finding.score for finding in examine(*rows).findings if len(finding.ids) == 1]
    assert len(single) > 1
    assert single == sorted(single, reverse=True)


def test_a_text_of_no_role_is_an_outlier() -> None:
    """A text that shares nothing with its role, nor with another, is an outlier without a suggestion."""
    found = find_id(examine(LabelledRow("x", "accountant", "蓝天白云、椰林沙滩")), "x")
    assert found is not None
    assert found.suggested is None
    assert found.kind == "outlier"


def test_the_same_seed_gives_the_same_findings() -> None:
    """An audit can be repeated; another seed draws other folds."""
    row = LabelledRow("x", "customer-service", "编制利润表、登记总账")
    assert examine(row, seed=1) == examine(row, seed=1)
    first, second = examine(row, seed=1).findings, examine(row, seed=2).findings
    assert [finding.score for finding in first] != [finding.score for finding in second]


def test_rows_of_rare_roles_accuse_no_others() -> None:
    """Three rows of a role that are all wrong are found, and do not make every doubtful row one of their role."""
    texts = [f"{one}{two}" for one, two in product("甲乙丙丁戊己庚辛壬癸子丑寅卯", repeat=2)][:103]
    roles = np.array([0] * 50 + [1] * 50 + [2] * 3)
    shares = np.tile([0.9, 0.04, 0.06], (103, 1))
    shares[50:100] = [0.04, 0.9, 0.06]
    shares[40:60] = [0.47, 0.47, 0.06]  # doubtful, and right
    shares[45:50, 1] += 0.01
    shares[100:] = [0.98, 0.0, 0.02]
    rows = [
        LabelledRow(str(i), tuple(WORDS)[role], text) for i, (role, text) in enumerate(zip(roles, texts, strict=True))
    ]
    known = Estimate(tuple(WORDS), roles, shares, tuple(range(103)), tuple(texts))
    assert accused(find(rows, known, Settings(), Extractor())) == {"100", "101", "102"}


def test_two_roles() -> None:
    """A taxonomy of two roles can be audited."""
    roles = ("accountant", "warehouse-keeper")
    rows = [row for row in make_rows() if row.role in roles]
    found = audit([*rows, LabelledRow("x", roles[1], "编制利润表、登记总账")], keep(roles))
    wrong = find_id(found, "x")
    assert wrong is not None
    assert wrong.suggested == "accountant"
    assert found.agreement > 0.9


def test_without_cleanlab(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the extra, before anything is trained."""
    monkeypatch.setitem(sys.modules, "cleanlab.filter", None)
    with pytest.raises(MissingExtra) as caught:
        audit([], SMALL)
    assert "jdextract[audit]" in caught.value.hint


def test_what_can_not_be_audited() -> None:
    """A role outside the taxonomy, fewer sentences than folds, and too few to learn from are told."""
    with pytest.raises(ConfigError, match="x: role 'other' is not in the taxonomy"):
        examine(LabelledRow("x", "other", "开车"))
    for rows in ([], make_rows()[:4]):
        with pytest.raises(ConfigError, match="can't be split into 5 folds"):
            audit(rows, SMALL)
    with pytest.raises(ConfigError, match="into 1 folds"):
        examine(folds=1)
    bare = SMALL.model_copy(
        update={
            "roles": tuple(r.model_copy(update={"titles": (), "titles_hant": (), "scope": ""}) for r in SMALL.roles)
        }
    )
    with pytest.raises(ModelError, match="can't be trained"):
        audit(make_rows()[::40], bare, folds=2)


# The sheet and what it does to files

LINES = (
    b'{"id": "a", "role": "accountant", "text": "\xe8\xae\xb0\xe8\xb4\xa6", "note": "vs role"}\n',
    b'{ "text":"\\u76d8\\u70b9\\u201d role\\" : ","id":"b" ,\t"\\u0072ole" : "accountant"  }\r\n',
    b"\n",
    b'{"role": "x", "more": {"role": "y"}, "id": "c", "text": "\xe2\x80\xa8\xe7\x82\xb9\xe6\x95\xb0", "role": "other"}',
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two files with odd but valid lines."""
    (tmp_path / "duties").mkdir()
    (tmp_path / "duties" / "one.jsonl").write_bytes(b"".join(LINES))
    (tmp_path / "duties" / "two.jsonl").write_bytes(b'{"id": "=d", "role": "other", "text": "=1+1"}\n')
    return tmp_path


def write_decisions(folder: Path, *rows: tuple[str, str, str], columns: Sequence[str] = COLUMNS) -> Path:
    """A reviewed sheet of (ids, given roles, decision)."""
    path = folder / "sheet.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        sheet = csv.writer(file)
        sheet.writerow(columns)
        for ids, given_, decision in rows:
            cells = {"ids": ids, "given_role": given_, "decision": decision}
            sheet.writerow([cells.get(name, "") for name in columns])
    return path


def read_all(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "duties").iterdir()}


def test_only_the_role_changes(folder: Path) -> None:
    """Of a decided row nothing but the value of the role that counts is written anew; other rows and files stay."""
    before = read_all(folder)
    sheet = write_decisions(folder, ("b\nc", "accountant\nother", "warehouse-keeper"), ("a", "accountant", ""))
    assert apply_fixes(folder, sheet, TAXONOMY) == Fixes(2, 0, ("one.jsonl",))
    lines = list(LINES)
    lines[1] = lines[1].replace(b'"accountant"', b'"warehouse-keeper"')
    lines[3] = lines[3].replace(b'"other"', b'"warehouse-keeper"')
    assert read_all(folder) == before | {"one.jsonl": b"".join(lines)}


def test_dropped_rows_take_their_line_alone(folder: Path) -> None:
    """`drop` removes the line with its end."""
    assert apply_fixes(folder, write_decisions(folder, ("b", "accountant", " drop ")), TAXONOMY).dropped == 1
    assert read_all(folder)["one.jsonl"] == b"".join((LINES[0], *LINES[2:]))


def test_a_role_that_stays_is_no_change(folder: Path) -> None:
    """A decision for the given role leaves the file as it is, as does a sheet without decisions."""
    before = read_all(folder)
    assert apply_fixes(folder, write_decisions(folder, ("a", "accountant", "accountant")), TAXONOMY) == Fixes(0, 0, ())
    assert apply_fixes(folder, write_decisions(folder, ("a", "accountant", "")), TAXONOMY) == Fixes(0, 0, ())
    assert read_all(folder) == before


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("nobody", "other", "drop"), "sheet.csv:3: no row nobody"),
        (("b", "accountant", "astronaut"), "sheet.csv:3: decision 'astronaut' is neither a role nor drop"),
        (("b", "other", "drop"), "sheet.csv:3: b has the role 'accountant' now, not 'other'"),
        (("a", "accountant", "drop"), "sheet.csv:3: a is decided twice"),
        (("b\nc", "accountant", "drop"), "sheet.csv:3: 2 ids, 1 given roles"),
    ],
)
def test_one_wrong_decision_stops_all(folder: Path, row: tuple[str, str, str], message: str) -> None:
    """It is named with its row of the sheet, and no file changes, although the first decision is right."""
    before = read_all(folder)
    with pytest.raises(JdextractError) as caught:
        apply_fixes(folder, write_decisions(folder, ("a", "accountant", "other"), row), TAXONOMY)
    assert message in str(caught.value)
    assert caught.value.hint
    assert read_all(folder) == before


def test_nothing_is_half_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the second file can't be written the first one stays, and nothing is left beside them."""
    before = read_all(folder)

    def fail(target: Path) -> AbstractContextManager[BinaryIO]:
        if target.name == "two.jsonl":
            raise OSError("disk full")
        return replacing(target)

    monkeypatch.setattr(corrections, "replacing", fail)
    with pytest.raises(OSError, match="disk full"):
        apply_fixes(folder, write_decisions(folder, ("a\n'=d", "accountant\nother", "drop")), TAXONOMY)
    assert read_all(folder) == before


def test_sheets_that_are_none(folder: Path) -> None:
    """A sheet that is missing, in another encoding, or without its columns is named."""
    sheet = folder / "sheet.csv"
    with pytest.raises(ReadError, match=r"sheet\.csv: cannot be opened"):
        apply_fixes(folder, sheet, TAXONOMY)
    sheet.write_bytes("ids,text,given_role,decision\na,记账,accountant,drop\n".encode("gb18030"))
    with pytest.raises(DamagedInput, match="is not CSV in UTF-8"):
        apply_fixes(folder, sheet, TAXONOMY)
    with pytest.raises(MissingColumn, match="no column 'decision'"):
        apply_fixes(folder, write_decisions(folder, columns=COLUMNS[:-1]), TAXONOMY)


def test_a_sheet_goes_back_as_it_was_written(folder: Path) -> None:
    """Cells that a spreadsheet would take for formulas are made safe, and their rows are found again."""
    sheet = folder / "sheet.csv"
    write_sheet([Finding("outlier", ("=d", "a"), ("=1+1", "记\n账"), ("other", "accountant"), None, 0.5)], sheet)
    assert sheet.read_bytes().startswith(b"\xef\xbb\xbf")
    with sheet.open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert tuple(row) == COLUMNS
    assert (row["ids"], row["text"], row["decision"], row["rows"]) == ("'=d\na", "'=1+1\n记 账", "", "2")
    write_decisions(folder, (row["ids"], row["given_role"], "drop"))
    assert apply_fixes(folder, sheet, TAXONOMY).dropped == 2
    assert read_all(folder)["two.jsonl"] == b""


values = st.recursive(
    st.text() | st.none() | st.integers() | st.booleans(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)


@given(
    st.dictionaries(
        st.text(max_size=8).filter(lambda key: key not in ("id", "role", "text", "note")), values, max_size=5
    ),
    st.booleans(),
    st.sampled_from([(", ", ": "), (",", ":"), (" ,\t", "  : ")]),
)
def test_any_row_keeps_its_other_bytes(
    tmp_path_factory: pytest.TempPathFactory, more: dict[str, Any], ascii_: bool, separators: tuple[str, str]
) -> None:
    """Whatever else stands in a row, writing the old role back gives the old bytes."""
    folder = tmp_path_factory.mktemp("any")
    row = {**more, "role": "accountant", "text": "记账", "id": "a"}
    line = json.dumps(row, ensure_ascii=ascii_, separators=separators).encode("utf-8", "backslashreplace")
    (folder / "one.jsonl").write_bytes(line)
    apply_fixes(folder, write_decisions(folder, ("a", "accountant", "other")), TAXONOMY)
    changed = (folder / "one.jsonl").read_bytes()
    assert json.loads(changed) == {**json.loads(line), "role": "other"}
    apply_fixes(folder, write_decisions(folder, ("a", "other", "accountant")), TAXONOMY)
    assert (folder / "one.jsonl").read_bytes() == line


@pytest.mark.parametrize(
    "line",
    [
        b"nothing",
        b"[1]",
        b'{"id": "x", "role": "other"}',
        b'{"id": 1, "role": "other", "text": "t"}',
        b'{"id": "x", "role": "other", "text": " "}',
        b'{"id": "x", "role": "other", "text": "\\ud800"}',
        b'{"id": "x", "role": "other", "text": "\xff"}',
        b"[" * 100_000,
    ],
    ids=range(8),
)
def test_lines_that_are_no_rows(folder: Path, line: bytes) -> None:
    """They are named with their file and line, by the audit and by the fixes."""
    with (folder / "duties" / "two.jsonl").open("ab") as file:
        file.write(line)
    reading: Callable[[], object]
    for reading in (
        lambda: read_rows(folder),
        lambda: apply_fixes(folder, write_decisions(folder, ("a", "accountant", "drop")), TAXONOMY),
    ):
        with pytest.raises(DamagedInput, match=r"two\.jsonl:2: is no row"):
            reading()


def test_ids_that_stand_twice(folder: Path) -> None:
    """No decision could tell such rows apart."""
    (folder / "duties" / "two.jsonl").write_bytes(LINES[0])
    with pytest.raises(DamagedInput, match=r"two\.jsonl:1: id a stands twice"):
        read_rows(folder)
    with pytest.raises(DamagedInput, match=r"two\.jsonl:1: id a stands twice"):
        apply_fixes(folder, write_decisions(folder, ("a", "accountant", "drop")), TAXONOMY)


def test_rows_are_read_from_a_corpus_or_a_folder(folder: Path) -> None:
    """`duties` may be named or not; a folder without rows is told."""
    rows = read_rows(folder)
    assert [row.id for row in rows] == ["a", "b", "c", "=d"]
    assert read_rows(folder / "duties") == rows
    assert (rows[2].role, rows[0].pair) == ("other", False)
    with pytest.raises(EmptyInput):
        read_rows(folder / "elsewhere")
