"""Where the data of the package lies: inside an installed wheel, or at the top of a source checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def find_data(name: str) -> Path:
    """Path of `taxonomy/…` or `models/…`. Raises FileNotFoundError for a name that the package does not carry."""
    checkout = {"taxonomy": _PACKAGE.parent / "corpus", "models": _PACKAGE.parent}
    for root in (_PACKAGE / "data", checkout.get(name.split("/")[0])):
        if root is not None and (root / name).exists():
            return root / name
    raise FileNotFoundError(f"the package does not carry {name}")
