"""The alarm system after IEC 60601-1-8: facts, conditions, rules, and the pure machine over them."""
