"""The breaker: a whole bed on a clock moved by hand, everything going wrong, and an oracle beside it.

plan       seed -> every fault and every act of a life, before it begins
monitor    the patient and the feed, and what of it was truly measured
engine     a model that knows every risk it gave, and can be poisoned
disk       audit log, decision log and alarm memory that can be full, failing, slow, or torn by a power cut
outlets    ways out that fail, raise, or say so late
box        the real bed over all of these, ended and begun again
oracle     the promises, from what went in and what came out; reads nothing of the alarm machine
life       one seed lived through
"""
