"""A language model where the pipeline is unsure: grounded in the source, counted, and replayable without a network."""
