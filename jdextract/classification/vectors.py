"""TF-IDF of many sentences at once with numpy: the same numbers as the trained scikit-learn transformer, many times as fast.

scikit-learn makes a Python string of every n-gram. Here an n-gram is one integer: the numbers of its characters (or words)
as digits of a number to the base of their alphabet, looked up in a hash table. A test holds both ways together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any

from jdextract.classification.features import Cut, split_words
from jdextract.classification.learned import Learned, Vectorizer
from jdextract.classification.lookup import Lookup

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_UNICODE = 0x110000
_LARGEST = 2**62  # keys of n-grams must stay under it
_MOST_ITEMS = 61  # of an n-gram: more never fit
_END = "\n"  # closes each sentence: folded text holds none, and no n-gram does


@dataclass(frozen=True, slots=True)
class _Grams:
    """The vocabulary of one vectoriser. Items (characters or words) have numbers from 1; 0 is unknown or a boundary."""

    shortest: int
    longest: int
    base: int
    columns: Lookup  # of the keys; those of different lengths can't collide, as no item has the number 0
    idf: NDArray[np.float32]  # of each column

    @classmethod
    def make(cls, vectorizer: Vectorizer, items: NDArray[np.int64], sizes: NDArray[np.int64]) -> _Grams | None:
        """None when its keys would not fit into 62 bits. Raises ValueError for n-grams that no vectoriser makes.

        `items`: numbers of the items of all n-grams, one after the other; `sizes`: how many of them each n-gram has.
        """
        import numpy as np

        shortest, longest = vectorizer.lengths
        base = int(items.max()) + 1
        if longest > _MOST_ITEMS or base**longest > _LARGEST:
            return None
        if sizes.min() < max(shortest, 1) or sizes.max() > longest:
            raise ValueError(f"holds an n-gram that is not of {shortest} to {longest} items")
        starts = np.cumsum(sizes) - sizes
        keys = np.zeros(len(sizes), dtype=np.int64)
        for place in range(longest):
            longer = np.flatnonzero(sizes > place)
            keys[longer] = keys[longer] * base + items[starts[longer] + place]
        if len(np.unique(keys)) < len(keys):
            raise ValueError("holds an n-gram twice")
        return cls(shortest, longest, base, Lookup.make(keys), vectorizer.idf)

    def find(self, items: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Numbers of the items of all sentences, with a 0 behind each -> n-grams found: place of the last item, column."""
        import numpy as np

        found_ends, found_keys = [], []
        ends = np.flatnonzero(items)  # where an n-gram without a 0 ends
        keys = items[ends]
        for size in range(1, self.longest + 1):
            if size > 1:
                # An n-gram is the shorter one that ends an item before, and one item more.
                longer = np.flatnonzero(np.diff(ends) == 1) + 1
                keys = keys[longer - 1] * self.base + items[ends[longer]]
                ends = ends[longer]
            if size >= self.shortest:
                found_ends.append(ends)
                found_keys.append(keys)
        known, columns = self.columns.find(np.concatenate(found_keys))
        return np.concatenate(found_ends)[known], columns


class FastFeatures:
    """The transformer of a trained pipeline, over whole batches. `None` from `make` means: use the pipeline itself.

    What a sentence gets does not depend, to the last bit, on the others of its batch.
    """

    def __init__(
        self, words: _Grams, characters: _Grams, word_numbers: dict[str, int], letters: NDArray[np.int64], cut: Cut
    ) -> None:
        import numpy as np

        self._words, self._characters, self._letters, self._cut = words, characters, letters, cut
        self._numbers = {**word_numbers, _END: -1}
        self._idf = np.concatenate([words.idf, characters.idf])

    @classmethod
    def make(cls, learned: Learned, cut: Cut) -> FastFeatures | None:
        """None for vectorisers that this way can't compute exactly. Raises ValueError for n-grams that none makes."""
        import numpy as np

        words, characters = learned.words, learned.characters
        if not (words.plain and characters.plain):
            return None
        items = " ".join(words.grams).split(" ")
        numbers = {word: i for i, word in enumerate(sorted(set(items)), 1)}
        word_items = np.fromiter(map(numbers.__getitem__, items), dtype=np.int64, count=len(items))
        word_sizes = np.array([gram.count(" ") + 1 for gram in words.grams])
        codes = np.frombuffer("".join(characters.grams).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        letters = np.unique(codes)
        table = np.zeros(_UNICODE, dtype=np.int64)
        table[letters] = np.arange(1, len(letters) + 1)
        made = (
            _Grams.make(words, word_items, word_sizes),
            _Grams.make(characters, table[codes], np.array(list(map(len, characters.grams)))),
        )
        return cls(made[0], made[1], numbers, table, cut) if made[0] and made[1] else None

    def transform(self, folded: Sequence[str]) -> Any:
        """Folded sentences -> sparse (sentences, features), float32, columns as in the pipeline."""
        import numpy as np
        from scipy.sparse import csr_matrix

        sentences = [split_words(text, self._cut) for text in folded]
        words = [word for sentence in sentences for word in (*sentence, _END)]
        joined = "".join([" ".join(sentence) + _END for sentence in sentences])
        numbers = np.fromiter(map(self._numbers.get, words, repeat(0)), dtype=np.int64, count=len(words))
        codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)

        first = len(self._words.idf)  # column of the first character n-gram
        bits = max(len(self._idf) - 1, 1).bit_length()
        word_ends, word_columns = self._words.find(numbers.clip(min=0))
        letter_ends, letter_columns = self._characters.find(self._letters[codes])
        rows = np.concatenate([np.cumsum(numbers < 0)[word_ends], np.cumsum(codes == ord(_END))[letter_ends]])
        # Row and column of every n-gram found in one integer: sorted, equal ones stand side by side and can be counted.
        cells = np.sort((rows << bits) | np.concatenate([word_columns, letter_columns + first]))

        starts = np.flatnonzero(np.diff(cells, prepend=-1))
        rows, columns = cells[starts] >> bits, cells[starts] & ((1 << bits) - 1)
        counts = np.diff(starts, append=len(cells)).astype(np.float32)
        data = (1 + np.log(counts)) * self._idf[columns]
        halves = 2 * rows + (columns >= first)  # words and characters have a length of 1 each
        norms = np.sqrt(np.bincount(halves, data.astype(np.float64) ** 2, minlength=2 * len(folded)))
        data /= norms[halves].astype(np.float32)
        ends = np.concatenate(([0], np.cumsum(np.bincount(rows, minlength=len(folded)))))
        return csr_matrix((data, columns, ends), shape=(len(folded), len(self._idf)))
