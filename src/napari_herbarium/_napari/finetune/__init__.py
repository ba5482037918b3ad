"""Fine-tune model."""
