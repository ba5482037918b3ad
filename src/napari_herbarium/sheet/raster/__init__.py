"""JPEG, PNG and JPEG 2000 sheets."""
