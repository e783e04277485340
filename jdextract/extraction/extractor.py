"""One document through all steps of extraction."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from jdextract.config import ExtractionConfig, TokensConfig
from jdextract.extraction.positions import assemble
from jdextract.extraction.script import detect, fold, normalize
from jdextract.locations import find_data
from jdextract.records import Draft, Dropped, Region, SourceText

if TYPE_CHECKING:
    from jdextract.extraction.zoning import Zoned, ZoningModel


class Extractor:
    """Finds positions, duties and requirements in decoded text. Holds the models, no state between documents."""

    def __init__(
        self, config: ExtractionConfig | None = None, tokens: TokensConfig | None = None, model: Path | None = None
    ) -> None:
        self._config = config or ExtractionConfig()
        self._tokens = tokens or TokensConfig()
        self._model_folder = model

    @cached_property
    def _segmenter(self):  # type: ignore[no-untyped-def]
        from jdextract.extraction.tokens import segmenter

        return segmenter(self._tokens)

    def load(self) -> None:
        """Load what the first document would load. Raises ConfigError and ModelError."""
        _ = self._segmenter, self._model

    def cut(self, text: str) -> list[str]:
        """Words of Simplified text; joined they give the text again."""
        words: list[str] = self._segmenter.cut(text)
        return words

    @cached_property
    def _model(self) -> ZoningModel:
        from jdextract.extraction.zoning import ZoningModel

        return ZoningModel.load(self._model_folder or find_data("models/zoning"), self.cut)

    def normalize(self, text: str, region: Region | None = None) -> str:
        """Simplified, one width, certain damage repaired."""
        return normalize(text, region or self._region(text))

    def _region(self, text: str) -> Region:
        return detect(text)[1] if self._config.region == "auto" else self._config.region

    def extract(self, source: SourceText) -> Draft:
        """All positions of one document and the zone of every visible stretch of it."""
        return self.extract_many([source])[0]

    def extract_many(self, sources: Sequence[SourceText]) -> list[Draft]:
        """`extract` of each document: the same as one by one, many times as fast."""
        folded = [fold(source.text) for source in sources]
        zoned = self._model.zone_many(folded)
        return [self._assemble(*parts) for parts in zip(sources, folded, zoned, strict=True)]

    def _assemble(self, source: SourceText, folded: str, zoned: Sequence[Zoned]) -> Draft:
        script, region = detect(source.text)
        if self._config.region != "auto":
            region = self._config.region
        records, segments = assemble(
            source.text, folded, zoned, lambda text: normalize(text, region), f"zoning:{self._model.version}"
        )
        dropped = tuple(
            Dropped(source.source, "extraction", segment.zone, segment.span)
            for segment in segments
            if segment.zone in ("boilerplate", "noise")
        )
        return Draft(source, script, region, segments, records, dropped)
