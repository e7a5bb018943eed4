"""Pictures: safe decoding, encoders, vectors, the index, and the search for informative pairs."""
