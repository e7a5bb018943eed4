"""Pictures to vectors: encoders behind one interface, and the choice between them.

embedded                        EfficientNet-Lite0 + style network + statistics; no download
open_clip:MODEL/PRETRAINED      a CLIP or SigLIP model by its open_clip names + statistics
open_clip:local-dir:PATH        the same from a folder
auto                            an open_clip model that is already on the machine; else, with a GPU
                                and the person's consent, a download; else embedded
"""

from indexing.encoders.protocol import Encoder, unit
from indexing.encoders.resolve import Resolved, resolve

__all__ = ["Encoder", "Resolved", "resolve", "unit"]
