"""Load for the benchmarks: a tool that sends requests, and the limits that they are compared with."""
