"""The numbers of a duty model: what training uses and what turns its decisions into probabilities.

The defaults were chosen on 1,000 real segments whose words the model never reads; a model's own stand in its
`settings.json`.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jdextract.errors import ModelError


class _Numbers(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TrainingSettings(_Numbers):
    seed: int = 0
    characters: tuple[int, int] = (1, 3)  # shortest and longest character n-gram
    words: tuple[int, int] = (1, 2)
    fewest: int = Field(default=4, ge=1)  # sentences in which an n-gram must stand
    regularization: float = Field(default=0.3, gt=0)  # C of the linear SVM
    phrase_weight: float = Field(default=1.0, gt=0)  # of titles and scope phrases of the taxonomy against sentences
    teacher_weight: float = Field(default=0.5, gt=0)  # of duties of pages that a teacher labelled against sentences
    weak_weight: float = Field(default=0.2, gt=0)  # of unlabelled duties against sentences
    weak_score: float = Field(default=0.5, ge=0, le=1)  # that an unlabelled duty must reach in context
    weak_limit: int = Field(default=400, ge=0)  # unlabelled duties of one role


class ContextSettings(_Numbers):
    """A log-linear reading in context: weights of what the sentence, the title and the heading say.

    Fitted on duties of real postings; on written documents the sentence alone is right so often that context would look
    useless. What the other duties of a record say was tried as well: no gain on real postings, a loss of 1.7 points on
    documents in which every position does a bit of everything.
    """

    sentence: float = Field(default=0.9, ge=0)  # of log P(role | sentence)
    prior: float = Field(default=0.46, ge=0)  # of log P(duty role | title role), from the annotated documents
    same_role: float = 0.37  # added to the title's role itself
    same_family: float = 0.5  # added to its family
    heading: float = Field(default=0.3, ge=0)  # of log P(role | topic heading or label)


class TitleSettings(_Numbers):
    """How often each way from a title to a role is right."""

    exact: float = Field(default=0.98, ge=0, le=1)
    contained: float = Field(default=0.9, ge=0, le=1)
    duties: float = Field(
        default=0.3, ge=0, le=1
    )  # weight of the duties in the role of a record, where no name is exact


class Settings(_Numbers):
    training: TrainingSettings = TrainingSettings()
    scale: float = Field(default=4.5, gt=0)  # decision values times this are logits
    no_duty_bias: float = 1.6  # added to the logits of what is no duty
    threshold: float = Field(default=0.65, ge=0, le=1)  # a lower score abstains
    context: ContextSettings = ContextSettings()
    titles: TitleSettings = TitleSettings()


def load_settings(path: Path) -> Settings:
    """Raises ModelError for a missing file or a number out of its range."""
    try:
        return Settings.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"cannot be opened ({error.strerror})", where=str(path)) from error
    except ValidationError as error:
        raise ModelError(f"is not a settings file: {error.errors()[0]['msg']}", where=str(path)) from error
