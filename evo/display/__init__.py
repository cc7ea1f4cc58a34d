"""What a campaign shows of itself while it runs: numbers in words, what a history amounts to, the live display."""
