"""The results of the benchmark of near-duplicate search as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

Told = dict[str, Any]

_HOW = """\
Each system ran in a process of its own on the same texts. Pairs of rows in one cluster are held against pairs of one
original. *Lost*: rows in a cluster that is mostly of another original, which a program that keeps one row of each cluster
would lose. *Hard pairs*: different duties that share most of their characters, in one cluster. *Vanished*: rows that a
program takes out as too short before it compares; they count as clusters of one row. *Prepare*: for jdextract its
normalisation, for the others conversion to Simplified and what their settings say. *Search*: the best of three runs, of one
run from 20 seconds on; loading, imports and dictionaries are not counted. Sentences a second count both. *Peak*: the highest
resident memory of the process up to the end of its first run; in brackets, what interpreter, imports and texts took before.
"""

_HOW_CHOSEN = """\
*Best for Chinese*: the settings of the highest pair F1 over a grid, on {rows:,} texts of seed {choosing_seed}. All of them get
texts converted to Simplified by OpenCC (t2s), so that script is not what they lose by; `letters` and `spaced` also take out
punctuation and lower the case. The settings and all that was tried stand in the JSON file.
"""


def write_tables(result: Told) -> str:
    """The whole file."""
    parts = ["# Near-duplicate search\n"]
    if "comparison" in result:
        parts += _comparison(result["comparison"])
    if "growth" in result:
        parts += _growth(result["growth"])
    return "\n".join(parts)


def _comparison(told: Told) -> list[str]:
    data, rows = told["data"], told["systems"]
    parts = [
        f"{told['rows']:,} texts of seed {told['seed']} ({data['originals']:,} originals, {data['hard_pairs']} hard pairs), "
        f"digest `{data['digest'][:16]}`. {_where(told)}\n",
        _HOW,
    ]
    head = ["System", "Settings", "Precision", "Recall", "F1", "Rand", "Lost", "Hard pairs", "Vanished"]
    head += ["Prepare, s", "Search, s", "Sentences/s", "Peak, MB"]
    parts.append(_table(head, [_row(row, data["hard_pairs"]) for row in rows]))
    changes = data["copies"]
    parts.append(
        "Share of the copies that were found with their original, by what was done to them and nothing else:\n"
    )
    parts.append(
        _table(
            ["System", "Settings", *(f"{change} ({copies:,})" for change, copies in changes.items())],
            [
                [row["system"], row["setting"], *(f"{row['found_by_change'][change]:.1%}" for change in changes)]
                for row in rows
            ],
        )
    )
    if told["chosen"]:
        parts.append(_HOW_CHOSEN.format(**told))
        best = [(name, one["best"], one["tried"]) for name, one in told["chosen"].items() if one["best"]]
        parts.append(
            _table(
                ["System", "Best for Chinese", "Tried", "F1 of the others, from – to"],
                [
                    [name, _settings(settings), str(len(tried)), f"{min(f1):.4f} – {max(f1):.4f}"]
                    for name, settings, tried in best
                    for f1 in [[one["f1"] for one in tried if one["settings"] != settings] or [0.0]]
                ],
            )
        )
    if told["left_out"]:
        parts.append("Left out:\n")
        parts += [f"- {' '.join((one['system'], one['setting'])).strip()}: {one['reason']}" for one in told["left_out"]]
        parts.append("")
    versions = {name: version for row in rows for name, version in row["versions"].items()}
    parts.append("Versions: " + ", ".join(f"{name} {version}" for name, version in sorted(versions.items())) + ".\n")
    return parts


def _row(row: Told, hard_pairs: int) -> list[str]:
    return [
        row["system"],
        row["setting"],
        *(f"{row[name]:.4f}" for name in ("precision", "recall", "f1", "rand")),
        f"{row['rows_lost']:,} ({row['lost']:.2%})",
        f"{round(row['hard_merged'] * hard_pairs)}",
        f"{row['vanished']:,}",
        f"{row['prepare_seconds']:.2f}",
        f"{row['seconds']:.2f}" + ("" if row["runs"] > 1 else " (1 run)"),
        f"{row['sentences_per_second']:,}",
        f"{row['peak_mb']:.0f} ({row['before_mb']:.0f})",
    ]


def _growth(told: Told) -> list[str]:
    head = ["Rows", "F1", "Lost", "Prepare, s", "Search, s", "CPU of the search, s", "Sentences/s", "Peak, MB"]
    rows = [
        [
            f"{row['rows']:,}",
            f"{row['f1']:.4f}",
            f"{row['rows_lost']:,} ({row['lost']:.2%})",
            f"{row['prepare_seconds']:.1f}",
            f"{row['seconds']:.1f}",
            f"{row['cpu_seconds']:.1f}",
            f"{row['sentences_per_second']:,}",
            f"{row['peak_mb']:.0f} ({row['before_mb']:.0f})",
        ]
        for row in told["measured"]
    ]
    ratio = told["ratio"]
    return [
        "## Growth\n",
        f"jdextract alone, seed {told['seed']}. {_where(told)}\n",
        _table(head, rows),
        f"From the first to the last: {ratio['rows']:g} times the rows take {ratio['seconds']:g} times the search "
        f"({ratio['cpu_seconds']:g} times its CPU time), {ratio['prepare_seconds']:g} times the normalisation and "
        f"{ratio['peak_mb']:g} times the memory.\n",
    ]


def _where(told: Told) -> str:
    machine = told["machine"]
    rows = told.get("systems") or told.get("measured") or []
    others = [row["others"] for row in rows]
    quiet = f"{min(others):.0%} – {max(others):.0%} of the cores" if others else "not measured"
    return (
        f"{told['date']}, {machine['cores']} cores ({machine['cpu']}), {machine['system']}, Python {machine['python']}; "
        f"load at the start {' '.join(f'{x:.2f}' for x in told['load'])}; other programs used {quiet} when the measurements began."
    )


def _settings(settings: Told) -> str:
    return ", ".join(f"{name} {'+'.join(map(str, v)) if isinstance(v, list) else v}" for name, v in settings.items())


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)]
    return "\n".join([*lines, ""])
