"""TF-IDF of many sentences at once with numpy: the same numbers as the trained scikit-learn transformer, several times as fast.

scikit-learn makes a Python string of every n-gram. Here an n-gram is one integer: the numbers of its characters (or words)
as digits of a number to the base of their alphabet, looked up in a sorted array. A test holds both ways together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jdextract.classification.features import Cut, find_vectorizers, join_words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_UNICODE = 0x110000
_LARGEST = 2**62  # keys of n-grams must stay under it


@dataclass(frozen=True, slots=True)
class _Grams:
    """The vocabulary of one vectoriser. Items (characters or words) have numbers from 1; 0 is unknown or a boundary."""

    shortest: int
    longest: int
    base: int
    keys: NDArray[np.int64]  # sorted; keys of different lengths can't collide, as no item has the number 0
    columns: NDArray[np.int64]  # of the key at the same place
    idf: NDArray[np.float32]

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
        order = np.argsort(keys)
        return cls(shortest, longest, base, keys[order], order, vectorizer.idf_.astype(np.float32))

    def weigh(self, items: NDArray[np.int64], rows: NDArray[np.int64], count: int) -> Any:
        """Numbers of the items of all sentences, each followed by a 0, and their sentences -> sparse rows of length 1."""
        import numpy as np
        from scipy.sparse import csr_matrix

        found_rows, found_columns = [], []
        keys = np.zeros_like(items)
        whole = np.ones(len(items), dtype=bool)
        for size in range(1, self.longest + 1):
            # keys[i] is the n-gram of this size that ends at i; it is whole while no item in it is 0
            keys = np.concatenate(([0], keys[:-1])) * self.base + items
            whole = (items > 0) & (np.concatenate(([size == 1], whole[:-1])) if size > 1 else True)
            if size < self.shortest:
                continue
            ends = np.flatnonzero(whole)
            at = np.searchsorted(self.keys, keys[ends])
            at[at == len(self.keys)] = 0
            hit = self.keys[at] == keys[ends]
            found_rows.append(rows[ends[hit]])
            found_columns.append(self.columns[at[hit]])
        row, column = np.concatenate(found_rows), np.concatenate(found_columns)
        matrix = csr_matrix((np.ones(len(row), dtype=np.float32), (row, column)), shape=(count, len(self.keys)))
        matrix.sum_duplicates()
        matrix.data = (1 + np.log(matrix.data)) * self.idf[matrix.indices]
        starts = matrix.indptr[:-1]
        squares = np.concatenate(([0.0], np.cumsum(matrix.data.astype(np.float64) ** 2)))
        norms = np.sqrt(squares[matrix.indptr[1:]] - squares[starts])
        norms[norms == 0] = 1
        matrix.data /= np.repeat(norms, np.diff(matrix.indptr)).astype(np.float32)
        return matrix


class FastFeatures:
    """The transformer of a trained pipeline, over whole batches. `None` from `make` means: use the pipeline."""

    def __init__(
        self, words: _Grams, characters: _Grams, word_numbers: dict[str, int], letters: NDArray[np.int64], cut: Cut
    ) -> None:
        self._words, self._characters, self._numbers, self._letters, self._cut = (
            words,
            characters,
            word_numbers,
            letters,
            cut,
        )

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
        from scipy.sparse import hstack

        count = len(folded)
        number = self._numbers.get
        spaced = [join_words(text, self._cut) for text in folded]
        cuts = [[number(word, 0) for word in text.split(" ")] for text in spaced]
        sizes = np.fromiter((len(cut) + 1 for cut in cuts), dtype=np.int64, count=count)
        items = np.fromiter((n for cut in cuts for n in (*cut, 0)), dtype=np.int64, count=int(sizes.sum()))
        words = self._words.weigh(items, np.repeat(np.arange(count), sizes), count)

        # A newline closes each sentence: folded text holds none, and no n-gram does.
        joined = "\n".join(spaced) + "\n"
        codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        lengths = np.fromiter((len(text) + 1 for text in spaced), dtype=np.int64, count=count)
        letters = self._characters.weigh(self._letters[codes], np.repeat(np.arange(count), lengths), count)
        return hstack([words, letters], format="csr", dtype=np.float32)
