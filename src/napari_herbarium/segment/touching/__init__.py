"""Leaves that touch, and leaves that were parted."""
