"""All settings: one frozen section per stage, one TOML file, a digest.

Example of a file for `--config`:

    [reading]
    encoding = "gb18030"
    [tokens]
    engine = "jieba"
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jdextract.errors import ConfigError


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ReadingConfig(_Section):
    """How files become text. All bounds are there because scraped files are hostile."""

    encoding: str | None = None  # overrides detection
    text_column: str | None = None  # of tables
    title_column: str | None = None
    id_column: str | None = None
    max_bytes: int = Field(default=200_000_000, gt=0)  # of one file on disk (tables are streamed and exempt)
    max_characters: int = Field(default=5_000_000, gt=0)  # of one document's text; a book has one million
    max_expansion: int = Field(default=200, gt=0)  # uncompressed / compressed size inside DOCX and XLSX


class TokensConfig(_Section):
    """Word segmentation: the same algorithm and dictionary in Rust (`rjieba`) or Python (`jieba`)."""

    engine: Literal["rjieba", "jieba"] = "rjieba"
    user_dictionary: Path | None = None  # beside the built-in one of the domain


class ExtractionConfig(_Section):
    """Zoning of a document into positions, duties and requirements."""

    region: Literal["auto", "cn", "tw", "hk"] = "auto"  # which OpenCC configuration converts Traditional text
    max_segment_characters: int = Field(default=2_000, gt=0)  # longer stretches without a break are cut here


class ClassificationConfig(_Section):
    """Duty and title to role."""

    model: Path | None = None  # None: the model in the package
    taxonomy: Path | None = None  # None: the taxonomy in the package
    threshold: float | None = Field(default=None, ge=0, le=1)  # None: the one stored with the model
    top: int = Field(default=3, ge=0)  # how many alternatives a role lists


class DeduplicationConfig(_Section):
    """Repeats among duties, records and documents."""

    boilerplate: Path | None = None  # lines of sites that are left out of pages before anything reads them
    index: Path | None = None  # folder of a dataset or an index whose duties are named in `canonical_duty`
    record_similarity: float = Field(
        default=0.8, gt=0, le=1
    )  # Jaccard of character 3-grams, from which records are near
    document_similarity: float = Field(default=0.8, gt=0, le=1)


class Config(_Section):
    reading: ReadingConfig = ReadingConfig()
    tokens: TokensConfig = TokensConfig()
    extraction: ExtractionConfig = ExtractionConfig()
    classification: ClassificationConfig = ClassificationConfig()
    deduplication: DeduplicationConfig = DeduplicationConfig()

    def digest(self) -> str:
        """16 hex digits that change with any setting."""
        return hashlib.sha256(json.dumps(self.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()[:16]


def load_config(path: Path) -> Config:
    """Read a TOML file. Raises ConfigError naming the setting that does not fit."""
    try:
        return Config.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(
            f"cannot be opened ({error.strerror})", where=str(path), hint="give the path of a TOML file"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"is not TOML: {error}", where=str(path), hint="see the example in the manual") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigError(
            f"{key}: {first['msg']}", where=str(path), hint="`jdextract config` prints every setting"
        ) from error
