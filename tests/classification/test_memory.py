from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jdextract.classification.memory import Memory


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abcdefgh"))), st.integers(1, 4))
def test_bounded_and_never_wrong(steps: list[tuple[bool, str]], size: int) -> None:
    """Whatever is kept and asked for: no more than two generations are held, and what comes back is what was kept."""
    memory = Memory[int](size)
    kept: dict[str, int] = {}
    for number, (keeps, text) in enumerate(steps):
        if keeps:
            memory.keep(text, number)
            kept[text] = number
        elif memory.get(text) is not None:
            assert memory.get(text) == kept[text]
        assert len(memory) <= 2 * size


def test_what_is_asked_for_stays() -> None:
    """A text that comes again and again is remembered while hundreds of others pass; one that does not is forgotten."""
    memory = Memory[int](10)
    memory.keep("often", 1)
    memory.keep("once", 2)
    for number in range(300):
        memory.keep(str(number), number)
        assert memory.get("often") == 1
    assert memory.get("once") is None


def test_long_texts_are_not_kept() -> None:
    """Memory is bounded in bytes too: of a text of more than 200 code points nothing is held."""
    memory = Memory[int](10)
    memory.keep("长" * 201, 1)
    memory.keep("短" * 200, 2)
    assert memory.get("长" * 201) is None
    assert memory.get("短" * 200) == 2
