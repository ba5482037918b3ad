"""Compare a model's leaves with leaves labelled by hand."""
