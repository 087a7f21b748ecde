"""minivae beside the libraries a user would take instead: `python -m benchmarks.compare`."""
