"""`jdextract version`."""

from __future__ import annotations

# What the records depend on beside jdextract itself.
_LIBRARIES = ("spacy", "jieba", "rjieba", "opencc", "scikit-learn", "python-crfsuite", "polars")


def version() -> None:
    """Print the versions of jdextract and of the libraries that its output depends on.

    Example: jdextract version
    """
    import platform
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as version_of

    from jdextract import __version__

    print(f"jdextract {__version__}")
    print(f"python {platform.python_version()}")
    for name in _LIBRARIES:
        try:
            print(f"{name} {version_of(name)}")
        except PackageNotFoundError:
            print(f"{name} not installed")
