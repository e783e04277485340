"""Exact repeats within a run."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from jdextract.deduplication.exact import FirstSeen, wording_key
from jdextract.records import DocumentRef, Duty, Role, RoleRecord

ROLE = Role(id="other", family="other", score=0.5, status="assigned")


def record(number: int, duties: list[str]) -> RoleRecord:
    return RoleRecord(
        record_id=f"r{number}",
        document=DocumentRef(id="d", source="s", script="hans"),
        title=None,
        role=ROLE,
        headcount=None,
        duties=tuple(
            Duty(text=d, normalized=d, span=(i, i + len(d)), heading=None, role=ROLE) for i, d in enumerate(duties)
        ),
        requirements=(),
        compensation=(),
    )


@settings(deadline=None)  # the rules are loaded on the way
@given(
    st.lists(st.lists(st.sampled_from(["采购", "采 购", "采购;", "销售", "盘点库存", "PK"]), max_size=4), max_size=6)
)
def test_each_wording_has_one_first_occurrence(run: list[list[str]]) -> None:
    """Of all duties with one wording exactly the first has no `duplicate_of`, the others name it."""
    first: dict[bytes, str] = {}
    with FirstSeen() as seen:
        for number, duties in enumerate(run):
            for index, duty in enumerate(seen.mark(record(number, duties)).duties):
                key = wording_key(duty.normalized)
                assert duty.duplicate_of == first.get(key)
                first.setdefault(key, f"r{number}#{index}")


def test_punctuation_and_space_do_not_make_a_new_wording() -> None:
    """Wording is compared without white space, punctuation and case."""
    assert wording_key("负责 SEO、关键词优化;") == wording_key("负责seo关键词优化")
    assert wording_key("负责采购") != wording_key("负责采购系统")
