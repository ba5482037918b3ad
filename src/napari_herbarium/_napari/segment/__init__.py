"""Segment leaves."""
