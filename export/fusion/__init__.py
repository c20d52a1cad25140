"""The teacher: a language model's first layers read a patient's text and the monitor's last 15 minutes.

In: rows (export.rows) and ids of texts (export.language.reading). Out: a network that answers with ordered
risks, MAP quantiles, further outcomes and how far it opened the gate of each modality, and what it is
taught with: batches that any resumed run sees again, and a loss. `paper` is IOHFuseLM as published, flaws
included, for comparison.
"""
