"""The shape of one leaf, from its outline."""
