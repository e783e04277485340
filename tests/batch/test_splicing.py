"""Records whose bytes are made before their repeats are known."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jdextract.batch.splicing import CSV_HEAD, Form, cut_records, fill
from jdextract.deduplication.exact import FirstSeen, list_keys, list_places, mark_repeats
from jdextract.output import CsvWriter, JsonLinesWriter
from jdextract.records import DocumentRef, Duty, Role, RoleRecord, TextSpan, Title, TitleDetail

# Text that tries to look like the place of a mark, or like the syntax around it.
TRICKS = [
    '"duplicate_of":null',
    '\\"duplicate_of":null',
    "\0",
    "\r\n",
    '"',
    ",",
    "=1",
    "、",
    "null",
    "\\",
    "😀",
    "\u2028",
]
texts = st.lists(st.one_of(st.sampled_from(TRICKS), st.text(st.characters(codec="utf-8"), max_size=4)), max_size=4).map(
    "".join
)
roles = st.builds(
    Role,
    id=texts,
    family=texts,
    score=st.floats(0, 1),
    status=st.sampled_from(["assigned", "abstained"]),
    decided_by=texts,
)
duties = st.builds(
    Duty,
    text=texts,
    normalized=texts,
    span=st.just((0, 1)),
    heading=st.none() | texts,
    role=roles,
    canonical_duty=st.none() | texts,
)
spans = st.builds(TextSpan, text=texts, normalized=texts, span=st.just((2, 3)))
titles = st.builds(
    Title,
    text=texts,
    normalized=texts,
    span=st.just((0, 2)),
    name=texts,
    details=st.lists(st.builds(TitleDetail, kind=st.just("place"), text=texts), max_size=1).map(tuple),
)
records = st.builds(
    RoleRecord,
    record_id=st.from_regex(r"[0-9a-f]{16}-[0-9a-f]{8}", fullmatch=True),
    document=st.builds(DocumentRef, id=st.just("d"), source=texts, script=st.just("hans")),
    title=st.none() | titles,
    role=roles,
    headcount=st.none() | st.integers(0, 9),
    duties=st.lists(duties, max_size=4).map(tuple),
    requirements=st.lists(spans, max_size=2).map(tuple),
    compensation=st.just(()),
)


def splice(found: Sequence[RoleRecord], form: Form, seen: FirstSeen) -> bytes:
    marks = seen.find(list_keys(found), list_places(found))
    return fill(cut_records(found, form), marks, form)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(records, max_size=3), max_size=3))
def test_spliced_lines_are_the_lines_of_the_marked_records(documents: list[list[RoleRecord]]) -> None:
    """Whatever stands in the texts, the bytes equal those of the record that was marked and then written, JSON and CSV."""
    lines, rows = io.BytesIO(), io.BytesIO()
    json_writer, csv_writer = JsonLinesWriter(lines), CsvWriter(rows)
    with FirstSeen() as seen, FirstSeen() as for_json, FirstSeen() as for_csv:
        for record in (record for document in documents for record in document):
            marked = seen.mark(record)
            json_writer.write(marked)
            csv_writer.write(marked)
        assert b"".join(splice(document, "json", for_json) for document in documents) == lines.getvalue()
        assert CSV_HEAD + b"".join(splice(document, "csv", for_csv) for document in documents) == rows.getvalue()
    csv_writer.detach()


@settings(deadline=None, max_examples=20)
@given(st.lists(records, min_size=1, max_size=3))
def test_a_record_that_was_marked_before_is_refused(found: list[RoleRecord]) -> None:
    """A mark can't be lost or written twice without notice."""
    if not any(record.duties for record in found):
        return
    marked = mark_repeats(found, [b"x#0"] * sum(len(record.duties) for record in found))
    with pytest.raises(ValueError, match="marked before"):
        cut_records(marked, "json")
