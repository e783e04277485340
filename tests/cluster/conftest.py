from __future__ import annotations

import gc
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from jdextract.cluster.engine import Engine, start_engine
from jdextract.pipeline import Pipeline
from jdextract.records import ReadFailure, RoleRecord
from tests.cluster.samples import frame_of, make_inputs

KEY, SECRET = "loopback-key", "loopback-secret-4711"
BUCKET = "postings"


@pytest.fixture(autouse=True)
def _leave_nothing() -> Iterator[None]:
    """Daft does not close the pipes of the processes that it ends: let that be noticed here, where it is expected."""
    yield
    gc.collect()


@pytest.fixture(scope="session")
def engine() -> Engine:
    """The native engine. A process has one for its whole life."""
    return start_engine("native", workers=1)


@dataclass(frozen=True)
class Store:
    """An S3-compatible server on the loopback interface."""

    endpoint: str
    client: Any

    def names(self, prefix: str) -> list[str]:
        listed = self.client.list_objects_v2(Bucket=BUCKET, Prefix=prefix)
        return [each["Key"] for each in listed.get("Contents", [])]

    def put(self, name: str, data: bytes) -> None:
        self.client.put_object(Bucket=BUCKET, Key=name, Body=data)

    def get(self, name: str) -> bytes:
        data: bytes = self.client.get_object(Bucket=BUCKET, Key=name)["Body"].read()
        return data


@pytest.fixture(scope="session")
def store() -> Iterator[Store]:
    """A server of its own process: Daft holds the interpreter while it waits for one."""
    import boto3

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    credentials = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": "us-east-1"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in credentials.items():
            patch.setenv(name, value)
        server = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait_for(lambda: _answers(port))
            client = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}")
            client.create_bucket(Bucket=BUCKET)
            yield Store(f"http://127.0.0.1:{port}", client)
        finally:
            server.kill()
            server.wait()


@pytest.fixture
def remote_engine(engine: Engine, store: Store) -> Engine:
    """The native engine with the server as its store."""
    return replace(engine, io=start_engine("native", s3_endpoint=store.endpoint).io)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def _wait_for(true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.05)


@dataclass(frozen=True)
class Extracted:
    """What the local run gives for the files of `make_inputs`."""

    folder: Path
    records: list[RoleRecord]
    failures: list[ReadFailure]

    def frame(self, here: str, name: str) -> pl.DataFrame:
        """The records as if the folder `here` had that name."""
        source = pl.col("document").struct.field("source").str.replace(here, name, literal=True)
        return frame_of(self.records).with_columns(pl.col("document").struct.with_fields(source=source))


@pytest.fixture(scope="session")
def local_run(pipeline: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> Extracted:
    folder = tmp_path_factory.mktemp("inputs")
    for name, data in make_inputs().items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
    records: list[RoleRecord] = []
    failures: list[ReadFailure] = []
    for item in pipeline.extract([str(folder)]):
        if isinstance(item, ReadFailure):
            failures.append(item)
        else:
            records += item[1].records
    return Extracted(folder, records, failures)
