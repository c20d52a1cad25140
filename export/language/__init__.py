"""A pretrained decoder language model cut to its first layers, and the ids of texts that it reads.

In: a model's name (trunk.load_trunk, reading.load_reader). Out: a `Trunk` that takes embeddings, so that
tokens which are no words can pass through it too, and a `Reader` that turns a patient's text into its
ids. The weights come from an installed package, from a local folder or from the Hugging Face hub;
nothing is written. The model is never asked to speak: what it generates about patients is wrong.
"""
