from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from jdextract.cluster.engine import Engine, start_engine

KEY, SECRET = "loopback-key", "loopback-secret-4711"
BUCKET = "postings"


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
class RayCluster:
    address: str

    def run(self, *arguments: object) -> subprocess.Popen[bytes]:
        """`jdextract cluster …` on this cluster, in a process of its own: a process has one runner."""
        command = [sys.executable, "-m", "jdextract.cli", "cluster", *map(str, arguments)]
        return subprocess.Popen(
            [*command, "--runner", "ray", "--address", self.address],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[RayCluster]:
    """A real cluster of two nodes with a core each."""
    from jdextract.cluster.engine import QUIET

    with pytest.MonkeyPatch.context() as patch:
        for name, value in QUIET.items():
            patch.setenv(name, value)
        # Workers that Ray starts ahead would cost this machine more than the work.
        patch.setenv("RAY_prestart_worker_first_driver", "0")
        from ray.cluster_utils import Cluster

        options = {"num_cpus": 1, "object_store_memory": 100_000_000, "include_dashboard": False}
        made = Cluster(initialize_head=True, head_node_args=options)
        try:
            made.add_node(num_cpus=1, object_store_memory=100_000_000)
            yield RayCluster(made.address)
        finally:
            made.shutdown()


def environment_without_keys() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
