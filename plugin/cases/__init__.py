"""Cases: who lies there since when, what was forecast and alarmed, and a page that sums it up."""
