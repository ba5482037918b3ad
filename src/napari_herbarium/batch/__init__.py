"""Many sheets: the same result as one by one, restartable, on any number of machines.

Dask's scheduler hands out the sheets. What became of each stands in a ledger.
"""
