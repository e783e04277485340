"""Whether a run may begin: its targets, and the journal of an earlier run into the same output."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jdextract.batch.finishing import Targets, check_target
from jdextract.batch.identity import find_differences
from jdextract.batch.journal import Journal
from jdextract.batch.options import Options
from jdextract.errors import ConfigError, RunError
from jdextract.output import FORMATS


def folder_of(target: Path) -> Path:
    """The folder of a run, beside its output."""
    target = target.resolve()
    return target.with_name(f".{target.name}.run")


def check_targets(inputs: Sequence[str], targets: Targets) -> str:
    """Suffix of the records. Raises ConfigError for a target that is an input, written twice, a folder, of no known kind."""
    taken = {Path(name).resolve() for name in inputs if name != "-"}
    for path in targets.files.values():
        check_target(path)
        if path.resolve() in taken:
            raise ConfigError("is an input or is written twice", where=str(path), hint="give another output path")
        taken.add(path.resolve())
    if targets.records is None:
        return ".jsonl"
    suffix = targets.records.suffix.lower()
    if suffix not in FORMATS:
        raise ConfigError(
            f"no writer for {suffix or 'a name without suffix'}",
            where=str(targets.records),
            hint="end it in " + ", ".join(FORMATS),
        )
    return suffix


def open_journal(folder: Path, identity: dict[str, Any], options: Options, where: str) -> Journal:
    """The journal of a new run or of the one to go on with. Raises RunError when it is not clear which."""
    if folder.exists() and options.restart:
        shutil.rmtree(folder)
    folder.mkdir(exist_ok=True)
    journal = Journal(folder)
    try:
        state, before = journal.state, journal.identity
        if before is None or not (state.chunks or state.moving):
            journal.begin(identity)
            return journal
        if not options.resume:
            raise RunError(
                f"an earlier run was interrupted after {state.tally.documents + state.tally.failed} documents",
                where=where,
                hint="go on with `--resume`, or begin anew with `--restart`",
            )
        differences = find_differences({k: v for k, v in before.items() if k != "format"}, identity)
        if differences:
            raise RunError(
                "the interrupted run had other " + "; ".join(differences),
                where=where,
                hint="give what it had, or begin anew with `--restart`",
            )
    except BaseException:
        journal.close()
        raise
    return journal
