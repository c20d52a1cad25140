"""What a bundle costs on this very box: time, memory, power, and how many beds one core can watch.

spread    seconds of many answers -> percentiles                      (no clock)
power     sensors of the board -> watts
ticks     an engine -> seconds of its ticks and of a new patient's first
fresh     a process of its own -> cold start, load time, memory
beds      pipelines of several beds on one engine -> processor seconds a bed and second
engines   which engines are here, and why the others are not
table     all of it as one table
"""
