"""What a run did, as `run.json` tells it."""

from __future__ import annotations

import datetime
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from jdextract.batch.finishing import Targets
from jdextract.batch.identity import describe_versions
from jdextract.batch.limits import peak_memory
from jdextract.batch.tally import Tally
from jdextract.config import Config


@dataclass(frozen=True, slots=True)
class Clock:
    """When a run began, by the calendar and by a clock that is never set."""

    started: datetime.datetime = field(default_factory=lambda: datetime.datetime.now(datetime.UTC))
    start: float = field(default_factory=time.monotonic)  # seconds


def summarize(
    inputs: Sequence[str],
    targets: Targets,
    config: Config,
    tally: Tally,
    clock: Clock,
    *,
    workers: int,
    resumed: int,
    assistance: dict[str, Any] | None,
) -> dict[str, Any]:
    """What `run.json` holds. `resumed`: how often the run was gone on with; `assistance`: by a language model."""
    ended = datetime.datetime.now(datetime.UTC)
    counts = tally.counts
    return {
        "inputs": list(inputs),
        "outputs": {name: str(path) for name, path in targets.named().items()},
        "config": {"digest": config.digest(), "settings": config.model_dump(mode="json")},
        "versions": describe_versions(config),
        "counts": {
            "reading": {"documents": tally.documents + _of(tally, "extraction"), "failed": _of(tally, "reading")},
            "extraction": {
                "documents": tally.documents,
                "failed": _of(tally, "extraction"),
                "records": counts["records"],
                "duties": counts["duties"],
            },
            "classification": {"assigned": counts["assigned"], "abstained": counts["abstained"]},
            "marking": {"repeated": counts["repeated"], "named": counts["named"]},
            "writing": {"records": counts["records"], "failed": _of(tally, "writing")},
        },
        "dropped": dict(sorted(tally.dropped.items())),
        "failures": dict(sorted(tally.failures.items())),
        "seconds": {name: round(seconds, 3) for name, seconds in sorted(tally.seconds.items())},
        "llm": assistance,
        "workers": workers,
        "resumed": resumed,
        "memory": {"parent": peak_memory(), "largest_worker": tally.worker_memory},
        "started": clock.started.isoformat(timespec="seconds"),
        "ended": ended.isoformat(timespec="seconds"),
        "elapsed": round(time.monotonic() - clock.start, 3),
    }


def _of(tally: Tally, stage: str) -> int:
    return sum(number for kind, number in tally.failures.items() if kind.startswith(f"{stage}: "))
