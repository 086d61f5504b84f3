"""Words and values every room shares: errors, keys, digests, money, time. Imports nothing of ours."""
