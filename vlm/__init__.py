"""Language models at work: the one that reads questions as vectors, and the one that asks them.

A reader: `passages` (how a question is read), `batch` (tokens), `config`, `backbones`, `model`, `assemble`
(vectors of questions), `posterior` (tastes, with gradients), `saved`, `reader`, `readcache`.
"""
