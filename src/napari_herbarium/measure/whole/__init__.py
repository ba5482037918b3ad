"""Which labels are single, whole leaves."""
