"""What can be logged: one module a kind, strangers to each other, all signing the contract in `kind`."""
