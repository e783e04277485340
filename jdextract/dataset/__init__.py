"""The dataset of canonical duties: what goes into it, what is kept out, and how versions compare."""
