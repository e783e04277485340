"""`jdextract cluster`, and how an engine is started."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from jdextract.cli.app import app
from jdextract.cluster.engine import Engine, start_engine
from jdextract.cluster.errors import carry_errors, report_errors
from jdextract.cluster.storage import tell
from jdextract.config import Config
from jdextract.deduplication.marking import find_all, mark
from jdextract.errors import ConfigError, DamagedInput, MissingExtra, RunError
from tests.cluster.samples import frame_of, make_records, read_parts, write_records

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # see conftest


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["cluster", *map(str, arguments)])


def test_dedup_command(engine: Engine, tmp_path: Path) -> None:
    """The command marks records as the function does and says what it found."""
    records = make_records(12)
    folder = write_records(records, tmp_path / "records")
    result = run("dedup", folder, "-o", tmp_path / "marked", "-j", 1)
    assert result.exit_code == 0, result.output
    found = find_all(records, Config().deduplication)
    assert read_parts(tmp_path / "marked").equals(frame_of(list(mark(records, found))))
    assert f"{len(found['duty'].occurrences)} duties: {len(found['duty'].clusters)} clusters" in result.output
    assert (tmp_path / "marked" / "_SUCCESS").exists()
    again = run("dedup", folder, "-o", tmp_path / "marked", "-j", 1)
    assert (again.exit_code, "holds files already" in again.output) == (1, True)


def test_an_engine_that_is_not_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without its libraries the command says what to install, by name."""
    find = importlib.util.find_spec
    for runner, missing in (("native", "daft"), ("ray", "ray")):
        monkeypatch.setattr(importlib.util, "find_spec", lambda n, *a, m=missing: None if n == m else find(n, *a))
        result = run("dedup", "x.parquet", "-o", tmp_path / "out", "--runner", runner)
        assert result.exit_code == 1
        assert f"{missing} not installed" in result.output
        assert "pip install 'jdextract[cluster]'" in result.output
        with pytest.raises(MissingExtra):
            start_engine(runner)  # type: ignore[arg-type]


def test_an_address_needs_ray(engine: Engine) -> None:
    """An address without Ray, and Ray in a process that has another engine, are refused."""
    with pytest.raises(ConfigError):
        start_engine("native", address="auto")
    assert start_engine("native").runner == "native"


def test_no_reports_of_use(engine: Engine) -> None:
    """What the libraries would send home is switched off in this process, before they are imported."""
    assert os.environ["DO_NOT_TRACK"] == "true"
    assert os.environ["DAFT_ANALYTICS_ENABLED"] == "0"
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
    from daft.scarf_telemetry import opted_out

    assert opted_out()


def test_an_endpoint_from_the_environment(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The option wins over the variable of S3, which wins over the general one; nothing of it is shown."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key-id-0815")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-0815")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert start_engine("native").io.s3.endpoint_url == "http://127.0.0.1:1"
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:2")
    assert start_engine("native").io.s3.endpoint_url == "http://127.0.0.1:2"
    started = start_engine("native", s3_endpoint="http://127.0.0.1:3")
    assert started.io.s3.endpoint_url == "http://127.0.0.1:3"
    assert started.io.s3.access_key == "secret-0815"
    assert "0815" not in repr(started)
    assert tell(OSError("key-id-0815 signed with secret-0815")) == (
        "<AWS_ACCESS_KEY_ID> signed with <AWS_SECRET_ACCESS_KEY>"
    )


def fail_on_a_worker(error: DamagedInput) -> None:
    try:
        with carry_errors():
            raise error
    except RuntimeError as carried:
        raise ValueError(f"UDF failed:\n  | {carried!r} |") from None


def test_errors_of_workers() -> None:
    """An error of ours arrives as it was raised though engines keep its text alone; others become a RunError."""
    error = DamagedInput("is no record: 'title'", where="s3://b/x.parquet", hint="try\nagain")
    with pytest.raises(DamagedInput) as caught, report_errors():
        fail_on_a_worker(error)
    assert (caught.value.what, caught.value.where, caught.value.hint) == (error.what, error.where, error.hint)
    with pytest.raises(RunError), report_errors():
        raise ValueError("shuffle lost")
