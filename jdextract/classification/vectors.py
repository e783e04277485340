"""TF-IDF of many sentences at once with numpy: the same numbers as the trained scikit-learn transformer, many times as fast.

scikit-learn makes a Python string of every n-gram. Here an n-gram is one integer: the numbers of its characters (or words)
as digits of a number to the base of their alphabet, looked up in a hash table. A test holds both ways together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any

from jdextract.classification.features import Cut, find_vectorizers, split_words
from jdextract.classification.lookup import Lookup

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_UNICODE = 0x110000
_LARGEST = 2**62  # keys of n-grams must stay under it
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
    def read(cls, vectorizer: Any, grams: Iterable[Sequence[str]], numbers: dict[str, int]) -> _Grams | None:
        """None when its keys would not fit into 62 bits."""
        import numpy as np

        shortest, longest = vectorizer.ngram_range
        base = len(numbers) + 1
        if base**longest > _LARGEST:
            return None
        keys = np.zeros(len(vectorizer.vocabulary_), dtype=np.int64)
        for column, gram in enumerate(grams):
            key = 0
            for item in gram:
                key = key * base + numbers[item]
            keys[column] = key
        return cls(shortest, longest, base, Lookup.make(keys), vectorizer.idf_.astype(np.float32))

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
    """The transformer of a trained pipeline, over whole batches. `None` from `make` means: use the pipeline.

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
    def make(cls, pipeline: Any, cut: Cut) -> FastFeatures | None:
        """Read the vocabularies of a trained pipeline. None for one that this way can't compute exactly."""
        import numpy as np

        words, characters = find_vectorizers(pipeline)
        if not all(
            v.sublinear_tf and v.use_idf and v.smooth_idf and v.norm == "l2" and not v.binary
            for v in (words, characters)
        ):
            return None
        word_grams = [gram.split(" ") for gram in sorted(words.vocabulary_, key=words.vocabulary_.__getitem__)]
        letter_grams = sorted(characters.vocabulary_, key=characters.vocabulary_.__getitem__)
        numbers = {word: i for i, word in enumerate(sorted({w for gram in word_grams for w in gram}), 1)}
        letters = {letter: i for i, letter in enumerate(sorted(set("".join(letter_grams))), 1)}
        table = np.zeros(_UNICODE, dtype=np.int64)
        for letter, number in letters.items():
            table[ord(letter)] = number
        read = _Grams.read(words, word_grams, numbers), _Grams.read(characters, letter_grams, letters)
        return cls(read[0], read[1], numbers, table, cut) if read[0] and read[1] else None

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
