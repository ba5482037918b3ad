"""A herbarium sheet drawn by the package."""
