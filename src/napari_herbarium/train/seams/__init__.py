"""Training of the network that sees where leaves meet."""
