"""What is read and written of measured leaves."""
