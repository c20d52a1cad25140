"""New hypotensive windows: falls of pressure that no patient had, made by small denoising diffusions.

Patients with many falls are few. In: the training patients' cases. Out: `Rows` made by the bedside's own
timeline and labelled by the shared event rule, never by what was asked for. Two ways: `residual`, the
paper's (the window's trend stays, its texture is sampled), and `stretches`, ours (half an hour is sampled
whole, given the outcome asked for). What is learned holds weights and scalings, and no patient's row.
"""
