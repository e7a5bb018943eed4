"""The heart: questions, the choice model, the belief, what to ask next, the interview and the store."""
