"""Herbarium TIFFs."""
