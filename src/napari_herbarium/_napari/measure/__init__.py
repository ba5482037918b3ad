"""Measure leaves."""
