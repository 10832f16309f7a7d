"""A command and its response: `client` sends and waits, `exchange` collects, `ownership` tells answers from URCs."""
