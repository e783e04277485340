"""The layers of the package."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import jdextract

PACKAGE = Path(jdextract.__file__).parent
STAGES = ("reading", "extraction", "classification", "deduplication", "evaluation")


def imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module}
    return names | {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_imports_no_other_stage(stage: str) -> None:
    """Only pipeline, training and what stands above them know more than one stage."""
    others = {f"jdextract.{name}" for name in (*STAGES, "pipeline", "training", "cli", "report") if name != stage}
    for path in (PACKAGE / stage).rglob("*.py"):
        wrong = {name for name in imports(path) for other in others if name == other or name.startswith(other + ".")}
        assert not wrong, f"{path.name} imports {wrong}"


def test_only_the_command_line_prints() -> None:
    """`print` and `sys.exit` stand in cli/ only."""
    for path in PACKAGE.rglob("*.py"):
        if "cli" in path.parts:
            continue
        calls = [n.func for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Call)]
        assert not any(isinstance(f, ast.Name) and f.id in ("print", "exit") for f in calls), path


def test_front_door() -> None:
    """Every name of `__all__` is there."""
    for name in jdextract.__all__:
        assert getattr(jdextract, name) is not None
    with pytest.raises(AttributeError):
        _ = jdextract.nothing


def test_extract_text() -> None:
    """The library's front door gives records of a text with spans into it."""
    text = "采购专员岗位职责：1、开发供应商，比价议价；2、跟进订单交期。"
    (record,) = jdextract.extract_text(text)
    assert record.title
    assert record.title.text == "采购专员"
    assert record.role.id == "procurement-specialist"
    assert [text[slice(*d.span)] for d in record.duties] == ["开发供应商，比价议价", "跟进订单交期"]
    assert jdextract.classify("验收到货，登记入库，每月盘点").role.id == "warehouse-keeper"
