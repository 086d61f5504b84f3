"""Words and values every room shares: errors, keys, digests, money. Imports nothing of ours."""
