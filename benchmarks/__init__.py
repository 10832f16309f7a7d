"""Speed and memory, side by side with the peers: `python -m benchmarks`, or `make bench`.

`source` plays the module on a pty; `contenders/` are scripts that read it, each in the environment of what it measures
(`peers`); `runs` does one run of one contender; `throughput`, `latency`, `waiting`, `startup` and `per_test` measure and
compare; `targets` says what must be reached; `table` prints it.
"""
