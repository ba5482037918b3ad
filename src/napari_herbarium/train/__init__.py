"""Train leaf models: pairs of picture and mask in, model folder out."""
