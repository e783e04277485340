"""The notebooks: they run on a copy of their folder, and what is stored of their outputs is small and says nothing about
the machine.

`python -m tests.update_notebooks` runs them and stores the outputs.
"""

from __future__ import annotations

import ast
import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
TIMEOUT = 180  # seconds of one cell, and of the start
LARGEST_OUTPUT = 60_000  # characters of one output as JSON
LARGEST_NOTEBOOK = 300_000  # bytes
LONGEST_FUNCTION = 5  # lines
_PICTURES = {"image/svg+xml", "image/png"}
_ABSOLUTE = re.compile(
    r"(?<![\w.:/-])/(?:home|root|Users|tmp|var|opt|usr|mnt|srv|private|work|workspace)/|file://|(?<![A-Za-z])[A-Za-z]:[\\/]\w"
)
_LINK = re.compile(r"\]\(([^)#:]+)\)")


def execute(path: Path, folder: Path) -> Any:
    """The notebook after a run in `folder`/notebooks, a copy. Nothing but its cells, their outputs and its kernel is in it.

    Raises CellExecutionError for a cell that fails.
    """
    import nbformat
    from nbclient import NotebookClient
    from traitlets.config import Config

    copy = folder / "notebooks"
    if not copy.exists():
        shutil.copytree(FOLDER, copy, ignore=shutil.ignore_patterns("*.ipynb", ".*"))
        (folder / "corpus").symlink_to(ROOT / "corpus")
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as sockets:  # files, whose names must be short, instead of ports
        client = NotebookClient(
            notebook,
            timeout=TIMEOUT,
            startup_timeout=TIMEOUT,
            kernel_name="python3",
            record_timing=False,
            resources={"metadata": {"path": str(copy)}},
            config=Config({"KernelManager": {"transport": "ipc", "ip": f"{sockets}/k"}}),
        )
        client.execute()
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        cell.metadata = {}
    return notebook


@pytest.fixture
def jupyter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel of this environment, without the settings of a user."""
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "1")
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "jupyter"))


def _read(path: Path) -> dict[str, Any]:
    notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return notebook


def _code(notebook: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (cell for cell in notebook["cells"] if cell["cell_type"] == "code")


def _outputs(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    return [output for cell in _code(notebook) for output in cell["outputs"]]


def _strings(value: Any) -> Iterator[str]:
    """Every text of a notebook, of its metadata too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _strings(part)


def _draws(outputs: list[dict[str, Any]]) -> bool:
    return any(_PICTURES & output.get("data", {}).keys() for output in outputs)


def test_all_four_are_there() -> None:
    """The notebooks are numbered from one, in the order in which they are read."""
    assert [path.name[:2] for path in NOTEBOOKS] == ["1-", "2-", "3-", "4-"]


@pytest.mark.usefixtures("jupyter")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs(path: Path, tmp_path: Path) -> None:
    """Every cell runs, without a warning, and the notebook draws."""
    before = path.read_bytes()
    done = execute(path, tmp_path)
    outputs = _outputs(done)
    assert not [output["text"] for output in outputs if output.get("name") == "stderr"]
    assert _draws(outputs)
    assert path.read_bytes() == before


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_outputs_are_whole(path: Path) -> None:
    """The notebook was stored after one run from top to bottom: a reader sees its pictures without running it."""
    notebook = _read(path)
    cells = list(_code(notebook))
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert _draws(_outputs(notebook))
    assert not [output for output in _outputs(notebook) if output["output_type"] == "error"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_outputs_are_small(path: Path) -> None:
    """No output is larger than a picture needs, nor is the notebook."""
    sizes = [len(json.dumps(output, ensure_ascii=False)) for output in _outputs(_read(path))]
    assert max(sizes) <= LARGEST_OUTPUT
    assert path.stat().st_size <= LARGEST_NOTEBOOK


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_tells_nothing_about_the_machine(path: Path) -> None:
    """No absolute path and no time of a run stand in a notebook, and its kernel is any Python 3."""
    notebook = _read(path)
    texts = list(_strings(notebook))
    assert not [text for text in texts if _ABSOLUTE.search(text) or str(ROOT) in text]
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}
    assert set(notebook["metadata"]["language_info"]) == {"name"}
    assert not [cell for cell in notebook["cells"] if cell["metadata"]]


@pytest.mark.parametrize("text", ["/home/a/x.py", '"/tmp/x"', r"in C:\Users\a", "D:/data", "(/root/x)", "file:///x"])
def test_absolute_paths_are_seen(text: str) -> None:
    """The pattern finds paths of the usual systems, beside it addresses and relative paths stay."""
    assert _ABSOLUTE.search(text)
    assert not _ABSOLUTE.search("../corpus/tmp/x http://www.w3.org/2000/svg image/svg+xml </text>")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_holds_no_logic(path: Path) -> None:
    """Cells are plain Python that imports jdextract; what needs a longer function belongs into the package."""
    trees = [ast.parse("".join(cell["source"])) for cell in _code(_read(path))]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    imported = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    assert any(name.partition(".")[0] == "jdextract" for name in imported)
    assert not [node.name for node in nodes if isinstance(node, ast.ClassDef)]
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    lengths = {node.name: (node.end_lineno or 0) - node.lineno + 1 for node in functions}
    assert not {name: lines for name, lines in lengths.items() if lines > LONGEST_FUNCTION}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_links_lead_somewhere(path: Path) -> None:
    """Every relative link of the text is a file of the checkout."""
    text = "\n".join("".join(cell["source"]) for cell in _read(path)["cells"] if cell["cell_type"] == "markdown")
    links = _LINK.findall(text)
    assert not [link for link in links if not (FOLDER / link).exists()]
