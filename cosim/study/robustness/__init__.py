"""What a sweep says about a market under latency, loss and faults: estimates, limits, break-evens, pairs."""
