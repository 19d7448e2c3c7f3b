"""Who in an account may use how much: departments with their shares and wallets, extra credits."""
