"""Training of the interviewer: a language model that asks, and a head that scores a bank's questions."""
