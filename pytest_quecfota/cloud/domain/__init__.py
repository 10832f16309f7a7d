"""The platform's rules, without clock, database or network."""
