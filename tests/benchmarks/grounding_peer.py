"""The aligner of langextract on recorded answers, in an environment of its own. Run by `tests.benchmarks.grounding`.

Takes a file of jobs and writes a file of spans. Nothing of jdextract is imported here.
"""

from __future__ import annotations

import json
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

# What is changed of the documented defaults of `Resolver.align`, and the tokenizer.
SETTINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "defaults": ("RegexTokenizer", {}),
    "Unicode tokenizer": ("UnicodeTokenizer", {}),
    "Unicode tokenizer, no lesser matches": ("UnicodeTokenizer", {"accept_match_lesser": False}),
    "Unicode tokenizer, exact matches only": (
        "UnicodeTokenizer",
        {"enable_fuzzy_alignment": False, "accept_match_lesser": False},
    ),
}


def align(chunks: list[dict[str, str]], tokenizer: str, options: dict[str, Any]) -> dict[str, Any]:
    """The span of each extraction of each chunk, None without one."""
    from langextract.core import format_handler
    from langextract.core import tokenizer as tokenizers
    from langextract.resolver import Resolver

    resolver = Resolver(format_handler.FormatHandler(use_fences=False))
    chosen = getattr(tokenizers, tokenizer)()
    spans: list[list[Any]] = []
    started = time.process_time()
    for chunk in chunks:
        extractions = resolver.resolve(chunk["answer"])
        aligned = resolver.align(extractions, chunk["text"], 0, 0, tokenizer_inst=chosen, **options)
        found = {}
        for each in aligned:
            place = each.char_interval
            if place is not None and place.start_pos is not None and place.end_pos is not None:
                found[each.extraction_index] = [place.start_pos, place.end_pos]
        spans.append([found.get(number) for number in range(1, len(extractions) + 1)])
    return {"spans": spans, "cpu_seconds": time.process_time() - started}


def main() -> None:
    chunks = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    made = {name: align(chunks, tokenizer, options) for name, (tokenizer, options) in SETTINGS.items()}
    told = {"version": version("langextract"), "python": platform.python_version(), "settings": made}
    Path(sys.argv[2]).write_text(json.dumps(told), encoding="utf-8")


if __name__ == "__main__":
    main()
