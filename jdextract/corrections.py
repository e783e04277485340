"""The sheet of an audit: written for review, and its decisions carried into the corpus.

Nothing of the corpus is written anew but what was decided: a file under version control shows these changes alone.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from jdextract.audit import Finding
from jdextract.dutyfile import LINT, find_files, read_bytes, read_lines
from jdextract.errors import DamagedInput, JdextractError, MissingColumn
from jdextract.output import defuse, replacing
from jdextract.taxonomy import Taxonomy

DROP = "drop"  # a decision: the rows leave the corpus
COLUMNS = ("ids", "text", "given_role", "suggested_role", "kind", "score", "rows", "decision")
_READ = ("ids", "given_role", "decision")


@dataclass(frozen=True, slots=True)
class Fixes:
    """What `apply_fixes` did, in rows of the corpus."""

    changed: int
    dropped: int
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Decision:
    where: str  # file and row of the sheet
    given: str
    value: str


def write_sheet(findings: Sequence[Finding], path: Path) -> None:
    """One finding a row, CSV in UTF-8 with a byte order mark; ids, texts and given roles one a line of their cells.

    The column `decision` is empty: a reviewer writes a role id or `drop` into it, for all rows of the finding.
    """
    with replacing(path) as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="", write_through=True)
        sheet = csv.writer(text)
        sheet.writerow(COLUMNS)
        for found in findings:
            cells = (_cell(found.ids), _cell(found.texts), _cell(found.given), found.suggested or "")
            sheet.writerow((*cells, found.kind, found.score, len(found.ids), ""))
        text.detach()


def _cell(values: Sequence[str]) -> str:
    return "\n".join(map(_show, values))


def _show(text: str) -> str:
    """A text as one line that no spreadsheet takes for a formula."""
    return defuse(" ".join(text.split()))


def apply_fixes(folder: Path, sheet: Path, taxonomy: Taxonomy) -> Fixes:
    """Carry the decisions of a reviewed sheet into the `*.jsonl` of `folder/duties`, else of `folder`.

    Of a line only the value of `role` changes, or the whole line goes; all other bytes stay. Only `ids`, `given_role` and
    `decision` of the sheet are read. Raises JdextractError, and writes nothing, for an id that is not there, a decision
    that is neither a role nor `drop`, two decisions about one row, and a row whose role is not the given one any more.
    """
    decisions = _read_decisions(sheet, taxonomy)
    seen: set[str] = set()
    written: dict[Path, bytes] = {}
    for path in find_files(folder):
        data, kept = read_bytes(path), []
        for where, line, row in read_lines(path, data):
            decision = decisions.get(_show(row.id)) if row else None
            if row is None or decision is None:
                kept.append(line)
                continue
            if _show(row.id) in seen:
                raise DamagedInput(f"id {row.id} stands twice", where=where, hint=LINT)
            seen.add(_show(row.id))
            if row.role != decision.given:
                what = f"{row.id} has the role {row.role!r} now, not {decision.given!r}"
                raise JdextractError(what, where=decision.where, hint="audit the corpus again, or clear this decision")
            if decision.value != DROP:
                kept.append(line if decision.value == row.role else _with_role(line, decision.value))
        if (new := b"".join(kept)) != data:
            written[path] = new
    missing = next((id_ for id_ in decisions if id_ not in seen), None)
    if missing is not None:
        raise JdextractError(f"no row {missing} in {folder}", where=decisions[missing].where, hint="check the folder")
    with ExitStack() as stack:  # all files are written before the first one takes its place
        for path, new in written.items():
            stream = stack.enter_context(replacing(path))
            stream.write(new)
            stream.flush()
    return Fixes(
        sum(decision.value not in (DROP, decision.given) for decision in decisions.values()),
        sum(decision.value == DROP for decision in decisions.values()),
        tuple(path.name for path in written),
    )


def _read_decisions(sheet: Path, taxonomy: Taxonomy) -> dict[str, _Decision]:
    """{id as it stands in the sheet: what was decided} of the findings that were decided."""
    decisions: dict[str, _Decision] = {}
    for number, row in enumerate(_read_sheet(sheet), 2):
        value, where = row["decision"].strip(), f"{sheet}:{number}"
        if not value:
            continue
        if value != DROP and value not in taxonomy.role_ids:
            raise JdextractError(
                f"decision {value!r} is neither a role nor {DROP}",
                where=where,
                hint="`jdextract taxonomy show` lists roles",
            )
        ids, given = row["ids"].split("\n"), row["given_role"].split("\n")
        if len(ids) != len(given):
            raise DamagedInput(f"{len(ids)} ids, {len(given)} given roles", where=where, hint="leave these cells alone")
        for id_, role in zip(map(str.strip, ids), map(str.strip, given), strict=True):
            if id_ in decisions:
                raise JdextractError(f"{id_} is decided twice", where=where, hint="decide each row once")
            decisions[id_] = _Decision(where, role, value)
    return decisions


def _read_sheet(sheet: Path) -> list[dict[str, str]]:
    """The columns that decisions need, of every row."""
    try:
        reader = csv.DictReader(io.StringIO(read_bytes(sheet).decode("utf-8-sig"), newline=""))
        rows = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise DamagedInput(f"is not CSV in UTF-8 ({error})", where=str(sheet), hint="save it as CSV UTF-8") from error
    for name in _READ:
        if name not in (reader.fieldnames or ()):
            raise MissingColumn(f"no column {name!r}", where=str(sheet), hint="save it as CSV with commas")
    return [{name: row[name] or "" for name in _READ} for row in rows]


def _with_role(line: bytes, role: str) -> bytes:
    """A line that is a JSON object, with another value of `role` and all other bytes as they are."""
    text, decoder = line.decode("utf-8"), json.JSONDecoder()
    at, span = text.index("{") + 1, (0, 0)
    while text[at := _skip(text, at)] != "}":
        key, at = decoder.raw_decode(text, at)
        start = _skip(text, at)
        _, at = decoder.raw_decode(text, start)
        if key == "role":
            span = (start, at)  # of a key that stands twice the last one counts
    return (text[: span[0]] + json.dumps(role) + text[span[1] :]).encode("utf-8")


def _skip(text: str, at: int) -> int:
    while text[at] in " \t\r\n,:":
        at += 1
    return at
