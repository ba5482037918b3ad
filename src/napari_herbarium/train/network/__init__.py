"""What training needs of a network."""
