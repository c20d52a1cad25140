"""The waveform branch: what thirty seconds of arterial wave say of hypotension that their mean does not.

Learned and judged on the cohort's case-control windows, of which nothing may be quoted as the performance in
life. `windows` reads them, `morphology` names what is seen in them (with the bedside's own beat detector),
`network` sees them raw, `judged` asks patient by patient whether either beats the trend alone.
"""
