"""The processes that work on sheets."""
