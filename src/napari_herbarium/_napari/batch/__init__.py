"""Segment a folder."""
