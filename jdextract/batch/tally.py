"""What a run has counted so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jdextract.batch.results import ChunkResult, add_seconds


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of a run. Never changed, only replaced, so that what is kept of a broken run fits together."""

    counts: Counter[str] = field(default_factory=Counter)  # documents, records, duties, … see `plus`
    dropped: Counter[str] = field(default_factory=Counter)  # stage and reason -> stretches of text
    failures: Counter[str] = field(default_factory=Counter)  # stage and error -> inputs
    seconds: dict[str, float] = field(default_factory=dict)  # by stage, summed over all processes
    worker_memory: int = 0  # bytes, the largest peak of one process

    @property
    def documents(self) -> int:
        return self.counts["documents"]

    @property
    def failed(self) -> int:
        return self.failures.total()

    def plus(self, result: ChunkResult, repeated: int) -> Tally:
        """With one more chunk, of whose duties `repeated` stood in the run before."""
        read = [document for document in result.documents if document.failure is None]
        counts = Counter(
            documents=len(read),
            records=sum(document.records for document in read),
            duties=sum(len(document.keys) for document in read),
            repeated=repeated,
        )
        failures = Counter(f"{d.failure.stage}: {d.failure.error}" for d in result.documents if d.failure)
        return Tally(
            self.counts + counts + result.counts,
            self.dropped + result.dropped,
            self.failures + failures,
            add_seconds(self.seconds, result.seconds),
            max(self.worker_memory, result.memory),
        )

    def plus_seconds(self, seconds: Mapping[str, float]) -> Tally:
        """With the time that was spent outside of the chunks."""
        return Tally(self.counts, self.dropped, self.failures, add_seconds(self.seconds, seconds), self.worker_memory)

    def to_json(self) -> dict[str, Any]:
        """As an object that JSON holds."""
        return {
            "counts": dict(self.counts),
            "dropped": dict(self.dropped),
            "failures": dict(self.failures),
            "seconds": self.seconds,
            "worker_memory": self.worker_memory,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Tally:
        """The reverse of `to_json`."""
        return cls(
            Counter(value["counts"]),
            Counter(value["dropped"]),
            Counter(value["failures"]),
            dict(value["seconds"]),
            value["worker_memory"],
        )
