"""Help, `config`, `version`, `corpus`, and how errors are shown."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from typer.main import get_command

from jdextract.annotation import gold_json, parse_marks
from jdextract.cli.app import app
from jdextract.cli.settings import Engine, RegionName
from jdextract.config import Config, ExtractionConfig, TokensConfig, load_config
from tests.cli.conftest import Run
from tests.samples import CORPUS, HANS, HANT, MIXED

ROOT = Path(__file__).parents[2]


def commands() -> list[tuple[str, ...]]:
    """Every command with its group."""
    found: list[tuple[str, ...]] = []
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", None)
        found += [(name, below) for below in inner] if inner else [(name,)]
    return found


def test_help_answers_at_once() -> None:
    """Nothing heavy is imported for --help: 0.3 s of processor time on a laptop, with room for slow machines.

    Processor time, because wall time measures what else the machine does.
    """
    resource = pytest.importorskip("resource")
    times = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "jdextract.cli", "--help"], check=True, capture_output=True, cwd=ROOT)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert statistics.median(times) < 1.0


def test_help_loads_no_heavy_package() -> None:
    """The cause of a slow start is named by this test."""
    program = (
        "import sys; import jdextract.cli.app\n"
        "print([m for m in ('spacy', 'sklearn', 'numpy', 'polars', 'jieba', 'opencc', 'jinja2') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_every_command_has_help_with_an_example(run: Run, command: tuple[str, ...]) -> None:
    """The example calls the command that it stands under."""
    result = run(*command, "--help")
    assert result.exit_code == 0
    text = " ".join(result.stdout.replace("│", " ").split())
    assert "Example: " in text
    assert f"jdextract {' '.join(command)}" in text.split("Example: ")[1]


def test_exit_codes_are_in_the_help(run: Run) -> None:
    """Both of jdextract and of extract."""
    for arguments in (["--help"], ["extract", "--help"]):
        text = " ".join(run(*arguments).stdout.split())
        assert "3 done, but some inputs failed" in text


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_every_command_is_in_the_manual(command: tuple[str, ...]) -> None:
    """README names each command."""
    if not (ROOT / "README.md").exists():
        pytest.skip("no README yet")
    manual = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"jdextract {command[0]}" in manual or f"`{command[0]}`" in manual


def test_config_prints_settings_that_load_again(run: Run, tmp_path: Path) -> None:
    """What is printed is TOML with every setting, and loading it gives the defaults."""
    result = run("config")
    (tmp_path / "s.toml").write_text(result.stdout, encoding="utf-8")
    assert load_config(tmp_path / "s.toml") == Config()
    for section in Config.model_fields:
        assert f"[{section}]" in result.stdout
        for key in type(getattr(Config(), section)).model_fields:
            assert f"{key} " in result.stdout


def test_config_prints_the_settings_in_force(run: Run, tmp_path: Path) -> None:
    """With --config the values of the file."""
    (tmp_path / "s.toml").write_text('[reading]\ntext_column = "岗位\\"职责"\n[classification]\nthreshold = 0.5\n')
    result = run("config", "--config", tmp_path / "s.toml")
    (tmp_path / "t.toml").write_text(result.stdout, encoding="utf-8")
    assert load_config(tmp_path / "t.toml") == load_config(tmp_path / "s.toml")


def test_options_offer_what_the_settings_take() -> None:
    """The choices are written twice, so that help needs no settings; they must agree."""
    assert tuple(Engine) == get_args(TokensConfig.model_fields["engine"].annotation)
    assert tuple(RegionName) == get_args(ExtractionConfig.model_fields["region"].annotation)


def test_version_names_the_libraries(run: Run) -> None:
    """`jdextract version` and `--version` say the same."""
    result = run("version")
    assert result.exit_code == 0
    for name in ("jdextract ", "spacy ", "jieba ", "opencc ", "scikit-learn "):
        assert name in result.stdout
    assert run("--version").stdout == result.stdout


def test_an_error_is_a_message_and_with_debug_itself(run: Run, tmp_path: Path) -> None:
    """What failed, where, what to try; the exception with --debug."""
    (tmp_path / "s.toml").write_text("[reading]\nencodng = 'x'\n")
    result = run("config", "--config", tmp_path / "s.toml")
    assert result.exit_code == 1
    assert "reading.encodng" in result.stderr
    assert "s.toml" in result.stderr
    assert "try: " in result.stderr
    assert type(run("--debug", "config", "--config", tmp_path / "s.toml").exception).__name__ == "ConfigError"


def test_rendered_documents_can_be_marked_again(run: Run, tmp_path: Path) -> None:
    """`corpus render` and `corpus mark` keep text and gold."""
    marks = tmp_path / "marks"
    marks.mkdir()
    for name in (HANS, HANT, MIXED):
        (marks / f"{name}.mark").write_bytes((CORPUS / f"{name}.mark").read_bytes())
    assert run("corpus", "render", marks, "-o", tmp_path / "gold").exit_code == 0
    result = run("corpus", "mark", tmp_path / "gold" / "documents", tmp_path / "gold", "-o", tmp_path / "again")
    assert result.exit_code == 0, result.stderr
    for name in (HANS, HANT, MIXED):
        before = parse_marks((marks / f"{name}.mark").read_text(encoding="utf-8"), name)
        after = parse_marks((tmp_path / "again" / f"{name}.mark").read_text(encoding="utf-8"), name)
        assert (after.text, gold_json(after)) == (before.text, gold_json(before))
        assert json.loads((tmp_path / "gold" / f"{name}.json").read_text(encoding="utf-8")) == gold_json(before)


def test_gold_that_is_not_in_the_text_is_left_out(run: Run, tmp_path: Path) -> None:
    """The document is named, the others are written, exit code 3."""
    for name, text in (("a", "招聘店长"), ("b", "招聘美工")):
        record = {"title": "店长", "role": "team-manager", "headcount": None}
        gold = {"doc": f"{name}.txt", "records": [record | {"duties": [], "requirements": [], "compensation": []}]}
        (tmp_path / f"{name}.json").write_text(json.dumps(gold))
        (tmp_path / f"{name}.txt").write_text(text, encoding="utf-8")
    result = run("corpus", "mark", tmp_path, tmp_path, "-o", tmp_path / "out")
    assert result.exit_code == 3
    assert "error: b: " in result.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.mark"]


def test_lint_names_broken_marks(run: Run, tmp_path: Path) -> None:
    """File and problem; the corpus itself is clean."""
    (tmp_path / "good.mark").write_text("⟦T team-manager|店长⟧负责⟦R|本科⟧", encoding="utf-8")
    assert run("corpus", "lint", tmp_path).exit_code == 0
    (tmp_path / "bad.mark").write_text("⟦D team-manager|负责。⟧", encoding="utf-8")
    result = run("corpus", "lint", tmp_path)
    assert result.exit_code == 1
    assert "bad.mark: " in result.stdout
    assert "good.mark" not in result.stdout
    assert run("corpus", "lint", tmp_path / "gone").exit_code == 1
