"""The sheet: read, written and drawn, with its scale and what its file says of it."""
