"""A question that the tests of the client ask."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel


class Role(BaseModel):
    """A role and how sure the model is."""

    role: Literal["warehouse", "sales", "none"]
    sure: bool
