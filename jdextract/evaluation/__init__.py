"""How good the output is, against annotated documents."""
