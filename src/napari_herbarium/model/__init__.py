"""Networks, and the folders in which they are kept and shared."""
