"""Training of the classifier of single whole leaves."""
