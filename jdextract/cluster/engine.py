"""The engine: Daft on this machine (`native`) or on a Ray cluster (`ray`), and how it reaches object storage.

Usage reports of both libraries are switched off before they are imported. Credentials are read from the environment on this
machine, travel inside the plan, and are never printed.
"""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from jdextract.errors import ConfigError, MissingExtra

if TYPE_CHECKING:
    from daft.io import IOConfig

RunnerName = Literal["native", "ray"]

# What switches reports of use off, in Daft and in Ray; and their progress bars, which would mix with the messages.
QUIET = {
    "DO_NOT_TRACK": "true",
    "SCARF_NO_ANALYTICS": "true",
    "DAFT_ANALYTICS_ENABLED": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "DAFT_PROGRESS_BAR": "0",
    "RAY_TQDM": "0",
}
_PARTITIONS = 2  # of a shuffle, for each worker
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")


@dataclass(frozen=True, slots=True)
class Engine:
    """A started engine. `workers`: how many processes run the functions of this package at a time."""

    runner: RunnerName
    io: IOConfig = field(repr=False)
    workers: int
    nodes: int = 1

    @property
    def pool(self) -> dict[str, Any]:
        """Options of a class of functions that take long: processes of their own, so that all cores work.

        Where every node has one core, the process that Daft runs there is enough.
        """
        if self.runner == "native":
            return {"max_concurrency": self.workers, "use_process": self.workers > 1}
        return {"max_concurrency": self.workers} if self.workers > self.nodes else {}


def start_engine(
    runner: RunnerName = "native",
    *,
    address: str | None = None,
    s3_endpoint: str | None = None,
    workers: int | None = None,
) -> Engine:
    """Start Daft on `runner`. A process has one runner for its whole life: Daft refuses to change it.

    `address`: of a Ray cluster (`auto`, `host:port`, `ray://host:port`); without it Ray starts on this machine.
    `s3_endpoint`: of an S3-compatible store, else what AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL says.
    Raises MissingExtra, and ConfigError for an address without Ray or one that no cluster answers at.
    """
    os.environ.update(QUIET)
    _require("daft", *(["ray"] if runner == "ray" else []))
    if address and runner != "ray":
        raise ConfigError("--address is for --runner ray", hint="add --runner ray, or leave the address out")
    cores, nodes = _start_ray(address) if runner == "ray" else (os.cpu_count() or 1, 1)
    _choose_runner(runner)
    import daft

    processes = workers or cores
    # Daft's own default is 200 whatever the cluster, and a query of twenty shuffles then runs thousands of tiny tasks.
    daft.set_execution_config(shuffle_aggregation_default_partitions=_PARTITIONS * processes)
    return Engine(runner, _storage_options(s3_endpoint), processes, nodes)


def _choose_runner(runner: RunnerName) -> None:
    import daft
    from daft.exceptions import DaftCoreException

    try:
        if runner == "ray":
            daft.set_runner_ray(noop_if_initialized=True)
        else:
            daft.set_runner_native()
    except DaftCoreException as error:
        if daft.runners.get_or_create_runner().name != runner:
            raise ConfigError("this process runs Daft on another runner already", hint="start a new one") from error


def _require(*libraries: str) -> None:
    missing = [name for name in libraries if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtra(f"{' and '.join(missing)} not installed", hint="pip install 'jdextract[cluster]'")


def _start_ray(address: str | None) -> tuple[int, int]:
    """Join a Ray cluster, or start one. Returns how many cores and nodes with cores it has."""
    import ray

    if not ray.is_initialized():
        # The workers import both libraries too, and must not report either.
        options: dict[str, Any] = {
            "runtime_env": {"env_vars": QUIET},
            "logging_level": "warning",
            "log_to_driver": False,
        }
        if address is None:
            options |= {"include_dashboard": False}
        try:
            ray.init(address=address, **options)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise ConfigError(
                f"no Ray cluster can be joined ({error})",
                where=address or "",
                hint="check --address; `ray status` there",
            ) from error
    nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    cores = [int(node["Resources"].get("CPU", 0)) for node in nodes if node["Alive"]]
    return max(1, sum(cores)), max(1, sum(count > 0 for count in cores))


def _storage_options(s3_endpoint: str | None) -> IOConfig:
    from daft.io import IOConfig, S3Config

    endpoint = s3_endpoint or next((os.environ[name] for name in _ENDPOINTS if os.environ.get(name)), None)
    # Without keys in the environment Daft looks for them on each worker: profiles, roles of the machine.
    found = S3Config.from_env() if os.environ.get("AWS_ACCESS_KEY_ID") else S3Config()
    if endpoint:
        found = found.replace(endpoint_url=endpoint, use_ssl=not endpoint.startswith("http://"))
    return IOConfig(s3=found)
