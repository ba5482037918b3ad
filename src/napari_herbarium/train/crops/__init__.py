"""What a recipe trains on, cut from pairs."""
