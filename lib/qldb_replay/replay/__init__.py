"""From a verified lake to a destination ledger: planning, ordering, writing, comparing."""
