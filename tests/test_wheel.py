"""The wheel works by itself."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return next(out.glob("*.whl"))


def test_contents(wheel: Path) -> None:
    """Taxonomy, rules and models are inside, tests and corpus are not, and it is no larger than 40 MB."""
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        "jdextract/data/headings.yaml",
        "jdextract/data/taxonomy/ecommerce.yaml",
        "jdextract/data/models/zoning/zones.crfsuite",
        "jdextract/data/models/duty-role/pipeline.skops",
        "jdextract/py.typed",
    }
    assert wanted <= names
    assert not [name for name in names if name.startswith(("tests/", "corpus/", "notebooks/"))]
    assert wheel.stat().st_size < 40_000_000


def test_alone_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    """Installed into an empty environment, away from the checkout, it extracts a document.

    Dependencies are lent from this environment by a path file, since tests use no network; the checkout is not.
    """
    environment = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    python = environment / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "--no-index", "--no-deps", "--quiet", str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    find = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = Path(subprocess.run(find, check=True, capture_output=True, text=True).stdout.strip())
    (site / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    page = tmp_path / "page.txt"
    page.write_text("会计岗位职责：1、审核凭证，编制报表；2、按月报税。", encoding="utf-8")
    out = tmp_path / "records.jsonl"
    run = subprocess.run(
        [str(environment / "bin" / "jdextract"), "extract", str(page), "-o", str(out)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    (record,) = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert record["title"]["text"] == "会计"
    assert record["role"]["id"] == "accountant"
    where = [str(python), "-c", "import jdextract; print(jdextract.__file__)"]
    assert str(environment) in subprocess.run(where, capture_output=True, text=True, cwd=tmp_path, check=True).stdout
