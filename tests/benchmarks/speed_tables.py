"""The results of the speed benchmark as Markdown, and whether they reach what was aimed at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tests.benchmarks.scaling import write_paper

Told = dict[str, Any]

_HOW = """\
Every system is a command in a process of its own on one core, with one thread a library, on the same postings, from reading
the rows to the written file; the best of {repetitions} runs in turn. *Rate*: documents a second of CPU time beyond what the
same command takes for the first posting alone, which is *start-up* (interpreter, imports, dictionaries, models). *With start-up*:
all documents by all CPU time. *Clock*: the rate by the clock, which other programs on the machine disturb. jdextract finds positions,
duties, requirements and pay with offsets, roles and repeats; the plain composition gives each sentence a role; the floor only
converts and cuts words.
"""


def targets(result: Told) -> list[Told]:
    """What was aimed at, what was measured; `met` is None where it was not measured."""
    compared = result.get("comparison", {}).get("ratios", {})
    workers = result.get("workers", {}).get("speedup")
    long = [one for one in result.get("growth", {}).get("measured", ()) if one["documents"] >= 1_000_000]
    peak = long[-1]["peak_mb"] if long else None
    ends = long[-1]["rate"]["cpu_seconds"] if long else None
    rows = [
        ("rate against the plain composition, times", 8.0, _cpu(compared.get("plain")), True),
        ("share of the floor's rate", 0.25, _cpu(compared.get("floor")), True),
        ("two workers against one, times", 1.8, workers, True),
        ("peak memory on 1,000,000 postings, MB", 2048.0, peak, False),
        ("rate of the last tenth against the first on 1,000,000 postings", 0.9, ends and ends["ratio"], True),
    ]
    return [
        {
            "what": what,
            "wanted": wanted,
            "measured": value,
            "met": None if value is None else (value >= wanted) == at_least,
        }
        for what, wanted, value, at_least in rows
    ]


def _cpu(ratio: Told | None) -> float | None:
    return ratio["cpu_seconds"] if ratio else None


def write_tables(result: Told) -> str:
    """The whole file."""
    parts = ["# Speed\n", _targets(result)]
    if "comparison" in result:
        parts += _comparison(result["comparison"])
    if "workers" in result:
        parts += _workers(result["workers"])
    if "growth" in result:
        parts += _growth(result["growth"])
    if "repetition" in result:
        parts += _repetition(result["repetition"])
    if "profile" in result:
        parts += _profile(result["profile"])
    parts += ["## What many postings would take\n", write_paper(result)]
    return "\n".join(parts)


def _targets(result: Told) -> str:
    rows = [
        [
            one["what"],
            f"{one['wanted']:g}",
            "not measured" if one["measured"] is None else f"{one['measured']:g}",
            {True: "yes", False: "no", None: ""}[one["met"]],
        ]
        for one in targets(result)
    ]
    return table(["Aim", "Bound", "Measured", "Reached"], rows)


def _comparison(told: Told) -> list[str]:
    data, systems = told["data"], told["systems"]
    repetitions = max((one["repetitions"] for one in systems.values()), default=0)
    head = [
        "System",
        "Rate, documents/s",
        "characters/s",
        "with start-up",
        "clock",
        "Start-up, s",
        "Peak, MB",
        "Lines out",
    ]
    rows = [
        [
            name,
            f"{one['cpu_seconds']['documents_per_second']:,.1f}",
            f"{one['cpu_seconds']['characters_per_second']:,}",
            f"{one['cpu_seconds']['documents_per_second_with_start']:,.1f}",
            f"{one['seconds']['documents_per_second']:,.1f}",
            f"{one['cpu_seconds']['start']:.2f}",
            f"{one['peak_mb']:.0f}",
            f"{one['lines']:,}",
        ]
        for name, one in systems.items()
    ]
    ratios = [
        [
            name,
            f"{one['cpu_seconds']:.3g} ({' · '.join(f'{each:.3g}' for each in one['cpu_seconds_each'])})",
            f"{one['cpu_seconds_with_start']:.3g}",
            f"{one['seconds']:.3g}",
        ]
        for name, one in told["ratios"].items()
    ]
    return [
        "## On one core\n",
        f"{data['documents']:,} {data['kind']} ({data['characters']:,} characters), digest `{data['digest'][:16]}`. {where(told)}\n",
        _HOW.format(repetitions=repetitions),
        table(head, rows),
        "jdextract against the others (in brackets each repetition by itself):\n",
        table(["Rate of jdextract against", "Times", "with start-up", "clock"], ratios),
        *_left_out(told),
        "Versions: " + ", ".join(f"{name} {version}" for name, version in sorted(told["versions"].items())) + ".\n",
    ]


def _workers(told: Told) -> list[str]:
    head = ["Workers", "Documents/s, clock", "with start-up", "CPU with start-up, s", "Peak of all processes, MB"]
    rows = [
        [
            name,
            f"{one['seconds']['documents_per_second']:,.1f}",
            f"{one['seconds']['documents_per_second_with_start']:,.1f}",
            f"{one['cpu_of_tree']:.2f}",
            f"{one['peak_mb']:.0f}",
        ]
        for name, one in told["systems"].items()
    ]
    said = f"Two workers are {told['speedup']:.2f} times as fast as one.\n" if told.get("speedup") else ""
    return ["## Workers\n", f"On two cores, {where(told)}\n", table(head, rows), said, *_left_out(told)]


def _growth(told: Told) -> list[str]:
    head = [
        "Postings",
        "Seconds",
        "CPU, s",
        "Documents/s",
        "a CPU second",
        "Peak, MB",
        "Last tenth / first",
        "MB in",
        "MB out",
    ]
    rows = [
        [
            f"{one['documents']:,}",
            f"{one['seconds']:,.1f}",
            f"{one['cpu_seconds']:,.1f}",
            f"{one['documents_per_second']:,.1f}",
            f"{one['documents_per_cpu_second']:,.1f}",
            f"{one['peak_mb']:,.0f}",
            " · ".join(f"{ends['ratio']:.2f}" if ends else "too short" for ends in one["rate"].values()),
            f"{one['bytes_in'] / 1e6:,.1f}",
            f"{one['bytes_out'] / 1e6:,.1f}",
        ]
        for one in told["measured"]
    ]
    memory = told["measured"][-1]["memory"] if told["measured"] else "none"
    return [
        "## Growth\n",
        f"Generated postings of seed {told['seed']}, {told['workers']} workers, start-up included. {where(told)} Peak: {memory}. "
        "Last tenth against the first: by the clock · by CPU time.\n",
        table(head, rows),
        *_left_out(told),
    ]


def _repetition(told: Told) -> list[str]:
    names = ("reposts", "sentences_repeated", "beside_reposts", "pairs_repeated", "half_shared")
    head = ["", "Postings", "Reposts", "Sentences repeated", "beside reposts", "Pairs repeated", "Half shared"]
    head += ["Sentences each", "Characters each"]
    rows = [
        [
            kind,
            f"{one['postings']:,}",
            *(f"{one[name]:.1%}" for name in names),
            f"{one['sentences_per_posting']:g}",
            f"{one['characters_per_posting']:g}",
        ]
        for kind, one in told["measured"].items()
    ]
    return [
        "## How much is repeated\n",
        "Shares measured in the same way on scraped and on generated postings, in the order of the crawl. Texts are equal if "
        "their letters are; a sentence has eight letters or more. *Half shared*: postings of whose sentences half or more "
        "stand in another one.\n",
        table(head, rows),
    ]


def _profile(told: Told) -> list[str]:
    rows = [
        [
            f"`{module}`",
            f"{one['share']:.1%}",
            f"{one['seconds']:.2f}",
            ", ".join(f"`{top['function']}` {top['seconds']:.2f}" for top in one["top"][:3]),
        ]
        for module, one in list(told["modules"].items())[:15]
    ]
    stages = ", ".join(f"{name} {one['share']:.1%}" for name, one in told["stages"].items() if one["share"] >= 0.005)
    return [
        "## Where the time goes\n",
        f"cProfile over {told['documents']:,} postings, {told['seconds']:.1f} s under the profiler. By stage: {stages}. Time of other "
        "packages counts for the module that called them; functions are with all they call.\n",
        table(["Module", "Share", "Seconds", "Functions"], rows),
    ]


def _left_out(told: Told) -> list[str]:
    lines = [f"- {name}: {reason}" for name, reason in told.get("left_out", {}).items()]
    return ["Left out:\n", *lines, ""] if lines else []


def where(told: Told) -> str:
    """Date and machine as a sentence."""
    machine = told["machine"]
    memory = f", {machine['memory_gb']} GB" if machine["memory_gb"] else ""
    return (
        f"{told['date']}, {machine['cores']} cores ({machine['cpu']}){memory}, {machine['system']}, Python {machine['python']}; "
        f"other programs used {told['others']:.0%} of the cores before it began."
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)]
    return "\n".join([*lines, ""])
