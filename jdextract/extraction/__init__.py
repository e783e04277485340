"""SourceText -> Draft: script, tokens, segments, zones, positions."""
