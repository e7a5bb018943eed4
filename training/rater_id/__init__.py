"""Training of a model that reads: who answers, what they answer, and which questions go together."""
