"""Beyond one machine: extraction, near-duplicate search and the dataset as queries of Daft, on this machine or on Ray.

What is here is the function for a batch of rows and the plan; shuffles, joins, spilling and the retry of lost tasks are the
engine's. Needs the extra `cluster`.
"""
