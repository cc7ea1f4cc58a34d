"""What everything else speaks of: trials and their history, objectives, budgets, events, randomness, errors."""
