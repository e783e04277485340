"""What a number of postings would cost, from the rates of `tests.benchmarks.speed`. A calculation, not a measurement."""

from __future__ import annotations

from typing import Any

Told = dict[str, Any]
_GIGABYTE = 1e9
_DAY = 24.0


def estimate(result: Told, documents: int, cores: int = 64) -> Told:
    """Core hours, hours, memory and storage for `documents` postings on `cores` cores.

    Rates and sizes are those of the real postings where they were measured, else those of the longest run on generated ones.
    `hours_apart` is one command a core, each on its part of the postings. `hours_together` is one command with a worker a
    core, where the share of the work that only one process does, as two workers show it, sets the bound; None without that
    measurement. Keys whose figures are missing are None. Raises KeyError if nothing was measured.
    """
    source, cpu, size_in, size_out = _basis(result)
    core_hours = documents * cpu / 3600
    workers = result.get("workers", {}).get("systems", {})
    one, two = workers.get("1 worker"), workers.get("2 workers")
    serial = hours = None
    if one and two:
        speedup = one["seconds"]["work"] / two["seconds"]["work"]
        serial = min(1.0, max(0.0, 2 / speedup - 1))  # Amdahl: 2 / (1 + serial)
        hours = core_hours / (cores / (1 + (cores - 1) * serial))
    memory = _memory(result, documents, cores)
    return {
        "documents": documents,
        "cores": cores,
        "measured_on": source,
        "core_hours": round(core_hours, 1),
        "hours_apart": round(core_hours / cores, 2),
        "hours_together": None if hours is None else round(hours, 2),
        "serial_share": None if serial is None else round(serial, 4),
        **memory,
        "storage_in_gb": round(documents * size_in / _GIGABYTE, 1),
        "storage_out_gb": round(documents * size_out / _GIGABYTE, 1),
    }


def _basis(result: Told) -> tuple[str, float, float, float]:
    """Where the figures are from; CPU seconds, bytes in and bytes out of a document."""
    compared = result.get("comparison", {})
    subject = compared.get("systems", {}).get("jdextract")
    if subject:
        count = compared["data"]["documents"]
        cpu = 1 / subject["cpu_seconds"]["documents_per_second"]
        return compared["data"]["kind"], cpu, subject["bytes_in_per_document"], subject["bytes_out"] / count
    longest = result["growth"]["measured"][-1]
    count = longest["documents"]
    cpu = longest["cpu_seconds"] / count
    return "generated postings", cpu, longest["bytes_in"] / count, longest["bytes_out"] / count


def _memory(result: Told, documents: int, cores: int) -> Told:
    """Memory of one command on one core, and of one with a worker a core, both with what grows with the postings."""
    systems = result.get("workers", {}).get("systems", {})
    one = systems.get("1 worker") or result.get("comparison", {}).get("systems", {}).get("jdextract")
    runs = result.get("growth", {}).get("measured", [])
    growing = 0.0
    if len(runs) > 1:
        before, last = runs[-2], runs[-1]
        growing = max(0.0, (last["peak_mb"] - before["peak_mb"]) / (last["documents"] - before["documents"]))
    if not one:
        return {"memory_gb_apart": None, "memory_gb_together": None}
    apart = cores * one["peak_mb"] + documents * growing
    together = None
    if "2 workers" in systems:
        # The second worker is what every further one takes.
        worker = max(0.0, systems["2 workers"]["peak_mb"] - one["peak_mb"])
        together = one["peak_mb"] + (cores - 1) * worker + documents * growing
    return {
        "memory_gb_apart": round(apart / 1024, 1),
        "memory_gb_together": None if together is None else round(together / 1024, 1),
        "memory_bytes_per_document": round(growing * 1024 * 1024, 1),
    }


def write_paper(result: Told, counts: tuple[int, ...] = (1_000_000, 10_000_000, 100_000_000)) -> str:
    """The scaling table as Markdown, with what it rests on."""
    try:
        rows = [estimate(result, count) for count in counts]
    except (KeyError, IndexError):
        return "Nothing was measured that a scale could be calculated from.\n"
    last = rows[-1]
    head = ["Postings", "Core hours", f"Hours on {last['cores']} cores, one command a core", "one command"]
    head += ["Memory, GB, one command a core", "one command", "Storage in, GB", "Storage out, GB"]
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join(["---"] * len(head)) + " |"]
    for row in rows:
        cells = [f"{row['documents']:,}", f"{row['core_hours']:,.1f}", _number(row["hours_apart"])]
        cells += [_number(row[name]) for name in ("hours_together", "memory_gb_apart", "memory_gb_together")]
        cells += [f"{row['storage_in_gb']:,.1f}", f"{row['storage_out_gb']:,.1f}"]
        lines.append("| " + " | ".join(cells) + " |")
    days = last["core_hours"] / _DAY
    said = [
        f"{last['documents']:,} postings take {last['core_hours']:,.0f} core hours ({days:,.1f} days of one core), "
        f"{_number(last['hours_apart'])} hours on {last['cores']} cores that each run their own command.",
    ]
    if last["serial_share"] is not None:
        said.append(
            f"With one command the part that one process does for all ({last['serial_share']:.1%} of the work, from the time of two "
            f"workers against one) bounds it to {_number(last['hours_together'])} hours."
        )
    if "memory_bytes_per_document" in last:
        said.append(
            f"Memory grows by {last['memory_bytes_per_document']:,.1f} bytes a posting, as far as it was measured."
        )
    said.append(
        f"Calculated from the CPU time and the sizes of {last['measured_on']}, texts uncompressed; cores as fast as the one measured. "
        "Repeats are marked within one command only."
    )
    return "\n".join([*lines, "", " ".join(said), ""])


def _number(value: float | None) -> str:
    return "not measured" if value is None else f"{value:,.1f}" if value >= 1 else f"{value:.2g}"
