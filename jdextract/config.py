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
from decimal import Decimal
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

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


class LlmConfig(_Section):
    """Language-model assistance. The key is no setting: the environment holds it (`jdextract.llm.credentials`)."""

    model: str | None = Field(default=None, min_length=1, max_length=200)  # None: no language model is asked
    base_url: str = "https://api.openai.com/v1"  # of any OpenAI-compatible endpoint
    mode: Literal["auto", "native", "tool", "prompted"] = "auto"  # how answers are made to fit the schema
    concurrency: int = Field(default=4, ge=1, le=256)
    timeout: float = Field(default=60, gt=0)  # seconds, for one exchange as a whole
    retries: int = Field(default=4, ge=0, le=20)  # after 429, 5xx, time-outs and lost connections
    schema_retries: int = Field(default=2, ge=0, le=10)  # after an answer that does not fit the schema
    max_wait: float = Field(default=60, ge=0)  # seconds: bound of `Retry-After` and of the back-off
    breaker_failures: int = Field(default=10, ge=1)  # in a row, until nothing is sent for `breaker_pause` seconds
    breaker_pause: float = Field(default=30, ge=0)
    max_response_bytes: int = Field(default=2_000_000, gt=0)
    budget: Decimal | None = Field(default=None, ge=0)  # of one run, in the currency of the price table
    max_calls: int | None = Field(default=None, ge=0)  # of one run
    cutoff: float | None = Field(default=None, ge=0)  # least value per token of a question; None: what the limits allow
    price: str = ""  # IN/OUT per million tokens, such as "0.15/0.60" or "1/4 CNY"; empty: from the price table
    thinking_tokens: int = Field(default=0, ge=0)  # room for a thinking model, on top of each request's own bound
    extra_body: str = ""  # JSON object that goes into every request, such as '{"enable_thinking": false}'
    cache: Path = Path("jdextract-llm.sqlite")  # every answer, so that none is paid twice
    replay: bool = False  # answers from the cache only, nothing is sent

    @field_validator("base_url")
    @classmethod
    def _check_base_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
            raise ValueError("must be an http or https address without a user, a password or a query")
        return value

    @field_validator("extra_body")
    @classmethod
    def _check_extra_body(cls, value: str) -> str:
        if value and not isinstance(json.loads(value), dict):
            raise ValueError("must be a JSON object")
        return value


class Config(_Section):
    reading: ReadingConfig = ReadingConfig()
    tokens: TokensConfig = TokensConfig()
    extraction: ExtractionConfig = ExtractionConfig()
    classification: ClassificationConfig = ClassificationConfig()
    deduplication: DeduplicationConfig = DeduplicationConfig()
    llm: LlmConfig = LlmConfig()

    def own_files(self) -> dict[str, Path]:
        """The files and folders that the settings put in the place of those in the package, or beside them, by what they are."""
        files = {
            "duty model": self.classification.model,
            "taxonomy": self.classification.taxonomy,
            "user dictionary": self.tokens.user_dictionary,
            "boilerplate": self.deduplication.boilerplate,
            "index": self.deduplication.index,
        }
        return {name: path for name, path in files.items() if path}

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
