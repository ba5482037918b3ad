"""Controls and layers, as all our widgets use them."""
