"""Other people's methods, run as they are, for comparison: regression, adaptive testing, pair models."""
