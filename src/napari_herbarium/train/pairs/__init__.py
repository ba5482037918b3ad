"""Training pairs: sheets and masks that say where leaves are."""
